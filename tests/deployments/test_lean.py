"""Serve's processes do without pandas, and nobody else has to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devmind.local.serve_mode import WAY_BACK, import_path

ROOT = Path(__file__).resolve().parents[2]
SERVED = "import sys, ray.serve; "
LEAN = "from deployments.lean import without_pandas; without_pandas(); "
ARROW = "import pyarrow; pyarrow.array(['a', None]); "
LOADED = "print('pandas' in sys.modules)"


def run(code, env=None):
    """Run *code* as Ray's processes run, and return what it prints."""
    found = {**os.environ, **(env or {})}
    found["PYTHONPATH"] = import_path(env or {}, root=ROOT)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=found, capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.strip()


def test_serve_does_not_load_pandas():
    """
    It is left out where Serve runs in our settings, and loaded where it runs in its own.
    """
    assert run(SERVED + LOADED) == "False"
    assert run(SERVED + LOADED, {WAY_BACK: "1"}) == "True"


def test_arrow_does_not_load_it_in_a_replica_either():
    """
    A list that becomes an array would bring it, which tells that this is no idle precaution.
    """
    assert run(SERVED + ARROW + LOADED) == "True"
    assert run(SERVED + LEAN + ARROW + LOADED) == "False"


@pytest.mark.parametrize("before", [SERVED, SERVED + ARROW], ids=["after Serve", "after Arrow"])
def test_a_training_job_has_pandas(before):
    """
    Beside Serve, whoever imports pandas gets it, and Arrow makes data frames.
    """
    code = before + "import pandas, pyarrow; print(pyarrow.table({'a': [1]}).to_pandas().a.sum())"

    assert run(code) == "1"


def test_a_process_that_started_as_usual_keeps_pandas():
    """
    Tests and tools that build replicas in their own process lose nothing.
    """
    assert run("import sys; " + LEAN + "import pandas; " + LOADED, {WAY_BACK: "1"}) == "True"
