"""More mistakes that people make, by the folders and files that they make them in."""

from __future__ import annotations

from tests.manifests.mistakes import CLUSTER, CRON, HEAD, JOB, SERVICE, WAVE, WORKERS
from tests.manifests.mutations import GONE

_PRODUCTION, _ARGO, _LOCAL = "k8s/production", "k8s/argocd/devmind", "k8s/local"
_OVERLAYS = "tests/manifests/overlays"
_TUNNEL = "k8s/production k8s/cloudflare"
_BY_HAND = "k8s/production kuberay/raycluster.yaml"
_IMAGE, _POD = "ghcr.io/YOUR_GITHUB_USERNAME/devmind-ml-service", "spec.template.spec"
_HOST = "Host(`devmind.YOUR_DOMAIN`)"
_TOPICS = "argocd.argoproj.io"
_NAMED = {"name": "devmind-ml-service", "port": 8000}
_KEY = {"name": "K", "valueFrom": {"secretKeyRef": {"name": "devmind-api-key", "key": "key"}}}
_EVERYBODY = [{"namespaceSelector": {}}]
_EVERYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}
_USER = {"kind": "User", "name": "devmind-head", "apiGroup": "rbac.authorization.k8s.io"}
_OPEN = [{"type": "LoadBalancer", "ports": [{"port": 8000}]}, {"type": "NodePort", "ports": []}]


def _from_everybody(port: int, **more: int) -> list[object]:
    return [{"from": _EVERYBODY, "ports": [{"port": port, **more}]}]


