"""History -> numbers: one implementation for training and serving. numpy only, pure."""
