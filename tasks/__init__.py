"""Tasks: a few lines each. Log, ask the pure ring, call an executor, return a value."""
