"""What Tekton would do with our objects, done here."""

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "k8s" / "tekton"
TASKS = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("devmind-*.yaml"))
}
PIPELINE = yaml.safe_load((FOLDER / "pipeline.yaml").read_text())
PIPELINE_TASKS = [*PIPELINE["spec"]["tasks"], *PIPELINE["spec"]["finally"]]
OURS = [task for task in PIPELINE_TASKS if task.get("taskRef", {}).get("name") in TASKS]
REFERENCE = re.compile(r"\$\(([\w.-]+)\)")
URL = "https://git.example.org/shop/web.git"
PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"


def texts(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def references(value):
    return {name for text in texts(value) for name in REFERENCE.findall(text)}


def names(entries):
    return {entry["name"] for entry in entries}


def defaults(spec):
    return {f"params.{p['name']}": p["default"] for p in spec["params"] if "default" in p}


def filled(text, values):
    """Return *text* with what its references stand for."""
    return REFERENCE.sub(lambda match: values[match[1]], text)


def of_pipeline(name):
    (task,) = (task for task in PIPELINE_TASKS if task["name"] == name)
    return task


def params_in_a_run(name, given):
    """Return the parameters that a task of the Pipeline gets in a run with those *given*."""
    values = defaults(PIPELINE["spec"]) | given
    return {p["name"]: filled(p["value"], values) for p in of_pipeline(name)["params"]}


def plain_variables(step, values):
    return {
        one["name"]: filled(one["value"], values)
        for one in step["env"]
        if "value" in one and references(one["value"]) <= set(values)
    }


@dataclass
class Ended:
    code: int
    out: str
    err: str
    results: dict = field(default_factory=dict)


def carry_out(name, source, url, *, secrets=None, place=None, **params):
    """Run a Task's step as Tekton would: variables put in, its script by sh.

    *place* says where: with which `path`, as which `user`, with which folder for `results`.
    """
    place = place or {}
    spec = TASKS[name]["spec"]
    (step,) = spec["steps"]
    folder = place.pop("results", source.parent / "results")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    values = defaults(spec) | {
        "params.url": url,
        "params.pipeline": "shop-ci",
        "params.pipeline-run": "3f1c",
        "params.repo-url": URL,
        "params.branch": "$(touch owned); `touch owned`",
        "params.base": "main",
        "params.timeout-s": "5",
        "workspaces.source.path": str(source),
    }
    values |= {f"params.{key.replace('_', '-')}": value for key, value in params.items()}
    values |= {
        f"results.{r['name']}.path": str(folder / r["name"]) for r in spec.get("results", [])
    }
    env = plain_variables(step, values) | (secrets or {})
    home = {"HOME": str(source.parent)}
    ended = sh(step["script"], source, env | home, **place)
    assert not (source / "owned").exists()
    ended.results = {path.name: path.read_text() for path in folder.iterdir()}
    return ended


def carry_out_inline(name, source, *, path=PATH, user=None, **variables):
    """Run the step of a task that stands in the Pipeline itself."""
    (step,) = of_pipeline(name)["taskSpec"]["steps"]
    assert set(variables) == names(step["env"])
    env = variables | {"HOME": str(source)}
    return sh(step["script"], source, env, path=path, user=user)


def sh(script, folder, env, *, path=PATH, user=None):
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": path} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    return Ended(done.returncode, done.stdout, done.stderr)
