"""Rules that manifests obey: pure functions from objects to findings.

Each check yields a `Finding` for what it dislikes, named by the rule. `CHECKS` hold for any set of
objects, `WHOLE` for everything that is deployed together.
"""
