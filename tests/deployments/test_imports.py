"""What a model replica loads, and what it must not."""

import subprocess
import sys

import pytest

from models.names import BUILD_OPTIMIZER, TEST_INTELLIGENCE
from tests.deployments.company import bundle

MODELS = "models.build_optimizer, models.failure_predictor, models.intelligence"
HEAVY = {"torch", "sklearn", "scipy", "mlflow", "xgboost", "numba"}
SELDOM = {"alembic", "jwt", "cryptography", "ray.job_submission"}
"""Needed where something is to migrate, or tokens are checked, or jobs are started."""


def test_no_training_library_is_imported():
    """
    A replica imports its wiring and its predictor without the libraries that only training needs,
    and without what its own configuration does not ask for.
    """
    code = f"import sys, deployments.app, {MODELS}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not (HEAVY | SELDOM) & set(found.stdout.split())


ASKED = """
import sys
from pathlib import Path
import numpy as np
from features.build_state import BuildState
from features.verdict_state import TestState
from models.build_optimizer import BuildOptimizer
from models.bundle import read_bundle
from models.intelligence import TestIntelligence
loaded = {
    "build_optimizer": lambda bundle: BuildOptimizer.load(bundle, BuildState.names),
    "test_intelligence": lambda bundle: TestIntelligence.load(bundle, TestState.names),
}[sys.argv[1]](read_bundle(Path(sys.argv[2])))
assert not loaded.by_library, loaded.by_library
loaded.predict(np.zeros((3, len(loaded.manifest.features)), dtype=np.float32))
print(*sys.modules)
"""


@pytest.mark.parametrize("model", [BUILD_OPTIMIZER, TEST_INTELLIGENCE])
def test_none_is_imported_for_a_prediction(tmp_path, model):
    """
    A bundle as training makes it is loaded, and asked, without the libraries it was fitted by.
    """
    folder = bundle(model, tmp_path, tmp_path / "bundle")

    command = [sys.executable, "-c", ASKED, model, str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)

    assert not HEAVY & set(found.stdout.split())
