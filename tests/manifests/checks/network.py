"""Flows that are needed and stopped, and flows that nobody needs and nothing stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.manifests.checks import flows
from tests.manifests.checks.objects import NAMESPACE, Finding, Object, Objects, of_kind, pods
from tests.manifests.checks.policies import Peer, allowed

_POD_IP = "10.244.1.9"


def check(objects: Objects) -> Iterator[Finding]:
    """Yield needed flows that are stopped, and others that are not.

    A flow is needed where both of its ends are deployed.
    """
    every = [pod.labels for pod in pods(objects)]
    policies = list(of_kind(objects, "NetworkPolicy"))
    fetches = any("DEVMIND_ACCESS_TEAM_DOMAIN" in str(c) for c in of_kind(objects, "ConfigMap"))
    if not any(_denies_all(policy) for policy in policies):
        yield Finding("network.default-deny", "NetworkPolicy", "nothing denies by default")
    yield from _unknown(objects)
    by_node = any("'NodePort'" in str(each) for each in of_kind(objects, "RayService"))
    needed = (
        flows.NEEDED + (flows.ACCESS if fetches else []) + (flows.BY_NODE_PORT if by_node else [])
    )
    for source, target, port in needed:
        ends = _real(source, every), _real(target, every)
        if None not in ends and not allowed(policies, *ends, port):
            yield Finding("network.needed", f"{source.name} to {target.name}", str(port))
    for source, target, port in flows.FORBIDDEN + ([] if fetches else flows.ACCESS):
        ends = _somewhere(_real(source, every) or source), _somewhere(
            _real(target, every) or target
        )
        if allowed(policies, *ends, port):
            yield Finding("network.forbidden", f"{source.name} to {target.name}", str(port))


def _unknown(objects: Objects) -> Iterator[Finding]:
    """Policies and flows are said by roles: a pod of an unknown one has none of either."""
    known = {
        peer.labels[flows.ROLE]
        for flow in flows.NEEDED + flows.FORBIDDEN
        for peer in flow[:2]
        if flows.ROLE in peer.labels
    }
    for pod in pods(objects):
        named = flows.CLOUDFLARED.labels.items() <= pod.labels.items()
        if pod.namespace == NAMESPACE and not named and pod.labels.get(flows.ROLE) not in known:
            yield Finding("network.role", pod.where, str(pod.labels.get(flows.ROLE)))


def _real(peer: Peer, every: list[Mapping[str, str]]) -> Peer | None:
    """Return *peer* with all labels of the pod that has its own, `None` if none has."""
    if peer.namespace != NAMESPACE:
        return peer
    found = (labels for labels in every if peer.labels.items() <= labels.items())
    return next((Peer(peer.name, labels) for labels in found), None)


def _somewhere(peer: Peer) -> Peer:
    """Return *peer* with an address, so that a block of addresses may be found to cover it."""
    return replace(peer, ip=peer.ip or _POD_IP)


def _denies_all(policy: Object) -> bool:
    spec = policy["spec"]
    return (
        not spec.get("podSelector")
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )
