"""What Argo CD makes of the status of Ray's objects.

Statuses are written with the fields and reasons of KubeRay's API types (v1.7.0), checked against
the strict schemas, and judged by Lua 5.1 as in Argo CD.
"""

from __future__ import annotations

import json

import jsonschema
import pytest
from lupa import lua51

from tests.conftest import ROOT

FOLDER = ROOT / "k8s/argocd/health"
HEALTHY, PROGRESSING, DEGRADED, SUSPENDED = "Healthy", "Progressing", "Degraded", "Suspended"
AT = "2026-11-27T04:00:00Z"


def condition(kind, status, reason, message=""):
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": AT,
    }


def apps(status, message=""):
    return {"devmind": {"status": status, "message": message}}


READY = condition("Ready", "True", "NonZeroServeEndpoints")
STARTING = condition("Ready", "False", "Initializing", "RayService is initializing")
GONE = condition("Ready", "False", "ZeroServeEndpoints", "no Serve endpoints")
INVALID = condition("Ready", "False", "ValidationFailed", "minReplicas 3 > maxReplicas 1")
TIMED_OUT = condition("Ready", "False", "InitializingTimeout", "after 15m")
UPGRADE = condition("UpgradeInProgress", "True", "BothActivePendingClustersExist")
NO_UPGRADE = condition("UpgradeInProgress", "False", "NoPendingCluster")
ROLLBACK = condition("RollbackInProgress", "True", "GoalClusterChanged", "going back")
ACTIVE = {"rayClusterName": "devmind-abcde", "applicationStatuses": apps("RUNNING")}
SEEN = {"observedGeneration": 2}


def active(status, message=""):
    return {"activeServiceStatus": ACTIVE | {"applicationStatuses": apps(status, message)}}


def pending(status, message=""):
    return {
        "pendingServiceStatus": {
            "rayClusterName": "devmind-fghij",
            "applicationStatuses": apps(status, message),
        }
    }


SERVICE = [
    ("just stored", {}, None, PROGRESSING),
    ("seen, nothing known", {}, SEEN, PROGRESSING),
    ("starting", {}, SEEN | {"conditions": [STARTING]}, PROGRESSING),
    (
        "starting to deploy",
        {},
        SEEN | {"conditions": [STARTING]} | pending("DEPLOYING"),
        PROGRESSING,
    ),
    ("serving", {}, SEEN | active("RUNNING") | {"conditions": [READY, NO_UPGRADE]}, HEALTHY),
    (
        "conditions in another order",
        {},
        SEEN | active("RUNNING") | {"conditions": [NO_UPGRADE, READY]},
        HEALTHY,
    ),
    (
        "an older generation serves",
        {},
        {"observedGeneration": 1, "conditions": [READY]} | active("RUNNING"),
        PROGRESSING,
    ),
    (
        "a new cluster comes",
        {},
        SEEN | active("RUNNING") | pending("DEPLOYING") | {"conditions": [READY, UPGRADE]},
        PROGRESSING,
    ),
    (
        "a new cluster fails",
        {},
        SEEN
        | active("RUNNING")
        | pending("DEPLOY_FAILED", "no module")
        | {"conditions": [READY, UPGRADE]},
        DEGRADED,
    ),
    ("deploys in place", {}, SEEN | active("DEPLOYING") | {"conditions": [READY]}, PROGRESSING),
    (
        "deployment failed",
        {},
        SEEN | active("DEPLOY_FAILED", "no module") | {"conditions": [READY]},
        DEGRADED,
    ),
    ("unhealthy", {}, SEEN | active("UNHEALTHY") | {"conditions": [READY]}, DEGRADED),
    ("not started", {}, SEEN | active("NOT_STARTED") | {"conditions": [READY]}, PROGRESSING),
    ("deleting", {}, SEEN | active("DELETING") | {"conditions": [READY]}, PROGRESSING),
    ("nobody serves any more", {}, SEEN | active("RUNNING") | {"conditions": [GONE]}, DEGRADED),
    ("nobody serves yet", {}, SEEN | {"conditions": [GONE]}, PROGRESSING),
    ("refused by the operator", {}, {"observedGeneration": 1, "conditions": [INVALID]}, DEGRADED),
    (
        "refused, the old one serves",
        {},
        SEEN | active("RUNNING") | {"conditions": [INVALID]},
        DEGRADED,
    ),
    ("given up", {}, SEEN | {"conditions": [TIMED_OUT]}, DEGRADED),
    ("rolling back", {}, SEEN | active("RUNNING") | {"conditions": [READY, ROLLBACK]}, DEGRADED),
    ("suspended", {"suspend": True}, SEEN | {"conditions": [READY]}, SUSPENDED),
]

PROVISIONED = condition("RayClusterProvisioned", "True", "AllPodRunningAndReadyFirstTime")
NOT_YET = condition("RayClusterProvisioned", "False", "RayClusterPodsProvisioning")
HEAD = condition("HeadPodReady", "True", "HeadPodRunningAndReady")
NO_HEAD = condition("HeadPodReady", "False", "ContainersNotReady", "containers with unready status")
FAILURE = condition("ReplicaFailure", "True", "FailedCreateWorkerPod", "quota exceeded")

