"""PipelineRuns and TaskRuns as an API server gives them."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SHA = "acb5820ced9479c074f688cc328bf03f341a511d"
CODE = "pipelinesascode.tekton.dev/"


def at(seconds):
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def uid(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def condition(status="True", reason="Succeeded"):
    return [{"type": "Succeeded", "status": status, "reason": reason, "message": "Tasks Completed"}]


def pipeline_run(number=1, *, start=0, seconds=300, children=(), **more):
    """A run of the pipeline `shop-ci` for a pull request, made by Pipelines-as-Code."""
    name = more.pop("name", f"shop-ci-{number}")
    status = {
        "startTime": at(start + 2),
        "completionTime": at(start + seconds),
        "conditions": condition(),
        "childReferences": [
            {
                "apiVersion": "tekton.dev/v1",
                "kind": "TaskRun",
                "name": child,
                "pipelineTaskName": child.removeprefix(f"{name}-"),
            }
            for child in children
        ],
    } | more.pop("status", {})
    metadata = {
        "name": name,
        "namespace": "shop-ci",
        "uid": uid(number),
        "creationTimestamp": at(start),
        "generateName": "shop-ci-",
        "labels": {
            "tekton.dev/pipeline": name,
            CODE + "original-prname": "shop-ci",
            CODE + "event-type": "pull_request",
            CODE + "pull-request": "17",
            CODE + "sha": SHA,
            CODE + "url-org": "shop",
            CODE + "url-repository": "web",
        },
        "annotations": {
            CODE + "branch": "main",
            CODE + "source-branch": "cart",
            CODE + "sender": "ann",
            CODE + "sha-title": "Fill the cart",
        },
    } | more.pop("metadata", {})
    spec = {"pipelineRef": {"name": "shop-ci"}, "params": []} | more.pop("spec", {})
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    } | more


def task_run(task="test", number=1, *, start=10, seconds=100, **more):
    """The run of a task of `pipeline_run(number)`."""
    run = f"shop-ci-{number}"
    name = more.pop("name", f"{run}-{task}")
    status = {
        "startTime": at(start),
        "completionTime": at(start + seconds),
        "conditions": condition(),
        "podName": f"{name}-pod",
        "steps": [step("run", start + 1, start + seconds)],
    } | more.pop("status", {})
    metadata = {
        "name": name,
        "namespace": "shop-ci",
        "uid": uid(1000 * number + sum(map(ord, name)) % 1000),
        "creationTimestamp": at(start - 1),
        "labels": {"tekton.dev/pipelineRun": run, "tekton.dev/pipelineTask": task},
        "ownerReferences": [
            {
                "apiVersion": "tekton.dev/v1",
                "kind": "PipelineRun",
                "name": run,
                "uid": uid(number),
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    } | more.pop("metadata", {})
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "metadata": metadata,
        "spec": {"taskRef": {"name": task}},
        "status": status,
    } | more


def step(name, start, end, code=0, **more):
    return {
        "name": name,
        "container": f"step-{name}",
        "terminated": {
            "exitCode": code,
            "reason": "Completed" if code == 0 else "Error",
            "startedAt": at(start),
            "finishedAt": at(end),
        },
    } | more


def param(name, value):
    return {"name": name, "value": value}


def listed(*objects):
    return {"apiVersion": "v1", "items": list(objects), "kind": "List", "metadata": {}}
