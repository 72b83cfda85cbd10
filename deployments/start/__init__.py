"""What Ray's processes find first: this folder is on their `PYTHONPATH`, by itself."""
