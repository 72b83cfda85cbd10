"""Servers of others with the same models: what our service is compared with."""
