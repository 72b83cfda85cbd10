"""History replayed in order of time: what the models would have said, beside what happened."""
