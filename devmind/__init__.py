"""DevMind: how long a build will take, whether it will fail, which tests are worth running."""

__version__ = "0.1.0"
