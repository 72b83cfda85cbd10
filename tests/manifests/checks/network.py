"""What NetworkPolicies allow, worked out as a network plugin would, against what is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Object,
    Objects,
    matches,
    of_kind,
    pods,
)


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod as policies see it, or whatever else has an address."""

    name: str
    labels: Mapping[str, str]
    namespace: str = NAMESPACE
    ip: str | None = None


_ROLE, _AUTOSCALER, _DNS_PORT = "devmind.io/role", "devmind.io/autoscaler", 53


def _ours(role: str) -> Peer:
    """Return a pod of ours; its other labels are those that its manifest gives it."""
    return Peer(role, {_ROLE: role})


HEAD, WORKER, TRAINING = _ours("head"), _ours("serve-worker"), _ours("training")
POSTGRES, REDIS, MLFLOW, BACKUP = (
    _ours(each) for each in ("postgres", "redis", "mlflow", "backup")
)
STARTER, JAEGER = _ours("retraining-starter"), _ours("jaeger")
SMOKE, ARTIFACTS = _ours("smoke"), _ours("backup-artifacts")
AUTOSCALER = Peer("autoscaler", {_AUTOSCALER: "true"})
DEVELOPMENT = Peer("development's autoscaler", {_ROLE: "development", _AUTOSCALER: "true"})
ONLY_HEAD = Peer("head alone", {_ROLE: "head", "devmind.io/ray": "true", _AUTOSCALER: "false"})
CLOUDFLARED = Peer("cloudflared", {"app.kubernetes.io/name": "cloudflared"})
DNS = Peer("dns", {"k8s-app": "kube-dns"}, "kube-system")
DNS_CACHE = Peer("a node's DNS cache", {}, "", "169.254.20.10")
INTERNET = Peer("the internet", {}, "", "203.0.113.7")
METADATA = Peer("a cloud's metadata", {}, "", "169.254.169.254")
OPERATOR = Peer("operator", {"app.kubernetes.io/name": "kuberay-operator"}, "kuberay-operator")
TRAEFIK = Peer("traefik", {"app.kubernetes.io/name": "traefik"}, "traefik")
RUNNER = Peer("CI runner", {"devmind.io/client": "true"}, "ci")
PROMETHEUS = Peer("prometheus", {"app.kubernetes.io/name": "prometheus"}, "monitoring")
GRAFANA = Peer("grafana", {"app.kubernetes.io/name": "grafana"}, "monitoring")
NODE = Peer("a node", {}, "", "192.168.49.2")
API_SERVER = Peer("API server", {}, "default")
STRANGER = Peer("stranger", {"app": "anything"}, "elsewhere", "10.244.7.7")
NEIGHBOUR = Peer("neighbour", {"app": "anything"})
_POD_IP = "10.244.1.9"

BEHIND_HAPROXY = (9101, 8404, 8500, 30000, 40000)
"""HAProxy's metrics and statistics, Serve's fallback proxy, and the first ports of replicas."""

