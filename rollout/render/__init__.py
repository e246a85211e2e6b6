"""Texts as values: what lies on a host, and what people read."""
