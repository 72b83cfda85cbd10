"""The durable CI history: append, read in order, snapshots."""
