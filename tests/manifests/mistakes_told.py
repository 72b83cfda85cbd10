"""Mistakes in what containers are told, each with the rule that must catch it."""

from __future__ import annotations

from tests.manifests.mistakes import CLUSTER, CRON, HEAD, JOB, POD, SERVICE, WORKERS
from tests.manifests.mutations import GONE

_RAY = "template.spec.containers.0"
_URL = "postgresql://devmind:hunter2@postgres/devmind"
_TASK = "spec.jobTemplate.spec.template.spec.containers.0"


def _secret(name: str, key: str) -> dict[str, object]:
    return {"secretKeyRef": {"name": name, "key": key}}


PRODUCTION = {
    ("StatefulSet/redis", ""): [
        ("wiring.selector", "spec.selector.matchLabels", {"devmind.io/role": "redis-server"}),
        ("wiring.host-port", f"{POD}.containers.0.ports.0.hostPort", 6379),
        ("wiring.twice", f"{POD}.containers.0.volumeMounts.2.mountPath", "/data"),
        ("variables.unknown", f"{POD}.containers.0.env.0.name", "REDIS_PASSWORD"),
        ("scripts.unset", f"{POD}.containers.0.env.0.name", "REDIS_PASSWORD"),
        ("scripts.file", f"{POD}.containers.0.command.1", "/etc/redis/run.sh"),
        ("scripts.file", f"{POD}.volumes.0.configMap.items", [{"key": "start.sh", "path": "x"}]),
        ("keys.swapped", f"{POD}.containers.0.env.0.valueFrom", _secret("devmind-ray", "token")),
        (
            "keys.missing",
            f"{POD}.volumes.0",
            {"name": "config", "projected": {"sources": [{"secret": {"name": "redis-tls"}}]}},
        ),
        ("places.kept", f"{POD}.containers.0.volumeMounts.0.mountPath", "/var/lib/redis"),
        ("places.kept", "spec.volumeClaimTemplates.0.metadata.name", "other"),
        ("places.template", "spec.volumeClaimTemplates", GONE),
        ("places.scratch", f"{POD}.containers.0.volumeMounts.2", {"name": "x", "mountPath": "/x"}),
        ("places.group", f"{POD}.securityContext.fsGroup", GONE),
        ("sizes.store", f"{POD}.containers.0.resources.limits.memory", "384Mi"),
        ("sizes.quantity", f"{POD}.volumes.1.emptyDir.sizeLimit", "1G1"),
    ],
    ("StatefulSet/postgres", ""): [
        ("wiring.service-name", "spec.serviceName", "postgresql"),
        ("variables.unknown", f"{POD}.containers.0.env.2.name", "POSTGRES_PASSWD"),
        ("variables.unknown", f"{POD}.containers.0.env.3.name", "DEVMIND_PASSWORD"),
        ("scripts.unset", f"{POD}.containers.0.env.3.name", "DEVMIND_PASSWORD"),
        (
            "keys.swapped",
            f"{POD}.containers.0.env.3.valueFrom",
            _secret("devmind-postgres", "mlflow-password"),
        ),
        ("places.kept", f"{POD}.containers.0.env.0.value", "/var/lib/postgres/data"),
        ("places.init", f"{POD}.containers.0.volumeMounts.1.mountPath", "/docker-entrypoint-d"),
        ("sizes.store", f"{POD}.containers.0.args.3", "shared_buffers=2GB"),
        ("sizes.limit", f"{POD}.containers.0.resources.limits.cpu", "200m"),
    ],
    ("Deployment/mlflow", f"{POD}"): [
        ("wiring.probe", "containers.0.readinessProbe.httpGet.port", "web"),
        ("wiring.probe", "containers.0.readinessProbe.httpGet.port", 8000),
        ("variables.unknown", "containers.0.env.0.name", "MLFLOW_BACKEND_STORE_URL"),
        ("registry.host", "containers.0.args.0", "--host=127.0.0.1"),
        ("registry.port", "containers.0.args.1", "--port=5001"),
        ("registry.option", "containers.0.args.2", "--worker-count=1"),
        ("registry.artifacts", "containers.0.args.3", "--artifacts-destination=/var/lib/mflow"),
        ("registry.allowed-hosts", "containers.0.env.1.value", "mlflow:5001,localhost:*"),
        ("literals.text", "containers.0.args.2", f"--backend-store-uri={_URL}"),
        ("literals.text", "containers.0.args.2", "--password=hunter2"),
        ("places.home", "containers.0.env.3.value", "/root"),
        ("places.scratch", "containers.0.volumeMounts.1.mountPath", "/var/tmp"),
        ("places.group", "securityContext.fsGroup", GONE),
        ("sizes.quantity", "containers.0.resources.limits.cpu", "1 core"),
    ],
    ("CronJob/devmind-backup", ""): [
        ("variables.unknown", f"{_TASK}.env.2.name", "PG_PASSWORD"),
        ("keys.address", f"{_TASK}.env.0.value", "postgresql"),
        (
            "keys.swapped",
            f"{_TASK}.env.2.valueFrom",
            _secret("devmind-postgres", "history-password"),
        ),
        ("scripts.unset", f"{_TASK}.env.4", {"name": "PGPORT", "value": "5432"}),
        ("scripts.file", f"{_TASK}.command.1", "/etc/backup/backups.sh"),
        ("places.kept", f"{_TASK}.env.3.value", "/backup"),
        ("places.mounted", f"{_TASK}.volumeMounts.1", {"name": "tmp", "mountPath": "/x"}),
    ],
    ("CronJob/devmind-backup-artifacts", _TASK): [
        ("scripts.module", "command", ["python", "-m", "training.nightly_job"]),
        ("scripts.starter", "command", ["python", "-m", "training.nightly", "devmind-training"]),
    ],
    ("Service/postgres", ""): [("keys.address", "spec.ports.0.port", 5433)],
    ("PodDisruptionBudget/devmind-serve-workers", "spec"): [
        ("wiring.budget", "selector.matchLabels", {"devmind.io/role": "head"}),
        ("wiring.budget", "selector.matchLabels", {"devmind.io/ray": "true"}),
        ("wiring.budget", "selector.matchLabels", {"devmind.io/role": "worker"}),
        ("wiring.budget", "minAvailable", 2),
    ],
    ("ConfigMap/devmind-config", "data"): [
        ("variables.unknown", "DEVMIND_APIKEYS_FILE", "/etc/devmind/keys/api-keys"),
        ("variables.unknown", "DEVMIND_HOSTS", "0.0.0.0"),  # noqa: S104 - a misspelled name
        ("variables.unknown", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT", "45"),
        ("variables.unknown", "RAY_GRAFANA_URL", "DISABLED"),
        ("variables.unknown", "MLFLOW_TRACKING_URL", "http://mlflow:5000"),
        ("variables.unknown", "JAEGER_ENDPONT", "http://jaeger:4317"),
        ("variables.refused", "ENVIRONMENT", "prod"),
        ("variables.refused", "DEVMIND_STATES_MIB", "8"),
        ("places.kept", "DEVMIND_HOME", "/var/lib/devmind-home"),
        ("places.kept", "DEVMIND_HOME", GONE),
        ("places.home", "HOME", GONE),
        ("keys.address", "MLFLOW_TRACKING_URI", "https://mlflow:5000"),
        ("keys.observer", "RAY_PROMETHEUS_HOST", "http://prometheus-operated.monitoring:9091"),
    ],
    (SERVICE, CLUSTER): [
        ("literals.redis", "gcsFaultToleranceOptions.redisPassword", {"value": "s3cr3t"}),
        ("literals.redis", "gcsFaultToleranceOptions.redisPassword", GONE),
        ("literals.autoscaler", "autoscalerOptions.env", [{"name": "RAY_TOKEN", "value": "abc"}]),
        ("sizes.autoscaler", "autoscalerOptions.resources.limits", GONE),
    ],
    (SERVICE, HEAD): [
        ("wiring.dashboard", "rayStartParams.dashboard-host", "127.0.0.1"),
        ("wiring.twice", f"{_RAY}.ports.2.name", "serve"),
        ("variables.unknown", f"{_RAY}.env.0.name", "DATABASE_URI"),
        ("keys.missing", f"{_RAY}.envFrom", [{"secretRef": {"name": "devmind-extra"}}]),
        (
            "keys.missing",
            f"{_RAY}.env.0.valueFrom",
            {"configMapKeyRef": {"name": "devmind-config", "key": "LOG_LEVEL"}},
        ),
        (
            "keys.missing",
            "template.spec.volumes.1.secret.items",
            [{"key": "keys", "path": "api-keys"}],
        ),
        ("keys.swapped", f"{_RAY}.env.0.valueFrom", _secret("devmind-mlflow", "url")),
        ("places.kept", f"{_RAY}.volumeMounts.0.mountPath", "/var/lib/devmnd"),
        ("places.keys", f"{_RAY}.volumeMounts.1.mountPath", "/etc/devmind/key"),
        ("places.keys", "template.spec.volumes.1.secret.items", [{"key": "keys", "path": "x"}]),
        ("places.scratch", f"{_RAY}.volumeMounts.2.mountPath", "/scratch"),
        ("places.mode", "template.spec.volumes.1.secret.defaultMode", 0),
        ("places.mode", "template.spec.volumes.1.secret.defaultMode", 0o400),
        ("sizes.claimed", "rayStartParams.object-store-memory", "8589934592"),
    ],
    (SERVICE, WORKERS): [
        ("wiring.port-number", f"{_RAY}.ports.0.containerPort", 8001),
        ("sizes.claimed", f"{_RAY}.resources.limits.memory", "1Gi"),
        ("sizes.cpus", "rayStartParams.num-cpus", "4"),
    ],
    (CRON, JOB): [
        ("literals.text", "runtimeEnvYAML", f"env_vars: {{DATABASE_URL: '{_URL}'}}"),
        ("scripts.job", "entrypoint", "python -m training.job all --scheduled --every nightly"),
        ("scripts.job", "entrypoint", "python -m training.job all --every-hours 24"),
    ],
    ("Namespace/devmind-pipeline", ""): [("literals.text", "metadata.annotations.note", _URL)],
}

FILES = [
    ("scripts.file", ("redis-config", "start.sh"), "/etc/redis/redis.conf", "/etc/redis/config"),
    ("scripts.file", ("devmind-backup", "backup.sh"), "$here/dump.sh", "$here/dumps.sh"),
    ("literals.redis", ("redis-config", "redis.conf"), "include /tmp", "requirepass hunter2 #"),
    ("sizes.appendonly", ("redis-config", "redis.conf"), "appendonly yes", "appendonly no"),
    ("sizes.store", ("redis-config", "redis.conf"), "maxmemory 384mb", "maxmemory 2gb"),
    ("sizes.store", ("redis-config", "redis.conf"), "maxmemory 384mb", ""),
    ("places.kept", ("redis-config", "redis.conf"), "dir /data", "dir /var/lib/redis"),
    ("variables.refused", ("devmind-service-config", "ENVIRONMENT"), "production", "prod"),
    ("places.keys", ("devmind-service-config", "DEVMIND_API_KEYS_FILE"), "api-keys", "api_keys"),
]
"""Mistakes in files of ConfigMaps: the rule, start of its name and key, what stood there, now."""

GITOPS = {
    ("Application/kuberay-operator", ""): [
        ("literals.text", "spec.source.helm.valuesObject.pull", "ghp_0123456789abcdefghij0123"),
        ("literals.helm", "spec.source.helm.valuesObject.imagePullPassword", "hunter2"),
    ]
}
