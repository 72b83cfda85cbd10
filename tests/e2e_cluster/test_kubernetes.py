"""What is read out of kubectl, against a stand-in for it: races, silence, one context alone."""

import base64

import pytest

from tests.e2e_cluster.kubernetes import (
    KubectlFailed,
    eventually,
    is_ready,
    is_served,
    lacks,
    ready_pods,
    setting,
)


def pod(name, *, ready="True", **meta):
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "uid": f"uid-{name}", **meta}, "status": status}


def service(*, ready="True", state="RUNNING", seen=2, pending="", moving="False"):
    conditions = {"Ready": ready, "UpgradeInProgress": moving}
    status = {
        "observedGeneration": seen,
        "conditions": [{"type": name, "status": is_} for name, is_ in conditions.items()],
        "activeServiceStatus": {
            "rayClusterName": "first",
            "applicationStatuses": {"devmind": {"status": state}} if state else {},
        },
        "pendingServiceStatus": {"rayClusterName": pending},
    }
    return {"metadata": {"generation": 2}, "status": status}


def test_every_call_names_the_context(kubectl):
    """
    Whatever the current context is, and in whichever namespace.
    """
    kubectl.says(get=[{}])
    kubectl.serves({})
    kubectl.cluster.has("namespace", "x")
    kubectl.cluster.active_cluster()
    kubectl.cluster.trouble()
    with kubectl.cluster.service():
        pass

    assert len(kubectl.calls) == 4
    assert all(call.startswith("--context tests ") for call in kubectl.calls)


def test_silence_is_not_absence(kubectl):
    """
    An API server that does not answer is said to, and is not taken for a cluster without something.
    """
    kubectl.says(version=["connection refused"], get=["connection refused"])

    assert "connection refused" in kubectl.cluster.trouble()
    with pytest.raises(KubectlFailed, match="connection refused"):
        kubectl.cluster.has("crd", "rayservices.ray.io")
    kubectl.says(version=[{"serverVersion": {}}])
    assert kubectl.cluster.trouble() == ""


def test_a_head_that_is_not_there_yet(kubectl):
    """
    Between the end of a head and the next one there is none: no name, and it is not ready.
    """
    kubectl.says(get_rayservice=[service()], get_pods=[{"items": []}, {}, {"items": [pod("h")]}])

    assert kubectl.cluster.head_pod() == ""
    assert not is_ready(kubectl.cluster.head())
    assert kubectl.cluster.head_pod() == "h"


def test_a_head_that_is_going_is_not_the_head(kubectl):
    """
    Of two heads the one that stays counts, also before it is ready.
    """
    old = pod("h", deletionTimestamp="2026-12-01T00:00:00Z")
    kubectl.says(get_rayservice=[service()], get_pods=[{"items": [old, pod("h2", ready="False")]}])

    assert kubectl.cluster.head_pod() == "h2"
    assert not is_ready(kubectl.cluster.head())


def test_no_head_before_there_is_a_cluster(kubectl):
    """
    Without a cluster no pod is asked for: a selector without a name would find those of others.
    """
    kubectl.says(get_rayservice=[{}])

    assert kubectl.cluster.head() == {}
    assert not [call for call in kubectl.calls if "pods" in call]


def test_ready_endpoints():
    """
    Pods count once, when they are ready or nothing is said; slices without endpoints do no harm.
    """
    endpoints = [
        {"targetRef": {"name": "a"}, "conditions": {"ready": True}},
        {"targetRef": {"name": "b"}, "conditions": {}},
        {"targetRef": {"name": "c"}, "conditions": {"ready": False}},
        {"conditions": {"ready": True}},
    ]

    assert ready_pods({"items": [{"endpoints": endpoints}, {"endpoints": None}]}) == {"a", "b"}
    assert ready_pods({}) == set()


NOT_SERVED = {
    "not there": {},
    "not seen": service(seen=1),
    "deploying": service(state="DEPLOYING"),
    "no application": service(state=None),
    "not ready": service(ready="False"),
    "upgrading": service(moving="True"),
    "a second cluster": service(pending="second"),
}


@pytest.mark.parametrize("found", NOT_SERVED.values(), ids=NOT_SERVED)
def test_what_is_not_served_yet(found):
    """
    Ready alone is not enough: the newest has to be seen, to run, and nothing to be on its way.
    """
    assert not is_served(found)
    assert is_served(service())


def applications(value=20, *, status="RUNNING", deployment="HEALTHY"):
    config = {"autoscaling_config": {"target_ongoing_requests": value}}
    held = {"ingress": {"status": deployment, "deployment_config": config}}
    return {"devmind": {"status": status, "deployments": held}}


def test_a_setting_of_what_runs():
    """
    A setting counts once everything runs with it.
    """
    path = ("ingress", "autoscaling_config", "target_ongoing_requests")

    assert setting(applications(15), *path) == 15
    assert setting(applications(15, status="DEPLOYING"), *path) is None
    assert setting(applications(15, deployment="UPDATING"), *path) is None
    assert setting({}, *path) is None


def test_serve_is_asked_with_its_token(kubectl):
    """
    The dashboard of the serving head is asked, with the token that its Secret holds.
    """
    token = base64.b64encode(b"token").decode()
    kubectl.says(
        get_rayservice=[service()],
        get_pods=[{"items": [pod("h")]}],
        get_secret=[{"data": {"auth_token": token}}],
    )
    kubectl.serves({"applications": applications()})

    assert kubectl.cluster.applications() == applications()
    assert any("port-forward pod/h" in call for call in kubectl.calls)


def node(**spec):
    return {"spec": spec}


TAINTED = node(taints=[{"effect": "NoSchedule"}])


def test_what_a_cluster_lacks():
    """
    Several nodes need a volume that all can mount; nodes that take no pods do not count.
    """
    assert lacks({"items": [node(), TAINTED, node(unschedulable=True)]}, "") == ""
    assert "DEVMIND_E2E_STORAGE_CLASS" in lacks({"items": [node(), node()]}, "")
    assert lacks({"items": [node(), node()]}, "nfs") == ""
    assert lacks({"items": [TAINTED]}, "") == "no node takes pods"


def test_waiting_outlives_a_moment_of_silence(kubectl):
    """
    A call that fails in between is no end; one that goes on failing is named in the end.
    """
    kubectl.says(get_pods=["etcd is busy", "etcd is busy", {"items": [pod("a")]}])
    eventually(lambda: kubectl.cluster.find("pods"), "a pod", within_s=30, pause_s=0.01)

    kubectl.says(get_pods=["etcd is busy"])
    with pytest.raises(AssertionError, match=r"not within 0 s: a pod \(kubectl .*etcd is busy"):
        eventually(lambda: kubectl.cluster.find("pods"), "a pod", within_s=0, pause_s=0.01)
