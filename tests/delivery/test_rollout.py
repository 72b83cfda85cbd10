"""What scripts.rollout and scripts.await_service make of what KubeRay and Kubernetes say."""

import json

import pytest

from scripts import await_service, rollout
from scripts.kubectl import Kubectl, KubectlFailed
from scripts.rollout import Verdict, judge
from tests.delivery.programs import READY, SERVED, cluster, condition, pod, service


def refused(observed, generation=2):
    why = condition("Ready", true=False, reason="ValidationFailed", message="replicas")
    status = {"observedGeneration": observed, "conditions": [why]}
    return {**service(generation), "status": status}


def container(reason, **more):
    waiting = {"waiting": {"reason": reason, "message": "no"}}
    return pod(containerStatuses=[{"state": waiting, **more}])


def crashed(restarts):
    ended = {"terminated": {"reason": "OOMKilled"}}
    return container("CrashLoopBackOff", restartCount=restarts, lastState=ended)


UNSCHEDULABLE = pod(
    conditions=[condition("PodScheduled", true=False, reason="Unschedulable", message="memory")]
)
GOING = {**READY, "metadata": {**READY["metadata"], "deletionTimestamp": "now"}}
UPGRADE = service()
UPGRADE["status"]["conditions"][1] = condition("UpgradeInProgress", true=True)

CASES = {
    "served": (SERVED, "served"),
    "nothing": ([], "there is no RayService"),
    "refused": ([refused(1)], "KubeRay refuses the RayService: replicas"),
    "a refusal of before": ([refused(2), READY], "Serve deploys the application"),
    "not seen yet": ([service(2, 1), cluster(), READY], "KubeRay takes the RayService"),
    "no pod": ([service(), cluster()], "the pod starts"),
    "the old pod": ([service(), cluster(), GOING], "the pod starts"),
    "a pod of others": ([service(), cluster(), {**READY, "metadata": {}}], "the pod starts"),
    "no room": ([service(), UNSCHEDULABLE], "no node takes the pod: memory"),
    "pull": ([service(), container("ErrImagePull")], "the node cannot get the image: ErrImagePull"),
    "back off": ([service(), container("ImagePullBackOff")], "the node cannot get the image"),
    "never": ([service(), container("ErrImageNeverPull")], "the node cannot get the image"),
    "no secret": ([service(), container("CreateContainerConfigError")], "the container cannot be"),
    "first crash": ([service(), crashed(1)], "the pod starts"),
    "crashes": ([service(), crashed(3)], "the container ends again and again: OOMKilled"),
    "deploying": ([service(apps="DEPLOYING"), READY], "Serve deploys the application"),
    "failed": ([service(apps="DEPLOY_FAILED"), READY], "Serve could not deploy the application"),
    "a failure of before": ([service(2, 1, apps="DEPLOY_FAILED"), READY], "KubeRay takes"),
    "old image": ([service(), cluster(image="old"), READY], "the new cluster takes over"),
    "two clusters": ([UPGRADE, cluster(), READY], "the old cluster goes"),
    "not ready": ([service(ready=False), cluster(), READY], "the service gets its pod"),
}


@pytest.mark.parametrize(("objects", "said"), CASES.values(), ids=CASES)
def test_what_is_the_matter(objects, said):
    """
    Each state is told apart; what was true of the specification before does not count.
    """
    assert str(judge(objects, "IMAGE")).startswith(said)


def waited(*verdicts, timeout_s=100):
    """Wait with a clock that only sleeping moves; return the code, the words and the time."""
    passed, left = [0.0], list(verdicts)
    ended = await_service.wait(
        lambda: left.pop(0) if len(left) > 1 else left[0],
        timeout_s,
        say=lambda _: None,
        now=lambda: passed[0],
        sleep=lambda seconds: passed.append(passed.pop() + seconds),
    )
    return (*ended, passed[0])


SERVES = Verdict(rollout.SERVED, lasts_s=5)
WAITS = Verdict("waits")


def test_served_is_believed_once_it_lasts():
    """
    KubeRay looks every two seconds, so what was true before may be true a moment longer.
    """
    assert waited(SERVES, WAITS, SERVES)[::2] == (0, 12)


def test_what_does_not_pass_ends_it_early():
    """
    A failure that lasts is final, one that passes is not.
    """
    assert waited(WAITS, rollout.NO_IMAGE)[::2] == (1, 18)
    assert waited(rollout.NO_IMAGE, SERVES)[0] == 0


def test_what_may_pass_is_waited_for_and_no_longer():
    """
    The time that was given is kept, and the last state is said.
    """
    assert waited(WAITS) == (3, "waits", 102)


def test_a_cluster_that_does_not_answer_is_asked_again(monkeypatch):
    """
    An API server that restarts is no failure; one that stays away is.
    """

    def fails(_self, *_words, **_more):
        raise KubectlFailed("refused")

    monkeypatch.setattr(Kubectl, "run", fails)
    verdict = await_service.seen(Kubectl("here"), "IMAGE")

    assert str(verdict) == "the cluster does not answer: refused"
    assert waited(verdict, SERVES)[0] == 0
    assert waited(verdict)[0] == 1


def test_it_asks_for_everything_at_once(monkeypatch):
    """
    One answer of the API server holds all that is judged.
    """
    monkeypatch.setattr(Kubectl, "run", lambda _self, *_words: json.dumps({"items": SERVED}))

    assert await_service.seen(Kubectl("here"), "IMAGE") == judge(SERVED, "IMAGE")
