"""Decisions: facts in, values out; nothing here reads a clock, a file or the network."""
