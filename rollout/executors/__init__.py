"""Executors: the only modules that touch the world."""