NEEDED = [
    *((pod, API_SERVER, port) for pod in (AUTOSCALER, STARTER) for port in (443, 6443)),
    *((DEVELOPMENT, end, port) for end, port in ((API_SERVER, 443), (DNS, 53))),
    *((CLOUDFLARED, end, port) for end, port in ((WORKER, 8000), (INTERNET, 443), (DNS, 53))),
    (CLOUDFLARED, INTERNET, 7844),
    *((pod, JAEGER, 4317) for pod in (HEAD, WORKER, TRAINING)),
    (SMOKE, WORKER, 8000),
    *(
        (pod, dns, 53)
        for pod in (HEAD, WORKER, TRAINING, MLFLOW, BACKUP)
        for dns in (DNS, DNS_CACHE)
    ),
    *((a, b, port) for a, b, port in ((HEAD, WORKER, 10002), (WORKER, HEAD, 6379))),
    *((pod, WORKER, port) for pod in (HEAD, WORKER) for port in (30000, 34567)),
    (WORKER, HEAD, 8500),
    *((pod, POSTGRES, 5432) for pod in (HEAD, WORKER, TRAINING, MLFLOW, BACKUP)),
    (HEAD, REDIS, 6379),
    *((pod, MLFLOW, 5000) for pod in (HEAD, WORKER, TRAINING)),
    *((OPERATOR, HEAD, port) for port in (8265, 8000)),
    (OPERATOR, TRAINING, 8265),
    *((client, WORKER, 8000) for client in (TRAEFIK, RUNNER)),
    *((PROMETHEUS, pod, 8080) for pod in (HEAD, WORKER, TRAINING)),
    *((PROMETHEUS, HEAD, port) for port in (44217, 44227)),
    *((PROMETHEUS, pod, 9101) for pod in (HEAD, WORKER)),
    *((HEAD, end, port) for end, port in ((PROMETHEUS, 9090), (GRAFANA, 3000))),
]
FORBIDDEN = [
    *((who, HEAD, 8265) for who in (STRANGER, NEIGHBOUR, TRAEFIK, RUNNER, PROMETHEUS)),
    *((who, HEAD, 6379) for who in (STRANGER, NEIGHBOUR, MLFLOW)),
    *(
        (who, pod, port)
        for who in (STRANGER, NEIGHBOUR, TRAEFIK, RUNNER, PROMETHEUS)
        for pod, port in ((HEAD, 10001), (TRAINING, 8265), (JAEGER, 16686), (JAEGER, 4317))
    ),
    *((who, POSTGRES, 5432) for who in (STRANGER, NEIGHBOUR, REDIS, STARTER, ARTIFACTS)),
    *((who, REDIS, 6379) for who in (STRANGER, NEIGHBOUR, WORKER, TRAINING, MLFLOW)),
    *((who, MLFLOW, 5000) for who in (STRANGER, NEIGHBOUR, TRAEFIK)),
    *(
        (who, pod, port)
        for who in (STRANGER, NEIGHBOUR, TRAEFIK, RUNNER, PROMETHEUS)
        for pod in (HEAD, WORKER)
        for port in BEHIND_HAPROXY
        if (who, port) != (PROMETHEUS, 9101)
    ),
    *((pod, API_SERVER, port) for pod in (ONLY_HEAD, WORKER, TRAINING) for port in (443, 6443)),
    *((CLOUDFLARED, pod, 8000) for pod in (HEAD, NEIGHBOUR, STRANGER)),
    *((CLOUDFLARED, end, 53) for end in (STRANGER, INTERNET)),
    *((pod, METADATA, 443) for pod in (CLOUDFLARED, WORKER)),
    (CLOUDFLARED, STRANGER, 443),
    (STRANGER, WORKER, 8000),
    (STRANGER, WORKER, 8080),
    (WORKER, STRANGER, 443),
    (POSTGRES, STRANGER, 443),
]
ACCESS = [(WORKER, INTERNET, 443)]
"""Needed where the service fetches Cloudflare's keys, and forbidden where it does not."""
BY_NODE_PORT = [(NODE, HEAD, 8000)]
"""Needed where the service is asked by a port of its node."""


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
    needed = NEEDED + (ACCESS if fetches else []) + (BY_NODE_PORT if by_node else [])
    for source, target, port in needed:
        ends = _real(source, every), _real(target, every)
        if None not in ends and not allowed(policies, *ends, port):
            yield Finding("network.needed", f"{source.name} to {target.name}", str(port))
    for source, target, port in FORBIDDEN + ([] if fetches else ACCESS):
        ends = _somewhere(_real(source, every) or source), _somewhere(
            _real(target, every) or target
        )
        if allowed(policies, *ends, port):
            yield Finding("network.forbidden", f"{source.name} to {target.name}", str(port))


def _unknown(objects: Objects) -> Iterator[Finding]:
    """Policies and flows are said by roles: a pod of an unknown one has none of either."""
    known = {
        peer.labels[_ROLE]
        for flow in NEEDED + FORBIDDEN
        for peer in flow[:2]
        if _ROLE in peer.labels
    }
    for pod in pods(objects):
        named = CLOUDFLARED.labels.items() <= pod.labels.items()
        if pod.namespace == NAMESPACE and not named and pod.labels.get(_ROLE) not in known:
            yield Finding("network.role", pod.where, str(pod.labels.get(_ROLE)))


def _real(peer: Peer, every: list[Mapping[str, str]]) -> Peer | None:
    """Return *peer* with all labels of the pod that has its own, `None` if none has."""
    if peer.namespace != NAMESPACE:
        return peer
    found = (labels for labels in every if peer.labels.items() <= labels.items())
    return next((Peer(peer.name, labels) for labels in found), None)


def _somewhere(peer: Peer) -> Peer:
    """Return *peer* with an address, so that a block of addresses may be found to cover it."""
    return replace(peer, ip=peer.ip or _POD_IP)


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


def _denies_all(policy: Object) -> bool:
    spec = policy["spec"]
    return (
        not spec.get("podSelector")
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )
