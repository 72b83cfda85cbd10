"""What a model replica loads, and what it must not."""

import subprocess
import sys

import pytest

LIGHT = "models.failure_predictor, models.intelligence"
LOADS = {
    "all but the build optimizer": (LIGHT, {"torch", "sklearn", "mlflow", "xgboost"}),
    "build optimizer": ("models.build_optimizer, xgboost", {"torch", "mlflow"}),
}


@pytest.mark.parametrize(("modules", "heavy"), LOADS.values(), ids=LOADS)
def test_no_training_library_is_imported(modules, heavy):
    """
    A replica imports its wiring and its predictor without the libraries that only training needs
    (XGBoost brings scikit-learn with it).
    """
    code = f"import sys, deployments.app, {modules}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not heavy & set(found.stdout.split())
