"""The workflows as data, and their scripts run as GitHub runs them."""

import os
import subprocess

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
JOBS = {
    f"{file}.{name}": job
    for file, workflow in WORKFLOWS.items()
    for name, job in workflow["jobs"].items()
}


def commands():
    """Return what each job does, as one text: its commands and the actions it uses."""
    return {
        name: " ".join(str(step.get("run") or step.get("uses")) for step in job["steps"])
        for name, job in JOBS.items()
    }


def script(job, words):
    """Return the only command of a job that holds *words*."""
    (found,) = [step["run"] for step in JOBS[job]["steps"] if words in step.get("run", "")]
    return found


def bash(text, **env):
    """Run a step's script as GitHub does."""
    return subprocess.run(
        ["/bin/bash", "-e", "-o", "pipefail", "-c", text],
        env={"PATH": os.environ["PATH"], **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
