"""Property tests of models share a machine with whatever else runs, so none is timed."""

from hypothesis import settings

settings.register_profile("models", deadline=None)
settings.load_profile("models")
