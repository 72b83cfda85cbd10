"""The whole evaluation of a history, as `devmind evaluate` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devmind.simulate import write_company

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(name="exported", scope="module")
def _exported(tmp_path_factory):
    """What a small simulated company's CI has left behind."""
    folder = tmp_path_factory.mktemp("company") / "exported"
    write_company(folder, seed=3, start=START, projects=2, builds=120)
    return folder


def evaluate(*options):
    command = [sys.executable, "-m", "evaluation.job", *map(str, options)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_history_is_replayed_from_files_to_a_report(exported, tmp_path):
    """
    Exported runs become predictions of the newest builds, figures, sentences and pictures.
    """
    out = tmp_path / "report"
    ended = evaluate("--history", exported, "--last", 60, "--refits", 1, "--json", "--folder", out)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)

    (part,) = report["parts"]
    measured = {(one["rule"], one["metric"]) for one in part["figures"]}
    assert {("model", "mae_s"), ("model", "auc"), ("model", "apfd")} <= measured
    assert part["sentences"]
    assert {"report.md", "metrics.csv", "savings.png"} <= {path.name for path in out.iterdir()}


def test_an_unknown_project_is_answered_with_the_known_ones(exported):
    """
    Asking for a project that was never recorded ends with 2 and names those that were.
    """
    ended = evaluate("--history", exported, "--project", "nowhere")

    assert ended.returncode == 2
    assert "simulated-company/shop" in ended.stderr
    assert "Traceback" not in ended.stderr
