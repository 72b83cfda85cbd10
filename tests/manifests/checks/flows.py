"""Who has to reach whom, and who may not."""

from __future__ import annotations

from tests.manifests.checks.policies import Peer

ROLE, _AUTOSCALER = "devmind.io/role", "devmind.io/autoscaler"


def _ours(role: str) -> Peer:
    """Return a pod of ours; its other labels are those that its manifest gives it."""
    return Peer(role, {ROLE: role})


HEAD, WORKER, TRAINING = _ours("head"), _ours("serve-worker"), _ours("training")
POSTGRES, REDIS, MLFLOW, BACKUP = (
    _ours(each) for each in ("postgres", "redis", "mlflow", "backup")
)
STARTER, JAEGER = _ours("retraining-starter"), _ours("jaeger")
SMOKE, ARTIFACTS = _ours("smoke"), _ours("backup-artifacts")
AUTOSCALER = Peer("autoscaler", {_AUTOSCALER: "true"})
DEVELOPMENT = Peer("development's autoscaler", {ROLE: "development", _AUTOSCALER: "true"})
ONLY_HEAD = Peer("head alone", {ROLE: "head", "devmind.io/ray": "true", _AUTOSCALER: "false"})
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
