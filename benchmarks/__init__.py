"""Accuracy and speed: each module is a command that prints its table and writes it."""
