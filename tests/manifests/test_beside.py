"""What people apply beside production, and parts that they add to it, fit in with it."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.conftest import ROOT
from tests.manifests.checks import agreement, capacity, every, flows, network, waves
from tests.manifests.checks.objects import name, named, of_kind, pods
from tests.manifests.checks.policies import Peer, allowed
from tests.manifests.rendering import PRODUCTION, loose, read, render

BACKUP, ARTIFACTS = ROOT / "k8s/components/backup", ROOT / "k8s/components/backup-artifacts"
OVERLAYS = ROOT / "tests/manifests/overlays"
BY_HAND = (
    *read(BACKUP / "restore.yaml"),
    *read(ARTIFACTS / "unpack.yaml"),
    *read(ROOT / "kuberay/raycluster.yaml"),
)
TUNNEL = tuple(render(ROOT / "k8s/cloudflare"))


def without(objects, kind, own):
    return [each for each in objects if name(each) != f"{kind}/{own}"]


def test_the_quota_admits_everything_at_once():
    """
    An upgrade, two trainings, development, the tunnel, traces, and every job have room together.
    """
    traced = render(OVERLAYS / "traced")
    smoke = [each for each in render(ROOT / "k8s/argocd/devmind") if "smoke" in name(each)]

    assert list(capacity.check([*traced, *smoke, *BY_HAND, *TUNNEL])) == []


def test_what_jobs_by_hand_name_is_there():
    """
    A restore finds its volumes, scripts and secrets under names that no change of a script changes.
    """
    everything = [*render(PRODUCTION), *BY_HAND[:2]]

    assert list(agreement.check(everything)) == []
    assert {"devmind-backup", "devmind-backup-artifacts"} <= set(named(everything, "ConfigMap"))


def test_a_restore_reaches_the_database_and_an_unpacking_nothing():
    """
    Who restores may talk to PostgreSQL; who packs or unpacks files has no network.
    """
    policies = list(of_kind(render(PRODUCTION), "NetworkPolicy"))
    restore, unpack, *_ = (Peer(pod.where, pod.labels) for pod in pods(BY_HAND))

    assert allowed(policies, restore, flows.POSTGRES, 5432)
    assert not allowed(policies, unpack, flows.POSTGRES, 5432)


def test_artifacts_are_packed_and_unpacked_beside_mlflow():
    """
    Its volume is on its node, and its files belong to its user; packing changes none of them.
    """
    objects = {pod.where.partition("/")[2]: pod for pod in pods([*render(PRODUCTION), *BY_HAND])}
    mlflow = objects["mlflow"]
    for own, writes in (("devmind-backup-artifacts", False), ("devmind-restore-artifacts-", True)):
        pod = objects[own]
        (term,) = pod.spec["affinity"]["podAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        mounts = {each["name"]: each for each in pod.containers[0]["volumeMounts"]}
        users = ("runAsUser", "runAsGroup", "fsGroup")

        assert term["labelSelector"]["matchLabels"].items() <= mlflow.labels.items()
        assert [pod.spec["securityContext"][each] for each in users] == [
            mlflow.spec["securityContext"][each] for each in users
        ]
        assert mounts["artifacts"].get("readOnly", False) is not writes
        assert mounts["backups"].get("readOnly", False) is writes


def test_the_artifacts_are_packed_after_their_database():
    """
    Whatever a dump names is in the pack of the same night.
    """
    crons = named(render(PRODUCTION), "CronJob")
    minutes = [
        int(hour) * 60 + int(minute)
        for own in ("devmind-backup", "devmind-backup-artifacts")
        for minute, hour, *_ in [crons[own]["spec"]["schedule"].split()]
    ]

    assert minutes == sorted(set(minutes))


def test_the_development_cluster_may_scale_itself():
    """
    Its head's autoscaler asks the API server, as production's does; its workers ask nobody.
    """
    everything = [*render(PRODUCTION), *BY_HAND[2:]]
    alone = Peer("worker", {"devmind.io/ray": "true", "devmind.io/role": "development"})

    assert list(network.check(everything)) == []
    assert not allowed(list(of_kind(everything, "NetworkPolicy")), alone, flows.API_SERVER, 443)


def test_the_tunnel_reaches_the_service_and_the_internet():
    """
    The tunnel asks workers and Cloudflare, and no other pod, whatever it listens on.
    """
    assert list(network.check([*render(PRODUCTION), *TUNNEL])) == []

    own = list(of_kind(TUNNEL, "NetworkPolicy"))
    for pod, reached in ((flows.WORKER, True), (flows.HEAD, False), (flows.MLFLOW, False)):
        assert allowed(own, flows.CLOUDFLARED, pod, 8000) is reached

    wide = deepcopy(list(TUNNEL))
    (policy,) = of_kind(wide, "NetworkPolicy")
    del policy["spec"]["egress"][0]["to"]
    found = {each.rule for each in network.check([*render(PRODUCTION), *wide])}

    assert found == {"network.forbidden"}


def test_cloudflares_keys_can_be_fetched_where_they_are_wanted_and_nowhere_else():
    """
    The settings of Access and the way out go together.
    """
    objects = render(OVERLAYS / "behind-access")
    shut = without(objects, "NetworkPolicy", "serve-to-cloudflare")
    (policy,) = (each for each in objects if name(each) == "NetworkPolicy/serve-to-cloudflare")

    assert {each.rule for each in network.check(shut)} == {"network.needed"}
    assert {each.rule for each in network.check([*render(PRODUCTION), policy])} == {
        "network.forbidden"
    }


def test_the_tunnel_and_what_is_applied_by_hand_agree_with_production():
    """
    Whatever people apply beside production is held to the rules of what is deployed as a whole.
    """
    production = render(PRODUCTION)
    by_hand = [(path.name, read(path)) for path in loose()]
    found = {
        file: [
            finding for finding in every.of_whole([*production, *objects]) if not _synced(finding)
        ]
        for file, objects in (*by_hand, ("cloudflared", TUNNEL))
    }

    assert {"raycluster.yaml", "rayjob.yaml"} <= found.keys()
    assert not any(found.values()), found


def _synced(finding):
    """Whether only a sync of Argo CD, which the tunnel is no part of, would be disturbed."""
    return finding.rule == "operation.wave" and "cloudflared" in finding.where


def test_the_certificate_is_the_one_that_traefik_shows():
    """
    cert-manager makes the Secret that the route names, for the name that it answers to.
    """
    objects = render(OVERLAYS / "certified")
    (certificate,) = of_kind(objects, "Certificate")
    (route,) = of_kind(objects, "IngressRoute")

    assert certificate["spec"]["secretName"] == route["spec"]["tls"]["secretName"]
    for each in route["spec"]["routes"]:
        assert f"Host(`{certificate['spec']['dnsNames'][0]}`)" in each["match"]


@pytest.mark.parametrize("own", ["postgres-init", "redis-config"])
def test_a_store_does_not_wait_for_its_own_settings(own):
    """
    A ConfigMap that a store mounts in a later wave than the store would stop the first sync.
    """
    objects = deepcopy(list(render(PRODUCTION)))
    (config,) = (each for each in objects if name(each).startswith(f"ConfigMap/{own}"))
    del config["metadata"]["annotations"]

    assert {each.rule for each in waves.check(objects)} == {"operation.needed-wave"}


def test_a_secret_that_is_fetched_too_late_or_left_to_defaults_is_caught():
    """
    Fetched Secrets come before the pods, and say what their operator would fill in.
    """
    objects = deepcopy(list(render(ROOT / "k8s/argocd/devmind")))
    secret = named(objects, "ExternalSecret")["devmind-redis"]
    secret["metadata"]["annotations"][waves.WAVE] = "1"
    del secret["spec"]["data"][0]["remoteRef"]["decodingStrategy"]
    found = {each.rule for each in every.of_whole(objects)}

    assert {"operation.wave", "operation.needed-wave", "operation.defaulted"} == found
