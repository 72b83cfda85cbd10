"""Mistakes that people make in manifests, each with the rule that must catch it."""

from __future__ import annotations

from tests.manifests.mutations import GONE

SERVICE, CRON = "RayService/devmind", "RayCronJob/devmind-retraining"
CLUSTER, JOB = "spec.rayClusterConfig", "spec.jobTemplate"
HEAD, WORKERS = f"{CLUSTER}.headGroupSpec", f"{CLUSTER}.workerGroupSpecs.0"
POD = "spec.template.spec"
INCREMENTAL = {"type": "NewClusterWithIncrementalUpgrade", "clusterUpgradeOptions": {}}
_RULE = {"policy": "DeleteSelf", "condition": {"jobStatus": "SUCCEEDED", "ttlSeconds": 1}}
_FAILED = {"jobStatus": "FAILED", "ttlSeconds": 3600}
_LATE = {"policy": "DeleteCluster", "condition": {"jobStatus": "SUCCEEDED", "ttlSeconds": 9}}
_BOTH = {"jobStatus": "FAILED", "jobDeploymentStatus": "Failed", "ttlSeconds": 9}

_QUOTA = {"requests.cpu": "99", "requests.memory": "999Gi", "persistentvolumeclaims": "9"}
WAVE = "argocd.argoproj.io/sync-wave"

