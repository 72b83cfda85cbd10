"""Accuracy on real CI history, beside simple rules and published numbers: `make bench-accuracy`."""
