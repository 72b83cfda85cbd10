"""Features of tests, one idea a file, vectorised over the project's tests."""