CLUSTER = [
    ("just stored", {}, None, PROGRESSING),
    ("head starts", {}, SEEN | {"conditions": [NO_HEAD, NOT_YET]}, PROGRESSING),
    ("workers start", {}, SEEN | {"conditions": [HEAD, NOT_YET]}, PROGRESSING),
    ("runs", {}, SEEN | {"state": "ready", "conditions": [HEAD, PROVISIONED]}, HEALTHY),
    ("runs, no conditions", {}, SEEN | {"state": "ready", "readyWorkerReplicas": 2}, HEALTHY),
    ("head lost", {}, SEEN | {"state": "ready", "conditions": [NO_HEAD, PROVISIONED]}, DEGRADED),
    ("head lost, other order", {}, SEEN | {"conditions": [PROVISIONED, NO_HEAD]}, DEGRADED),
    ("no pods", {}, SEEN | {"conditions": [HEAD, FAILURE]}, DEGRADED),
    ("failed", {}, SEEN | {"state": "failed", "reason": "invalid"}, DEGRADED),
    ("older generation", {}, {"observedGeneration": 1, "state": "ready"}, PROGRESSING),
    ("suspended", {"suspend": True}, SEEN | {"state": "suspended"}, SUSPENDED),
    ("suspending", {"suspend": True}, SEEN | {"state": "ready"}, HEALTHY),
]

JOB = [
    ("just stored", {}, None, PROGRESSING),
    *(
        (state, {}, {"jobDeploymentStatus": state}, PROGRESSING)
        for state in ("Initializing", "Running", "Waiting", "Retrying")
    ),
    ("succeeded", {}, {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}, HEALTHY),
    (
        "complete and failed",
        {},
        {"jobDeploymentStatus": "Complete", "jobStatus": "FAILED"},
        DEGRADED,
    ),
    (
        "complete and stopped",
        {},
        {"jobDeploymentStatus": "Complete", "jobStatus": "STOPPED"},
        DEGRADED,
    ),
    *(
        (
            reason,
            {},
            {"jobDeploymentStatus": "Failed", "reason": reason, "message": "why"},
            DEGRADED,
        )
        for reason in (
            "AppFailed",
            "DeadlineExceeded",
            "SubmissionFailed",
            "PreRunningDeadlineExceeded",
        )
    ),
    (
        "refused",
        {},
        {"jobDeploymentStatus": "ValidationFailed", "reason": "ValidationFailed"},
        DEGRADED,
    ),
    ("suspended", {"suspend": True}, {"jobDeploymentStatus": "Suspended"}, SUSPENDED),
    ("suspending", {"suspend": True}, {"jobDeploymentStatus": "Suspending"}, SUSPENDED),
    ("to be suspended", {"suspend": True}, None, SUSPENDED),
]

SCHEDULE = [
    ("never fired", {}, None, HEALTHY),
    ("fired", {}, {"lastScheduleTime": AT}, HEALTHY),
    ("suspended", {"suspend": True}, {"lastScheduleTime": AT}, SUSPENDED),
]

TABLE = [
    (kind, *row)
    for kind, rows in (
        ("RayService", SERVICE),
        ("RayCluster", CLUSTER),
        ("RayJob", JOB),
        ("RayCronJob", SCHEDULE),
    )
    for row in rows
]


def judge(file, thing):
    """Run a health script as Argo CD does: a fresh Lua 5.1, with `obj`."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(thing, recursive=True)
    answer = lua.execute((FOLDER / file).read_text(encoding="utf-8"))
    return answer["status"], answer["message"]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
def test_health_says_how_it_is(row, schemas):
    """
    A status as KubeRay writes it becomes the health that a person would see in it.
    """
    kind, _, spec, status, expected = row
    thing = {"metadata": {"generation": 2}, "spec": spec}
    if status is not None:
        thing["status"] = status
        schema = json.loads((schemas / f"ray.io_v1_{kind}.json").read_text(encoding="utf-8"))
        jsonschema.validate(status, schema["properties"]["status"])

    found, message = judge(f"ray.io_{kind}.lua", thing)

    assert found == expected
    assert message


def test_a_failure_says_why():
    """
    Whoever looks at Argo CD reads what the operator or Serve said.
    """
    status = SEEN | active("DEPLOY_FAILED", "No module named deployments")
    thing = {"metadata": {"generation": 2}, "spec": {}, "status": status}

    assert "No module named deployments" in judge("ray.io_RayService.lua", thing)[1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, PROGRESSING),
        ({"health": {}}, PROGRESSING),
        ({"health": {"status": "Degraded", "message": "x"}}, DEGRADED),
        ({"health": {"status": "Healthy"}}, HEALTHY),
    ],
)
def test_an_application_is_as_healthy_as_it_says(status, expected):
    """
    Waves of applications wait for each other.
    """
    thing = {"metadata": {}, "spec": {}} | ({"status": status} if status is not None else {})

    assert judge("argoproj.io_Application.lua", thing)[0] == expected