_ROUTES = {
    ("IngressRoute/devmind", "spec"): [
        ("routes.encrypted", "entryPoints", ["web"]),
        ("routes.encrypted", "entryPoints", ["web", "websecure"]),
        ("routes.encrypted", "tls", GONE),
        ("routes.metrics", "routes.1.match", _HOST),
        ("routes.metrics", "routes.1.match", f"{_HOST} || !Path(`/metrics`)"),
        ("routes.match", "routes.1.match", "Host(devmind.YOUR_DOMAIN) && !Path(`/metrics`)"),
        ("routes.match", "routes.1.match", f"{_HOST.replace('Host', 'Hosts')}"),
        ("routes.match", "routes.1.match", f"({_HOST} && !Path(`/metrics`)"),
        ("routes.match", "routes.1.match", f"{_HOST} !Path(`/metrics`)"),
        ("routes.match", "routes.1.match", f"{_HOST} && !Path(`/metrics`, `/x`)"),
        ("routes.limits", "routes.0.middlewares.0.name", "devmind-body-limit"),
        ("routes.limits", "routes.1.middlewares.1", {"name": "devmind-retry"}),
        ("routes.limits", "routes.1.middlewares.2", GONE),
        ("routes.namespace", "routes.1.middlewares.0.namespace", "traefik"),
        ("routes.namespace", "routes.0.services.0", _NAMED | {"namespace": "default"}),
    ],
    ("Middleware/devmind-body-limit", "spec"): [
        ("routes.body", "buffering.maxRequestBodyBytes", 1048576),
        ("routes.body", "buffering.maxRequestBodyBytes", GONE),
    ],
    ("Middleware/devmind-retry", ""): [
        ("routes.one-kind", "spec", {}),
        ("routes.one-kind", "spec.rateLimit", {"average": 1}),
    ],
    (SERVICE, "spec"): [
        *(("routes.service", "serveService.spec", each) for each in _OPEN),
        ("routes.service", "rayClusterConfig.headGroupSpec.serviceType", "NodePort"),
    ],
    ("Service/redis", "spec"): [("routes.service", "type", "LoadBalancer")],
    ("StatefulSet/redis", _POD): [
        ("routes.host-port", "containers.0.ports.0.hostPort", 6379),
        ("versions.full", "containers.0.image", "redis:stable"),
        ("versions.full", "containers.0.image", "redis:7"),
        ("versions.full", "containers.0.image", "redis"),
        ("rights.root", "containers.0.securityContext.runAsUser", 0),
        ("rights.root", "securityContext.runAsGroup", 0),
        ("rights.root", "securityContext.runAsGroup", GONE),
        ("rights.root", "securityContext.supplementalGroups", [0]),
        ("rights.weakened", "containers.0.securityContext.runAsNonRoot", False),
        ("rights.weakened", "containers.0.securityContext.seccompProfile.type", "Unconfined"),
    ],
}
_RIGHTS = {
    ("Role/devmind-head", "rules"): [
        ("rights.missing", "2.verbs", ["get"]),
        ("rights.missing", "2.apiGroups", [""]),
        ("rights.missing", "0.verbs", ["get", "list", "watch"]),
        ("rights.missing", "2.resourceNames", ["devmind"]),
        ("rights.more", "1.resources", ["pods/resize", "pods/exec"]),
        ("rights.more", "2.verbs", ["get", "patch", "delete"]),
    ],
    ("Role/devmind-head", ""): [("rights.more", "metadata.name", "devmind-heads")],
    ("RoleBinding/devmind-head", ""): [
        ("rights.binding", "", GONE),
        ("rights.binding", "roleRef.kind", "ClusterRole"),
        ("rights.binding", "subjects.0", _USER),
        ("rights.binding", "subjects.0.name", "devmind-worker"),
        ("rights.binding", "subjects.0.namespace", "default"),
    ],
    (SERVICE, ""): [
        ("rights.account", f"{HEAD}.template.spec.serviceAccountName", "devmind-worker"),
        ("rights.account", f"{WORKERS}.template.spec.serviceAccountName", "devmind-head"),
        ("rights.weakened", f"{CLUSTER}.autoscalerOptions.securityContext.runAsNonRoot", False),
        (
            "rights.life",
            f"{WORKERS}.template.spec.containers.0.lifecycle",
            {"preStop": {"exec": {"command": ["ray", "stop"]}}},
        ),
        ("hooks.order", "metadata.annotations", {WAVE: "-1"}),
        ("versions.full", f"{CLUSTER}.autoscalerOptions.image", "rayproject/ray:latest"),
        ("versions.ours", f"{HEAD}.template.spec.containers.0.image", f"{_IMAGE}:0.0.9"),
        (
            "versions.owner",
            f"{HEAD}.template.spec.containers.0.image",
            f"{_IMAGE.replace('YOUR_GITHUB_USERNAME', 'someone')}:0.1.0",
        ),
    ],
}
_TIMES = {
    ("CronJob/devmind-backup", "spec"): [
        ("times.schedule", "schedule", "40 25 * * *"),
        ("times.zone", "timeZone", "Etc/UCT2"),
        ("times.zone", "timeZone", "Local"),
        ("times.backup", "schedule", "15 2 * * *"),
        ("times.backup", "schedule", "0 3 * * *"),
        ("times.backup", "timeZone", "America/New_York"),
    ],
    (CRON, "spec"): [
        *(
            ("times.schedule", "schedule", each)
            for each in ("15 2 * * 7", "@nightly", "15 2 L * *", "15 2 * * 1#2", "15 2 15W * *")
        ),
        *(
            ("times.schedule", "schedule", each)
            for each in ("0 15 2 * * *", "15 2 * foo *", "15 */0 * * *", "15 5-2 * * *")
        ),
        ("times.zone", "timeZone", "Europe/Berlinn"),
        ("times.fallback", "suspend", True),
        ("times.every", "schedule", "15 */6 * * *"),
        ("times.every", "schedule", "15 2 * * 0"),
    ],
    (CRON, JOB): [
        ("times.every", "entrypoint", "python -m training.job all --scheduled --every nightly"),
    ],
}
_FLOWS = {
    ("NetworkPolicy/ray-from-operator", "spec"): [
        *(
            ("network.forbidden", "ingress", _from_everybody(*ports))
            for ports in ((10001,), (8265,))
        ),
        ("network.forbidden", "ingress", _from_everybody(8000, endPort=9000)),
        ("network.forbidden", "ingress", [{"from": _EVERYBODY, "ports": [{"protocol": "TCP"}]}]),
        ("network.forbidden", "ingress.0.from.0", {"ipBlock": {"cidr": "10.0.0.0/8"}}),
    ],
    ("NetworkPolicy/serve-from-clients", "spec"): [
        ("network.forbidden", "ingress.0.ports.0", {"port": 1024, "endPort": 65535}),
        ("network.forbidden", "ingress.0.from.0", _EVERYWHERE),
    ],
    ("NetworkPolicy/redis-from-head", "spec"): [
        ("network.forbidden", "ingress.0.from.0", _EVERYWHERE),
    ],
    ("NetworkPolicy/head-to-monitoring", "spec.egress.0"): [
        ("network.needed", "ports.0.port", 9091),
        ("network.needed", "ports.1.port", 3001),
        (
            "network.needed",
            "to.0.namespaceSelector.matchLabels",
            {"kubernetes.io/metadata.name": "monitorin"},
        ),
    ],
}
_HOOKS = {
    ("Job/devmind-smoke", ""): [
        ("hooks.value", "metadata.annotations", {f"{_TOPICS}/hook": "PostSynced"}),
        ("hooks.job", "metadata.annotations", {f"{_TOPICS}/hook-delete-policy": "HookFailed"}),
        (
            "hooks.value",
            "metadata.annotations",
            {f"{_TOPICS}/hook-delete-policy": "BeforeHookCreated"},
        ),
        ("hooks.job", "metadata.annotations", {f"{_TOPICS}/hook": "PreSync"}),
        ("hooks.job", "spec.ttlSecondsAfterFinished", 60),
    ],
    ("IngressRoute/devmind", ""): [
        ("hooks.order", "metadata.annotations", {WAVE: "-2"}),
        ("hooks.unknown", "metadata.annotations", {f"{_TOPICS}/syncwave": "1"}),
        ("hooks.unknown", "metadata.annotations", {"argocd.argoproj.com/sync-wave": "1"}),
        ("hooks.value", "metadata.annotations", {WAVE: "1", f"{_TOPICS}/sync-options": "Prune=no"}),
    ],
    ("ExternalSecret/devmind-database", "spec"): [
        ("fetched.key", "data.0.remoteRef.property", "uri"),
        ("fetched.key", "data.0.remoteRef.key", "devmind-pipeline/devmind-mlflow"),
        ("fetched.store", "secretStoreRef.name", "devmnd"),
        ("fetched.store", "secretStoreRef.kind", "SecretStore"),
        ("fetched.target", "target.name", "devmind-mlflow"),
    ],
    ("ExternalSecret/devmind-postgres", "spec"): [
        ("fetched.key", "data.1.remoteRef.property", "mlflow-password"),
    ],
}
PLACES = {
    _PRODUCTION: _ROUTES | _FLOWS | _TIMES | _RIGHTS,
    _ARGO: _HOOKS,
    _LOCAL: {
        (SERVICE, "spec.serveService.spec"): [
            ("routes.service", "type", "ClusterIP"),
            ("routes.service", "ports.0.nodePort", 30801),
        ],
        ("NetworkPolicy/serve-from-clients", "spec"): [
            ("network.needed", "ingress.0.from", [{"podSelector": {}}]),
        ],
    },
    f"{_OVERLAYS}/fallback": {
        ("CronJob/devmind-retraining", "spec"): [
            ("times.fallback", "schedule", "15 14 * * *"),
            ("times.fallback", "timeZone", "Europe/Berlin"),
            (
                "rights.token",
                "jobTemplate.spec.template.spec.automountServiceAccountToken",
                False,
            ),
            (
                "rights.account",
                "jobTemplate.spec.template.spec.serviceAccountName",
                "devmind-worker",
            ),
        ],
        ("CronJob/devmind-retraining", ""): [("times.fallback", "", GONE)],
        (CRON, "spec"): [("times.fallback", "suspend", False)],
        ("ServiceAccount/devmind-retraining", ""): [
            ("rights.token", "automountServiceAccountToken", False),
        ],
        ("Role/devmind-retraining", "rules"): [
            ("rights.missing", "1.verbs", ["list"]),
            ("rights.missing", "0.resourceNames", ["devmind-retrain"]),
            ("rights.more", "0.resourceNames", GONE),
        ],
    },
    f"{_OVERLAYS}/traced": {
        ("NetworkPolicy/jaeger-from-ray", "spec"): [
            ("network.forbidden", "ingress", _from_everybody(4317)),
            ("network.forbidden", "ingress", _from_everybody(16686)),
        ],
    },
    f"{_OVERLAYS}/queued": {
        ("RayCronJob/devmind-retraining", "metadata.labels"): [
            ("workers.queue", "kueue\\.x-k8s\\.io/queue-name", GONE),
            ("workers.queue", "kueue\\.x-k8s\\.io/queue", "devmind-training"),
        ],
    },
    _TUNNEL: {
        ("PodDisruptionBudget/cloudflared", "spec"): [
            (
                "agreement.selector",
                "selector.matchLabels",
                {"app.kubernetes.io/name": "cloudflare"},
            ),
        ],
        ("NetworkPolicy/cloudflared", "spec"): [
            (
                "agreement.selector",
                "podSelector.matchLabels",
                {"app.kubernetes.io/name": "cloudflare-d"},
            ),
            ("network.needed", "egress.1.ports.0.port", 8080),
            ("network.needed", "egress.0.ports", [{"port": 443, "protocol": "TCP"}]),
            ("network.forbidden", "egress.0.to.0", _EVERYWHERE),
        ],
        ("Deployment/cloudflared", ""): [
            (
                "network.needed",
                f"{_POD.removesuffix('.spec')}.metadata.labels",
                {"app.kubernetes.io/name": "cloudflared"},
            ),
            ("agreement.namespace", "metadata.namespace", "devmind"),
            ("agreement.secret", f"{_POD}.containers.0.env.0.valueFrom.secretKeyRef.key", "key"),
        ],
    },
    _BY_HAND: {
        ("RayCluster/devmind-development", "spec"): [
            ("versions.ours", "headGroupSpec.template.spec.containers.0.image", f"{_IMAGE}:0.3.0"),
            (
                "versions.owner",
                "headGroupSpec.template.spec.containers.0.image",
                "ghcr.io/someone/devmind-ml-service:0.1.0",
            ),
            ("agreement.account", "headGroupSpec.template.spec.serviceAccountName", "devmind-hed"),
            ("agreement.secret", "authOptions.secretName", "devmind-ray-token"),
            ("operator.cluster-upgrade", "upgradeStrategy", {"type": "NewCluster"}),
            ("operator.replicas", "workerGroupSpecs.0.replicas", 9),
            ("operation.ray-version", "rayVersion", "2.59.0"),
            (
                "operation.grace",
                "workerGroupSpecs.0.template.spec.terminationGracePeriodSeconds",
                30,
            ),
            ("operation.tokens", "authOptions", GONE),
        ],
    },
    "k8s/tekton": {
        ("Task/devmind-select", "metadata.labels"): [
            ("tekton.version", "app\\.kubernetes\\.io/version", "0.0.9"),
            ("tekton.client", "devmind\\.io/client", GONE),
        ],
        ("Pipeline/devmind-ci", "spec"): [
            ("tekton.more", "tasks.3.taskSpec.steps.0.envFrom", [{"secretRef": {"name": "a"}}]),
            ("tekton.rights", "tasks.3.taskSpec.steps.0.securityContext", {"privileged": True}),
            ("tekton.key", "tasks.3.taskSpec.steps.0.env", [_KEY]),
            ("tekton.url", "params.11.default", "http://devmind-ml-service:8000"),
        ],
        ("Task/devmind-select", "spec"): [
            ("versions.ours", "params.1.default", f"{_IMAGE}:0.0.9"),
            ("versions.full", "params.1.default", f"{_IMAGE}:latest"),
            ("tekton.url", "params.0.default", "http://devmind-ml-service.devmind.svc:8000"),
            ("tekton.more", "sidecars", [{"name": "a", "image": "b:1.0"}]),
            ("tekton.more", "stepTemplate", {"securityContext": {"privileged": True}}),
            ("tekton.more", "volumes", [{"name": "a", "hostPath": {"path": "/"}}]),
            ("tekton.rights", "steps.0.securityContext.runAsNonRoot", False),
            ("tekton.rights", "steps.0.securityContext.privileged", True),
            ("tekton.key", "steps.0.env.-1.valueFrom.secretKeyRef.key", "id"),
        ],
    },
    "k8s/argocd/apps": {
        ("Application/devmind", ""): [
            ("hooks.value", "metadata.annotations", {f"{_TOPICS}/compare-options": "Diff"}),
        ],
    },
}
"""What is taken together, apart by spaces, and the mistakes in it."""
