"""How much slower than the plain libraries training on a cluster is, on the same cores."""
