"""Questions -> answers: the Ray Serve application."""
