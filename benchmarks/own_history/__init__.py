"""A real package given the history of a team: mutated, fixed, released, tested at every commit."""
