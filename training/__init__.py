"""History -> a new model version."""
