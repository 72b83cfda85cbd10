"""Numbers -> predictions: predictors, bundles, registry, metrics, gate. No Ray, no HTTP."""
