"""Values: frozen, comparable, without behaviour that touches the world."""
