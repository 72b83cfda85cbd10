"""Features of builds, one idea a file."""
