"""What the models and their aliases are called."""

from __future__ import annotations

BUILD_OPTIMIZER = "build_optimizer"
FAILURE_PREDICTOR = "failure_predictor"
TEST_INTELLIGENCE = "test_intelligence"
MODELS = (BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE)

CHAMPION = "champion"
PREVIOUS = "previous"
SHADOW = "shadow"


def in_paths(model: str) -> str:
    """Return the model's name as URLs and deployments write it.

    Example:
        >>> in_paths("build_optimizer")
        'build-optimizer'
    """
    return model.replace("_", "-")


def in_code(name: str) -> str:
    """Return the model's name as code writes it; the inverse of `in_paths`.

    Example:
        >>> in_code("test-intelligence")
        'test_intelligence'
    """
    return name.replace("-", "_")
