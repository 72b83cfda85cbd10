"""What NetworkPolicies allow, worked out as a network plugin would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from tests.manifests.checks.objects import NAMESPACE, Object, Objects, matches

_DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod as policies see it, or whatever else has an address."""

    name: str
    labels: Mapping[str, str]
    namespace: str = NAMESPACE
    ip: str | None = None


def allowed(policies: Objects, source: Peer, target: Peer, port: int) -> bool:
    """Whether *source* may open a connection to *port* of *target*.

    A pod outside of the policies' namespace is stopped by nobody at its own end.
    """
    return _end(policies, "Egress", source, target, port) and _end(
        policies, "Ingress", target, source, port
    )


def _end(policies: Objects, way: str, pod: Peer, other: Peer, port: int) -> bool:
    over = [
        policy["spec"]
        for policy in policies
        if policy["metadata"].get("namespace", NAMESPACE) == pod.namespace
        and way in policy["spec"]["policyTypes"]
        and matches(policy["spec"].get("podSelector"), pod.labels)
    ]
    key, peers = ("egress", "to") if way == "Egress" else ("ingress", "from")
    rules = [rule for spec in over for rule in spec.get(key) or []]
    return not over or any(
        _port(rule, port) and _peer(rule.get(peers), pod, other) for rule in rules
    )


def _port(rule: Object, port: int) -> bool:
    ports = rule.get("ports")
    protocol = "UDP" if port == _DNS_PORT else "TCP"
    return not ports or any(
        each.get("protocol", "TCP") == protocol and _in_range(each, port) for each in ports
    )


def _in_range(said: Object, port: int) -> bool:
    """Whether *port* is meant: without a port every one is, and with an end a range."""
    first = said.get("port")
    return (
        first is None or first == port or ("endPort" in said and first <= port <= said["endPort"])
    )


def _peer(peers: list[Object] | None, pod: Peer, other: Peer) -> bool:
    if not peers:
        return True
    return any(selects(peer, pod, other) for peer in peers)


def selects(peer: Object, pod: Peer, other: Peer) -> bool:
    """Whether *peer* of a policy over *pod* means *other*."""
    if "ipBlock" in peer:
        return other.ip is not None and _within(peer["ipBlock"], other.ip)
    if "namespaceSelector" in peer:
        labels = {"kubernetes.io/metadata.name": other.namespace}
        if not matches(peer["namespaceSelector"], labels):
            return False
    elif other.namespace != pod.namespace:
        return False
    return matches(peer.get("podSelector"), other.labels)


def _within(block: Object, ip: str) -> bool:
    cut = any(ip_address(ip) in ip_network(each) for each in block.get("except", []))
    return ip_address(ip) in ip_network(block["cidr"]) and not cut
