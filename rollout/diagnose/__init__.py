"""Known failures: from what was seen where something failed to why, and what to do. Pure."""
