"""Tekton's Tasks and Pipeline: what they say holds together."""

import json
import os
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.conftest import ROOT
from tests.delivery.tekton import (
    FOLDER,
    OURS,
    PIPELINE,
    PIPELINE_TASKS,
    TASKS,
    names,
    of_pipeline,
    references,
)


def test_all_objects_are_there():
    """
    The four Tasks and the Pipeline are applied together.
    """
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]

    assert set(TASKS) == {"devmind-record", "devmind-predict", "devmind-select", "devmind-report"}
    assert set(listed) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}


EXAMPLE = yaml.safe_load(
    re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "tekton.md").read_text(), re.DOTALL)[1]
)


@pytest.mark.parametrize("one", [*TASKS.values(), PIPELINE, EXAMPLE], ids=lambda one: one["kind"])
def test_tekton_takes_it(one):
    """
    Every object, the documented example too, fits its published definition, unknown fields refused.
    """
    folder = os.environ.get("DEVMIND_SCHEMAS", str(ROOT.parent / "shared" / "schemas"))
    file = ROOT / folder / f"tekton.dev_v1_{one['kind']}.json"
    if not file.is_file():
        pytest.skip(f"schemas are absent: {file} does not exist; set DEVMIND_SCHEMAS")

    found = Draft202012Validator(json.loads(file.read_text())).iter_errors(one)

    assert [error.message for error in found] == []


def test_the_documented_run_gives_what_the_pipeline_takes():
    """
    The run in the documentation gives parameters that exist, and all that have no default.
    """
    spec = PIPELINE["spec"]
    given = names(EXAMPLE["spec"]["params"])

    assert {one["name"] for one in spec["params"] if "default" not in one} <= given
    assert given <= names(spec["params"])
    assert names(EXAMPLE["spec"]["workspaces"]) == names(spec["workspaces"])
    assert EXAMPLE["spec"]["pipelineRef"]["name"] == PIPELINE["metadata"]["name"]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_refers_to_what_it_declares(task):
    """
    Parameters, results and workspaces that steps refer to are declared, and all declared are used.
    """
    spec = task["spec"]
    declared = {f"params.{name}" for name in names(spec["params"])}
    declared |= {f"results.{name}.path" for name in names(spec.get("results", []))}
    declared |= {f"workspaces.{name}.path" for name in names(spec["workspaces"])}

    assert references(spec["steps"]) == declared


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_nothing_is_pasted_into_a_script(task):
    """
    What others choose, such as a branch's name, reaches scripts as variables alone.
    """
    assert [references(step["script"]) for step in task["spec"]["steps"]] == [set()]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_no_variable_can_refer_to_a_secret(task):
    """
    Kubernetes fills variables in from earlier ones: a branch called $(DEVMIND_API_KEY) gets none.
    """
    (step,) = task["spec"]["steps"]
    secret = ["DEVMIND_API_KEY", "DEVMIND_ACCESS_CLIENT_ID", "DEVMIND_ACCESS_CLIENT_SECRET"]

    assert [one["name"] for one in step["env"]][-3:] == secret
    assert [one["name"] for one in step["env"] if "valueFrom" in one] == secret
    assert all(one["valueFrom"]["secretKeyRef"]["optional"] for one in step["env"][-3:])


def test_the_pipeline_gives_each_task_what_it_takes():
    """
    Every parameter given is one of the Task, every one it needs is given, and workspaces match.
    """
    assert [task["name"] for task in OURS] == ["record", "predict", "select", "report"]
    for task in OURS:
        spec = TASKS[task["taskRef"]["name"]]["spec"]
        needed = {param["name"] for param in spec["params"] if "default" not in param}
        given = names(task["params"])

        assert needed <= given <= names(spec["params"]), task["name"]
        assert {"api-key-secret", "access-secret", "repo-url"} <= given
        assert names(task["workspaces"]) == names(spec["workspaces"])


def test_the_pipeline_refers_to_what_there_is():
    """
    Its parameters are all declared and all used; order and states name tasks of its own.
    """
    spec = PIPELINE["spec"]
    found = references([{k: v for k, v in t.items() if k != "taskSpec"} for t in PIPELINE_TASKS])
    params = {name for name in found if name.startswith("params.")}
    rest = found - params

    assert params == {f"params.{name}" for name in names(spec["params"])}
    assert rest == {
        "context.pipeline.name",
        "context.pipelineRun.uid",
        "tasks.clone.status",
        "tasks.test.status",
    }
    assert {after for t in PIPELINE_TASKS for after in t.get("runAfter", [])} <= names(
        spec["tasks"]
    )


def test_no_outage_reaches_the_build():
    """
    Every task of ours may fail, for a missing image too, and none waits for a result of one.
    """
    for task in [*OURS, of_pipeline("collect")]:
        assert task["onError"] == "continue"
        assert "retries" not in task
    for task in TASKS.values():
        (step,) = task["spec"]["steps"]
        assert step["onError"] == "continue"
    assert not [name for name in references(PIPELINE_TASKS) if ".results." in name]


def test_no_outage_takes_long():
    """
    Nothing of ours waits for another but what it reads, and two minutes are the end of it.
    """
    after = {task["name"]: task.get("runAfter", []) for task in PIPELINE_TASKS}

    assert [after[name] for name in ("record", "predict", "collect")] == [["clone"]] * 3
    assert (after["select"], after["test"]) == (["collect"], ["select"])
    assert {task["timeout"] for task in OURS} == {"2m"}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_task_ends_by_itself(task):
    """
    Tekton fails a step that reaches its own timeout whatever onError says: the script ends before.
    """
    (step,) = task["spec"]["steps"]
    lines = [line for line in step["script"].splitlines() if "devmind " in line]
    calls = [line.split("timeout -k 5 ")[1].split()[0] for line in lines if "timeout -k" in line]

    assert step["timeout"] == "3m"
    assert sum(map(int, calls)) <= 100
    assert step["script"].count("timeout -k 5 ") == len(calls) >= 1
    assert "\ndevmind " not in step["script"]
