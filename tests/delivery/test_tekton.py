"""Tekton's Tasks and Pipeline: what they say holds together, and what they run is run here."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.cli.conftest import Repository
from tests.cli.service import DURATION, FAILURE, Reply, Service, selection
from tests.conftest import ROOT

FOLDER = ROOT / "k8s" / "tekton"
TASKS = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("devmind-*.yaml"))
}
PIPELINE = yaml.safe_load((FOLDER / "pipeline.yaml").read_text())
PIPELINE_TASKS = [*PIPELINE["spec"]["tasks"], *PIPELINE["spec"]["finally"]]
OURS = [
    task for task in PIPELINE_TASKS if task["name"] in ("record", "predict", "select", "report")
]
REFERENCE = re.compile(r"\$\(([\w.-]+)\)")


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


def test_all_objects_are_there():
    """
    The four Tasks and the Pipeline are applied together.
    """
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]

    assert set(TASKS) == {"devmind-record", "devmind-predict", "devmind-select", "devmind-report"}
    assert set(listed) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}


@pytest.mark.parametrize(
    "one", [*TASKS.values(), PIPELINE], ids=lambda one: one["metadata"]["name"]
)
def test_tekton_takes_it(one):
    """
    Every object fits the published definition, unknown fields refused.
    """
    folder = Path(os.environ.get("DEVMIND_SCHEMAS", ROOT.parent / "shared" / "schemas"))
    file = folder / f"tekton.dev_v1_{one['kind']}.json"
    if not file.is_file():
        pytest.skip(f"schemas are absent: {file} does not exist; set DEVMIND_SCHEMAS")

    found = Draft202012Validator(json.loads(file.read_text())).iter_errors(one)

    assert [error.message for error in found] == []


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


def test_the_pipeline_gives_each_task_what_it_takes():
    """
    Every parameter given is one of the Task, every one it needs is given, and workspaces match.
    """
    for task in OURS:
        spec = TASKS[task["taskRef"]["name"]]["spec"]
        needed = {param["name"] for param in spec["params"] if "default" not in param}
        given = names(task["params"])

        assert needed <= given <= names(spec["params"]), task["name"]
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
    assert rest == {"context.pipeline.name", "context.pipelineRun.uid", "tasks.test.status"}
    assert {after for t in PIPELINE_TASKS for after in t.get("runAfter", [])} <= names(
        spec["tasks"]
    )


def test_no_outage_reaches_the_build():
    """
    Every task of ours may fail, for a missing image too, and none waits for a result of one.
    """
    for task in OURS:
        assert task["onError"] == "continue"
        assert "retries" not in task
        assert task["timeout"] == "5m"
        (step,) = TASKS[task["taskRef"]["name"]]["spec"]["steps"]
        assert step["onError"] == "continue"
    assert not [name for name in references(PIPELINE_TASKS) if ".results." in name]


@pytest.fixture(name="service")
def _service():
    running = Service()
    running.answers("POST", "/api/v1/builds", receipt)
    running.answers("POST", "/api/v1/build-optimizer/predict", DURATION)
    running.answers("POST", "/api/v1/failure-predictor/predict", FAILURE)
    yield running
    running.close()


def receipt(_):
    return Reply({"build_id": "m4gb7wkj", "sequence": 1, "repeated": False}, 201)


@pytest.fixture(name="source")
def _source(tmp_path):
    repository = Repository(tmp_path / "source")
    repository.git("remote", "add", "origin", "https://git.example.org/shop/web.git")
    repository.commit("One", web__cart_py="1")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.commit("Two", web__cart_py="2")
    return repository.folder


class Ended:
    def __init__(self, done, results):
        self.code, self.out, self.err, self.results = (
            done.returncode,
            done.stdout,
            done.stderr,
            results,
        )


def carry_out(name, source, url, **params):
    """Run a Task's step as Tekton would: variables put in, its script by sh."""
    spec = TASKS[name]["spec"]
    (step,) = spec["steps"]
    folder = source.parent / "results"
    folder.mkdir(exist_ok=True)
    values = {f"params.{p['name']}": p.get("default") for p in spec["params"]} | {
        "params.url": url,
        "params.pipeline": "shop-ci",
        "params.pipeline-run": "3f1c",
        "params.repo-url": "https://git.example.org/shop/web.git",
        "params.branch": "$(touch owned); `touch owned`",
        "params.base": "main",
        "params.timeout-s": "5",
        "workspaces.source.path": str(source),
    }
    values |= {f"params.{key.replace('_', '-')}": value for key, value in params.items()}
    values |= {
        f"results.{r['name']}.path": str(folder / r["name"]) for r in spec.get("results", [])
    }
    env = {
        one["name"]: REFERENCE.sub(lambda m: values[m[1]], one["value"])
        for one in step["env"]
        if "value" in one
    }
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["sh", "-c", step["script"]],
        cwd=source,
        env=env | {"PATH": path, "HOME": str(source.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not (source / "owned").exists()
    return Ended(done, {path.name: path.read_text() for path in folder.iterdir()})


@pytest.fixture(name="dead", scope="module")
def _dead():
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_record_tells_what_tekton_knows(service, source):
    """
    The build is recorded as the import would name it, with the change from git.
    """
    ended = carry_out("devmind-record", source, service.url)
    sent = service.asked("/api/v1/builds")[0].json

    assert (ended.code, ended.results["build"]) == (0, "m4gb7wkj")
    assert (sent["project"], sent["pipeline"], sent["external_id"]) == (
        "shop/web",
        "shop-ci",
        "3f1c",
    )
    assert [file["path"] for file in sent["change"]["files"]] == ["web/cart.py"]


def test_predict_prints_a_forecast(service, source):
    """
    People see the forecast in the log.
    """
    ended = carry_out("devmind-predict", source, service.url)

    assert (ended.code, ended.results["predicted"]) == (0, "true")
    assert "31" in ended.out


def test_select_writes_the_list(service, source):
    """
    The tests worth running stand in the workspace.
    """
    service.answers("POST", "/api/v1/test-intelligence/select", selection(["cart"], ["mail"]))
    ended = carry_out("devmind-select", source, service.url, format="names")

    assert (ended.code, ended.results["known"]) == (0, "true")
    assert (source / ".devmind" / "selected.txt").read_text() == "cart\n"


def test_report_tells_tests_and_end(service, source):
    """
    Test reports and the end are recorded with the words of Tekton understood.
    """
    (source / ".devmind").mkdir()
    suite = '<testsuite><testcase classname="cart" name="fills" time="1"/></testsuite>'
    (source / ".devmind" / "junit.xml").write_text(suite)
    carry_out("devmind-report", source, service.url, status="Failed")
    asked = {request.path.rpartition("/")[2]: request.json for request in service.requests}

    assert asked["finish"]["status"] == "failed"
    assert "tests" in asked


STATES = {"Succeeded": "passed", "Completed": "passed", "Failed": "failed", "None": "canceled"}


@pytest.mark.parametrize("state", ["Succeeded", "None"])
def test_how_tasks_end(service, source, state):
    """
    A test task that never ran, as after a cancelled clone, is no failure of the change.
    """
    carry_out("devmind-report", source, service.url, status=state)
    (finish,) = (r.json for r in service.requests if r.path.endswith("/finish"))

    assert finish["status"] == STATES[state]


OUTAGES = {
    "record": ("devmind-record", {}, {"build": ""}),
    "predict": ("devmind-predict", {}, {"predicted": "false"}),
    "select": ("devmind-select", {}, {"known": "false"}),
    "report": ("devmind-report", {"status": "Succeeded"}, {}),
}


@pytest.mark.parametrize(("task", "params", "results"), OUTAGES.values(), ids=OUTAGES)
def test_a_dead_service_fails_no_build(source, dead, task, params, results):
    """
    With nobody at the address every Task succeeds, says so, and gives its results.
    """
    ended = carry_out(task, source, dead, **params)

    assert (ended.code, ended.results) == (0, results)
    assert "goes on" in ended.err or "run all tests" in ended.err


def test_a_dead_service_selects_everything(source, dead):
    """
    Where all tests are listed the list is everything; where they are not there is no list, and a
    list of an earlier run is gone.
    """
    (source / "all.txt").write_text("cart\nmail\n")
    chosen = source / ".devmind" / "selected.txt"
    known = carry_out("devmind-select", source, dead, tests="all.txt", format="names")
    everything = chosen.read_text()
    carry_out("devmind-select", source, dead)

    assert (known.results["known"], everything) == ("true", "cart\nmail\n")
    assert not chosen.exists()


LISTS = {
    "none": (None, ["--junit-xml=.devmind/junit.xml"]),
    "some": ("a b.py::t[x y]\n'c'\n", ["--junit-xml=.devmind/junit.xml", "a b.py::t[x y]", "'c'"]),
    "empty": ("", None),
}


@pytest.mark.parametrize(("chosen", "arguments"), LISTS.values(), ids=LISTS)
def test_the_test_task_runs_what_is_listed(tmp_path, chosen, arguments):
    """
    Listed tests reach the runner as they are; without a list it runs everything.
    """
    (spec,) = (task["taskSpec"] for task in PIPELINE_TASKS if task["name"] == "test")
    runner = tmp_path / "runner"
    runner.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > ran\n')
    runner.chmod(0o755)
    if chosen is not None:
        (tmp_path / ".devmind").mkdir()
        (tmp_path / ".devmind" / "selected.txt").write_text(chosen)

    subprocess.run(
        ["sh", "-c", spec["steps"][0]["script"]],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "COMMAND": str(runner)},
        check=True,
    )

    ran = tmp_path / "ran"
    assert (ran.read_text().splitlines() if ran.exists() else None) == arguments