PRODUCTION = {
    (SERVICE, ""): [
        ("schema.custom", "spec.serveConfigv2", "x"),
        ("schema.custom", f"{CLUSTER}.headGroupSpec.template.spec.container", []),
        ("schema.custom", f"{CLUSTER}.rayVersion", 2.6),
        ("schema.cel", "spec.managedBy", "me"),
        ("schema.unknown-kind", "apiVersion", "ray.io/v2"),
        ("operator.name", "metadata.name", "devmind_service"),
        ("operator.name", "metadata.name", "d" * 48),
        ("operator.upgrade", "spec.upgradeStrategy.type", "RollingUpdate"),
        ("operator.upgrade", "spec.upgradeStrategy", INCREMENTAL),
        ("operator.deletion-delay", "spec.rayClusterDeletionDelaySeconds", -1),
        ("operation.head", "spec.excludeHeadPodFromServeSvc", False),
        ("agreement.service-port", "spec.serveService.spec.ports.0.targetPort", 8001),
        ("agreement.service-port", "spec.serveService.spec.ports.0.name", "http"),
        ("operation.defaulted", "spec.serveService.spec.ports.0.protocol", GONE),
        ("agreement.route", "spec.serveService.metadata.name", "devmind-service"),
        ("agreement.namespace", "metadata.namespace", "default"),
    ],
    (SERVICE, CLUSTER): [
        ("workers.token", "autoscalerOptions.volumeMounts", GONE),
        ("operator.redis", "gcsFaultToleranceOptions.externalStorageNamespace", "devmind"),
        ("operator.redis", "headGroupSpec.rayStartParams.redis-password", "x"),
        ("operator.tokens", "rayVersion", "2.51.0"),
        ("operator.tokens", "authOptions.enableK8sTokenAuth", True),
        ("operator.gate", "networkPolicy", {"mode": "DenyAll"}),
        ("operator.gate", "gcsFaultToleranceOptions.backend", "rocksdb"),
        ("operator.upgrade", "upgradeStrategy", {"type": "Recreate"}),
        ("operation.ray-version", "rayVersion", "2.59.0"),
        ("operation.tokens", "authOptions.mode", "disabled"),
        ("operation.head", "gcsFaultToleranceOptions", GONE),
        ("agreement.secret", "authOptions.secretName", "devmind-token"),
        (
            "agreement.secret",
            "gcsFaultToleranceOptions.redisPassword.valueFrom.secretKeyRef.key",
            "pw",
        ),
        ("agreement.address", "gcsFaultToleranceOptions.redisAddress", "redis-master:6379"),
        ("agreement.address", "gcsFaultToleranceOptions.redisAddress", "redis:6380"),
    ],
    (SERVICE, HEAD): [
        ("workers.token", "template.spec.automountServiceAccountToken", True),
        ("workers.token", "template.spec.volumes.3", {"name": "api-server", "emptyDir": {}}),
        ("operator.head-service", "headService", {"metadata": {"name": "devmind-head"}}),
        ("operator.ray-labels", "rayStartParams.labels", "a=b"),
        ("operator.resources-twice", "resources", {"cpu": "1"}),
        (
            "operator.autoscaler",
            "template.spec.containers.0.env.0.name",
            "RAY_enable_autoscaler_v2",
        ),
        ("operator.redis", "template.spec.containers.0.env.0.name", "RAY_REDIS_ADDRESS"),
        ("operator.restart-policy", "template.spec.restartPolicy", "Always"),
        ("operation.head", "rayStartParams.num-cpus", "2"),
        ("operation.grace", "template.spec.terminationGracePeriodSeconds", 60),
        ("agreement.account", "template.spec.serviceAccountName", "devmind"),
        ("agreement.secret", "template.spec.containers.0.env.0.valueFrom.secretKeyRef.key", "URL"),
        ("agreement.secret", "template.spec.volumes.1.secret.secretName", "api-keys"),
        ("agreement.volume", "template.spec.containers.0.volumeMounts.0.name", "var"),
        ("agreement.claim", "template.spec.volumes.0.persistentVolumeClaim.claimName", "home"),
        (
            "agreement.config",
            "template.spec.containers.0.envFrom.0.configMapRef.name",
            "devmind-service-config",
        ),
        ("network.needed", "template.metadata.labels", {"devmind.io/role": "head"}),
        ("operation.defaulted", "template.spec.containers.0.ports.0.protocol", GONE),
    ],
    (SERVICE, WORKERS): [
        ("workers.readiness", "template.spec.containers.0.readinessProbe", GONE),
        ("workers.readiness", "template.spec.containers.0.readinessProbe.failureThreshold", 1),
        ("workers.spread", "template.spec.topologySpreadConstraints.0.matchLabelKeys", GONE),
        ("workers.memory", "rayStartParams.memory", GONE),
        ("operator.replicas", "maxReplicas", 1),
        ("operator.suspended-worker", "suspend", True),
        ("operator.containers", "template.spec.containers", []),
        ("operation.replicas", "replicas", 2),
        ("operation.budget", "minReplicas", 1),
        ("operation.grace", "template.spec.terminationGracePeriodSeconds", GONE),
        ("serve.fits", "minReplicas", 1),
        ("serve.fits", "rayStartParams.num-cpus", "0.5"),
        ("serve.idle-worker", "minReplicas", 3),
        ("policy.non-root", "template.spec.securityContext.runAsUser", 0),
        ("policy.seccomp", "template.spec.securityContext.seccompProfile", GONE),
        ("policy.escalation", "template.spec.containers.0.securityContext.privileged", True),
        ("policy.capabilities", "template.spec.containers.0.securityContext.capabilities.drop", []),
        (
            "policy.capabilities",
            "template.spec.containers.0.securityContext.capabilities.add",
            ["NET_ADMIN"],
        ),
        (
            "policy.read-only",
            "template.spec.containers.0.securityContext.readOnlyRootFilesystem",
            False,
        ),
        ("policy.limits", "template.spec.containers.0.resources.limits.memory", GONE),
        ("policy.limits", "template.spec.containers.0.resources.requests.memory", "1Gi"),
        ("policy.image", "template.spec.containers.0.image", "ghcr.io/a/devmind-ml-service:latest"),
        ("policy.image", "template.spec.containers.0.image", "localhost:5000/devmind-ml-service"),
        ("policy.host", "template.spec.hostNetwork", True),
        ("policy.host", "template.spec.volumes.0", {"name": "home", "hostPath": {"path": "/"}}),
        ("policy.bounded-scratch", "template.spec.volumes.2.emptyDir", {}),
        (
            "policy.secret",
            "template.spec.containers.0.env.0",
            {"name": "DATABASE_URL", "value": "postgresql://a:b@c/d"},
        ),
        ("policy.token", "template.spec", {"containers": [], "volumes": []}),
        (
            "agreement.image",
            "template.spec.containers.0.image",
            "ghcr.io/a/devmind-ml-service:0.0.9",
        ),
        (
            "agreement.selector",
            "template.spec.topologySpreadConstraints.0.labelSelector.matchLabels",
            {"role": "x"},
        ),
    ],
    (CRON, ""): [
        ("schema.custom", "spec.concurrencyPolicy", "Forbid"),
        ("operator.name", "metadata.name", "r" * 37),
        ("operator.schedule", "spec.schedule", "CRON_TZ=UTC 15 2 * * *"),
        ("operator.schedule", "spec.schedule", "15 2 * *"),
        ("operator.schedule", "spec.timeZone", ""),
    ],
    (CRON, JOB): [
        ("workers.leftovers", "deletionStrategy.deletionRules.2.condition", _FAILED),
        ("schema.cel", "deletionStrategy.deletionRules.0.condition", _BOTH),
        ("schema.cel", "deletionStrategy", {}),
        ("operator.job-cluster", "clusterSelector", {"ray.io/cluster": "x"}),
        ("operator.job-ttl", "ttlSecondsAfterFinished", 60),
        ("operator.job-suspend", "suspend", True),
        ("operator.job-deletion", "shutdownAfterJobFinishes", True),
        ("operator.job-deletion", "deletionStrategy.deletionRules", [_RULE, _RULE]),
        ("operator.job-deletion", "deletionStrategy.deletionRules", [_RULE, _LATE]),
        ("operator.job-deadline", "activeDeadlineSeconds", 0),
        ("operator.job-backoff", "backoffLimit", -1),
        ("operator.replicas", "rayClusterSpec.workerGroupSpecs.0.minReplicas", GONE),
        ("operation.submission", "submissionMode", "K8sJobMode"),
        ("operation.deadline", "preRunningDeadlineSeconds", GONE),
        ("operation.leftovers", "deletionStrategy", GONE),
        ("operation.command", "entrypoint", "python -m training.job all --promote-if-better"),
        (
            "operation.command",
            "entrypoint",
            "python -m training.job all --scheduled --every 24 --force",
        ),
        ("operation.command", "entrypoint", "python train.py"),
    ],
    ("StatefulSet/postgres", ""): [
        ("schema.core", "spec.replica", 1),
        ("schema.core", f"{POD}.containers.0.ports.0.containerPort", "5432"),
        ("policy.probes", f"{POD}.containers.0.livenessProbe", GONE),
        ("policy.token", f"{POD}.automountServiceAccountToken", GONE),
        (
            "policy.secret",
            f"{POD}.containers.0.env.2",
            {"name": "POSTGRES_PASSWORD", "value": "devmind"},
        ),
        ("agreement.service-port", f"{POD}.containers.0.ports.0.name", "sql"),
        ("operation.wave", "metadata.annotations", {}),
    ],
    ("Deployment/mlflow", ""): [
        ("operation.needed-wave", "metadata.annotations", {WAVE: "-3"}),
        ("policy.limits", f"{POD}.initContainers.0.resources.requests", GONE),
        ("operation.quota", f"{POD}.initContainers.0.resources.requests.memory", "64Gi"),
    ],
    ("ResourceQuota/devmind-pipeline", ""): [
        ("operation.wave", "metadata.annotations", {}),
        ("operation.quota", "spec.hard", _QUOTA | {"requests.cpu": "9"}),
        ("operation.quota", "spec.hard", _QUOTA | {"persistentvolumeclaims": "5"}),
    ],
    ("ServiceAccount/devmind-head", ""): [
        ("operation.wave", "metadata.annotations", {}),
        ("operation.needed-wave", "metadata.annotations", {WAVE: "1"}),
    ],
    ("ConfigMap/devmind-config", ""): [
        ("operation.needed-wave", "metadata.annotations", {WAVE: "1"}),
        ("policy.secret", "data.DATABASE_URL", "postgresql://devmind:secret@postgres/devmind"),
        ("policy.secret", "data.DEVMIND_API_KEY", "dm_0123456789abcdefghijklmnop"),
        ("agreement.address", "data.MLFLOW_TRACKING_URI", "http://mlflow:5001"),
        ("operation.grace", "data.RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "75"),
    ],
    ("Middleware/devmind-retry", "spec.retry"): [
        ("workers.not-repeated", "retryNonIdempotentMethod", GONE),
    ],
    ("IngressRoute/devmind", "spec.routes.0"): [
        ("workers.sent-twice", "middlewares.1.name", "devmind-retry"),
        ("workers.sent-twice", "match", "Host(`devmind.YOUR_DOMAIN`) && PathPrefix(`/model`)"),
        ("schema.custom", "service", []),
        ("agreement.middleware", "middlewares.0.name", "rate-limit"),
        ("agreement.route", "services.0.port", 80),
    ],
    ("NetworkPolicy/default-deny", ""): [
        ("network.default-deny", "", GONE),
        ("operation.wave", "metadata.annotations", {WAVE: "-1"}),
        ("network.default-deny", "spec.policyTypes", ["Ingress"]),
        ("network.forbidden", "spec.ingress", [{}]),
    ],
    ("NetworkPolicy/dns", "spec"): [
        ("network.needed", "egress.0.ports.0.port", 54),
        ("network.needed", "egress.0.to.1.ipBlock.cidr", "169.254.25.10/32"),
    ],
    ("NetworkPolicy/autoscaler-to-api-server", "spec"): [
        ("network.needed", "podSelector.matchLabels", {"devmind.io/role": "training"}),
        ("network.forbidden", "podSelector.matchLabels", {"devmind.io/role": "head"}),
    ],
    ("NetworkPolicy/ray-internal", "spec"): [("network.needed", "egress", [])],
    ("NetworkPolicy/ray-from-operator", "spec"): [
        ("network.needed", "ingress.0.ports.0.port", 8266),
        ("network.forbidden", "ingress.0.from.0", {"namespaceSelector": {}}),
    ],
    ("NetworkPolicy/redis-from-head", "spec"): [
        ("network.forbidden", "ingress.0.from", []),
        ("agreement.selector", "podSelector.matchLabels", {"app": "redis"}),
    ],
    ("NetworkPolicy/postgres-from-users", "spec"): [
        ("network.needed", "ingress.0.from.0.podSelector.matchExpressions.0.values", ["head"]),
        ("network.forbidden", "ingress.0.from", []),
    ],
    ("NetworkPolicy/serve-from-clients", "spec"): [
        ("network.forbidden", "ingress.0.from.1.podSelector", {}),
        ("network.needed", "ingress.0.from.0.namespaceSelector.matchLabels", {"name": "traefik"}),
    ],
    ("PodDisruptionBudget/devmind-serve-workers", "spec"): [
        ("operation.budget", "minAvailable", 2),
        ("operation.budget", "minAvailable", "50%"),
        ("agreement.selector", "selector.matchLabels", {"devmind.io/role": "worker"}),
    ],
    ("PersistentVolumeClaim/devmind-home", ""): [
        ("operation.shared-home", "spec.accessModes", ["ReadWriteOnce"]),
        ("operation.kept-volume", "metadata.annotations", {}),
        ("operation.claim-wave", "metadata.annotations", {WAVE: "-1"}),
    ],
    ("Role/devmind-head", "rules.0"): [
        ("policy.rights", "verbs", ["*"]),
        ("policy.rights", "resources", ["pods", "secrets"]),
    ],
    ("RoleBinding/devmind-head", ""): [
        ("agreement.binding", "subjects.0.name", "head"),
        ("agreement.binding", "roleRef.name", "head"),
    ],
    ("CronJob/devmind-backup", "spec"): [
        ("operation.cron", "concurrencyPolicy", "Allow"),
        ("operation.cron", "timeZone", GONE),
    ],
    ("Namespace/devmind-pipeline", ""): [("operation.wave", "metadata.annotations", {})],
}

SERVE = [
    ("serve.strict", "num_cpus: 0.2", "num_cpu: 0.2"),
    ("serve.strict", "max_ongoing_requests: 100", "max_ongoing_request: 100"),
    ("serve.strict", "proxy_location: EveryNode", "proxy_locaton: EveryNode"),
    ("serve.strict", "min_replicas: 2", "min_replica: 2"),
    ("serve.every-node", "proxy_location: EveryNode", "proxy_location: HeadOnly"),
    ("serve.host", "host: 0.0.0.0", "host: 127.0.0.1"),
    ("serve.port", "port: 8000", "port: 8001"),
    ("serve.route", "route_prefix: /", "route_prefix: /-/devmind"),
    ("serve.fits", "num_cpus: 0.2", "num_cpus: 2"),
    ("operation.grace", "graceful_shutdown_timeout_s: 20", "graceful_shutdown_timeout_s: 60"),
]
"""Mistakes in the text of serveConfigV2: the rule, what stood there, what stands there then."""

GITOPS = {
    ("Application/devmind", ""): [
        ("schema.custom", "spec.syncPolicy.automatic", {}),
        ("gitops.project", "spec.project", "default"),
        ("gitops.path", "spec.source.path", "k8s/prod"),
        ("gitops.source", "spec.source.repoURL", "https://github.com/YOUR_GITHUB_USERNAME/x.git"),
        ("gitops.destination", "spec.destination.namespace", "kube-system"),
        ("gitops.waves", "metadata.annotations", {"argocd.argoproj.io/sync-wave": "-2"}),
        ("gitops.ignored", "spec.syncPolicy.syncOptions", []),
        ("gitops.server-diff", "metadata.annotations", {WAVE: "0"}),
        ("gitops.refresh", "spec.syncPolicy.retry.refresh", False),
    ],
    ("Application/kuberay-crds", ""): [
        ("gitops.server-side", "spec.syncPolicy.syncOptions", []),
        ("gitops.prune-crds", "spec.syncPolicy.automated.prune", True),
        ("gitops.revision", "spec.source.targetRevision", "master"),
    ],
    ("AppProject/devmind", ""): [
        ("gitops.whitelist", "spec.namespaceResourceWhitelist", []),
        ("gitops.whitelist", "spec.clusterResourceWhitelist", []),
        ("gitops.whitelist", "spec.clusterResourceWhitelist.0.name", "default"),
        ("gitops.wide", "spec.clusterResourceWhitelist.0.name", GONE),
    ],
}
