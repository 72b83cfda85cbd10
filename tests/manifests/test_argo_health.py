"""What Argo CD makes of the status of Ray's objects, and of what a sync must not wait for.

Statuses are written with the fields and reasons of KubeRay's API types (v1.7.0), checked against
the strict schemas, and judged by Lua 5.1 as in Argo CD.
"""

from __future__ import annotations

import json

import jsonschema
import pytest
from lupa import lua51

from tests.conftest import ROOT
from tests.manifests.checks.objects import named
from tests.manifests.rendering import render

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
    ("suspended, as beside a CronJob", {"suspend": True}, {"lastScheduleTime": AT}, HEALTHY),
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
def test_health_says_how_it_is(row):
    """
    A status as KubeRay writes it becomes the health that a person would see in it.
    """
    kind, _, spec, status, expected = row
    thing = {"metadata": {"generation": 2}, "spec": spec}
    if status is not None:
        thing["status"] = status
    found, message = judge(f"ray.io_{kind}.lua", thing)

    assert found == expected
    assert message


def test_statuses_are_as_kuberay_writes_them(schemas):
    """
    No health is tried on a field or a value that the definition does not have.
    """
    for kind, _, _, status, _ in TABLE:
        schema = json.loads((schemas / f"ray.io_v1_{kind}.json").read_text(encoding="utf-8"))
        jsonschema.validate(status or {}, schema["properties"]["status"])


def test_a_failure_says_why():
    """
    Whoever looks at Argo CD reads what the operator or Serve said.
    """
    status = SEEN | active("DEPLOY_FAILED", "No module named deployments")
    thing = {"metadata": {"generation": 2}, "spec": {}, "status": status}

    assert "No module named deployments" in judge("ray.io_RayService.lua", thing)[1]


SYNCED = {
    "sync": {
        "status": "Synced",
        "comparedTo": {"source": {"repoURL": "x", "targetRevision": "v2"}},
    },
    "health": {"status": "Healthy"},
}
FIRST_OUT = SYNCED | {"sync": {"status": "OutOfSync"}}
HAND = {"source": {"targetRevision": "v2"}}
AUTO = HAND | {"syncPolicy": {"automated": {"prune": True}}}
OFF = HAND | {"syncPolicy": {"automated": {"enabled": False}}}


def operation(phase):
    return {"operationState": {"phase": phase, "message": "why", "operation": {}, "startedAt": AT}}


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        (AUTO, None, PROGRESSING),
        (AUTO, SYNCED | {"health": {}}, PROGRESSING),
        (AUTO, SYNCED, HEALTHY),
        (AUTO, SYNCED | {"health": {"status": "Degraded", "message": "x"}}, DEGRADED),
        (AUTO, SYNCED | operation("Running"), PROGRESSING),
        (AUTO, SYNCED | operation("Terminating"), PROGRESSING),
        (AUTO, SYNCED | operation("Succeeded"), HEALTHY),
        (AUTO, FIRST_OUT, PROGRESSING),
        (AUTO, FIRST_OUT | operation("Failed"), PROGRESSING),
        (AUTO, SYNCED | {"sync": {"status": "Unknown"}}, PROGRESSING),
        (AUTO | {"source": {"targetRevision": "v3"}}, SYNCED, PROGRESSING),
        (HAND, FIRST_OUT, HEALTHY),
        (OFF, FIRST_OUT, HEALTHY),
        (OFF, FIRST_OUT | operation("Running"), PROGRESSING),
    ],
)
def test_an_application_is_healthy_when_what_git_has_is(spec, status, expected, schemas):
    """
    Waves of applications wait for each other: an older state that is well does not count, and
    nobody waits for a sync that only a person starts.
    """
    thing = {"metadata": {}, "spec": spec} | ({"status": status} if status is not None else {})
    text = (schemas / "argoproj.io_v1alpha1_Application.json").read_text(encoding="utf-8")
    known = json.loads(text)["properties"]["status"]["properties"]
    for key, value in (status or {}).items():
        assert set(value) <= set(known[key]["properties"])

    assert judge("argoproj.io_Application.lua", thing)[0] == expected


def test_a_failed_sync_of_an_application_says_why():
    """
    Whoever waits for a wave reads what Argo CD said of the application that holds it up.
    """
    thing = {"spec": AUTO, "status": FIRST_OUT | operation("Failed")}

    assert judge("argoproj.io_Application.lua", thing)[1] == "OutOfSync: why"


@pytest.mark.parametrize(
    ("phase", "expected"),
    [(None, HEALTHY), ("Pending", HEALTHY), ("Bound", HEALTHY), ("Lost", DEGRADED)],
)
def test_no_wave_waits_for_a_volume_that_waits_for_a_pod(phase, expected):
    """
    A volume of a class that waits for its first pod stays Pending until a later wave or a night.
    """
    thing = {"spec": {}} | ({"status": {"phase": phase}} if phase else {})

    found, message = judge("PersistentVolumeClaim.lua", thing)
    assert found == expected
    assert message


@pytest.mark.parametrize(
    ("spec", "status", "said"),
    [
        ({}, None, "Not started"),
        ({"suspend": True}, {"lastScheduleTime": AT}, "Suspended"),
        ({}, {"lastScheduleTime": AT, "active": [{"name": "x"}]}, "Runs"),
        ({}, {"lastScheduleTime": AT}, "did not succeed"),
        ({}, {"lastScheduleTime": AT, "lastSuccessfulTime": "2026-11-26T04:00:09Z"}, "did not"),
        (
            {},
            {"lastScheduleTime": AT, "lastSuccessfulTime": "2026-11-27T04:01:00Z"},
            "succeeded at",
        ),
    ],
)
def test_a_night_that_failed_stops_no_deployment(spec, status, said):
    """
    A CronJob is healthy whatever its last job did, and says what it did.
    """
    thing = {"spec": spec} | ({"status": status} if status else {})

    found, message = judge("batch_CronJob.lua", thing)
    assert found == HEALTHY
    assert said in message


def test_argo_cd_is_given_every_health_check():
    """
    Each script is in Argo CD's settings under the key of its kind, which for the core group is the
    kind alone.
    """
    config = named(render(ROOT / "k8s/argocd"), "ConfigMap")["argocd-cm"]["data"]
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.lua")}

    assert {f"resource.customizations.health.{key}": text for key, text in scripts.items()} == {
        key: text for key, text in config.items() if ".health." in key
    }
    assert {"PersistentVolumeClaim", "batch_CronJob", "argoproj.io_Application"} <= set(scripts)


def test_a_sync_that_gets_nowhere_ends():
    """
    Argo CD's controller is told when to give a sync up, after the time of a new cluster.
    """
    config = named(render(ROOT / "k8s/argocd"), "ConfigMap")["argocd-cmd-params-cm"]["data"]

    assert 1200 <= int(config["controller.sync.timeout.seconds"]) <= 3600
