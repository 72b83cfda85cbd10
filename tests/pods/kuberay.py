"""What KubeRay 1.7 makes of a RayCluster: pods with commands, variables and probes of its own.

After ray-operator/controllers/ray/common/pod.go. Left out: the container of the autoscaler, which
needs an API server.
"""

from __future__ import annotations

from tests.manifests.checks.objects import Object, Pod
from tests.pods.kubelet import Container
from tests.pods.namespace import DOMAIN
from tests.pods.quantities import mebibytes

AGENT, GCS = 52365, 6379
_TIMES = (
    ("RAY_timeout_ms_task_wait_for_death_info", "0"),
    ("RAY_gcs_server_request_timeout_seconds", "5"),
    ("RAY_SERVE_KV_TIMEOUT_S", "5"),
)


def head(cluster: str, spec: Object, *, serves: bool) -> Pod:
    """Return the head pod of a cluster.

    Args:
        cluster: Its name.
        spec: What stands below `rayClusterConfig` or `rayClusterSpec`.
        serves: Whether a RayService made the cluster.
    """
    group = spec["headGroupSpec"]
    parameters = {"dashboard-host": "0.0.0.0", **group["rayStartParams"]}  # noqa: S104 - in a pod
    more = [*_token(spec), ("RAY_ADDRESS", f"127.0.0.1:{GCS}")]
    if spec.get("enableInTreeAutoscaling"):
        parameters["no-monitor"] = "true"
        more.append(("RAY_enable_autoscaler_v2", "true"))
    stored = spec.get("gcsFaultToleranceOptions")
    if stored:
        parameters["redis-password"] = "$REDIS_PASSWORD"
        more += [("RAY_external_storage_namespace", f"uid-of-{cluster}")]
        more += [("RAY_REDIS_ADDRESS", stored["redisAddress"])]
        more += [("REDIS_PASSWORD", stored["redisPassword"])]
    more += _TIMES if serves else ()
    return _pod(cluster, "head", group, "headgroup", _started(group, parameters, ["--head"], more))


def worker(cluster: str, spec: Object, number: int, *, serves: bool) -> Pod:
    """Return one of the pods of a cluster's first worker group."""
    group = spec["workerGroupSpecs"][0]
    address = f"{cluster}-head-svc.{DOMAIN}"
    parameters = {**group["rayStartParams"], "address": f"{address}:{GCS}"}
    more = [*_token(spec), ("FQ_RAY_IP", address), ("RAY_IP", f"{cluster}-head-svc")]
    more += [("RAY_ADDRESS", f"{address}:{GCS}")]
    if spec.get("gcsFaultToleranceOptions"):
        more += [("RAY_gcs_rpc_server_reconnect_timeout_s", "600")]
    more += _TIMES if serves else ()
    name = group["groupName"]
    return _pod(cluster, f"{name}-{number}", group, name, _started(group, parameters, [], more))


def waiting(pod: Pod) -> Object:
    """Return the container that a worker starts with: it waits for the head."""
    address = next(
        each["value"] for each in pod.spec["containers"][0]["env"] if each["name"] == "RAY_ADDRESS"
    )
    loop = f"until ray health-check --address {address} > /dev/null 2>&1; do sleep 5; done"
    return {
        **pod.spec["containers"][0],
        "name": "wait-gcs-ready",
        "command": ["/bin/bash", "-c", "--"],
        "args": [loop],
        "resources": {"limits": {"memory": "256Mi"}},
        "envFrom": [],
    }


def alive(path: str, port: int, said: str = "success") -> str:
    """Return the part of a probe that asks one address."""
    return f"wget --tries 1 -T 2 -q -O- http://localhost:{port}/{path} | grep '{said}'"


def ready(container: Container, *, service: bool) -> bool:
    """Whether a pod's readiness probe passes: its own, or the one that KubeRay gives it.

    Args:
        container: Of Ray.
        service: Whether what the pod serves is asked as well as its raylet.
    """
    assert container.running(), container.said()[-4000:]
    probe = container.spec.get("readinessProbe")
    if service and probe:
        ports = {each["name"]: each["containerPort"] for each in container.spec["ports"]}
        port = ports.get(probe["httpGet"]["port"], probe["httpGet"]["port"])
        asked = alive(probe["httpGet"]["path"].lstrip("/"), port, said="")
    else:
        asked = _asked(container.pod, service=service)
    return container.run("bash", "-c", asked).returncode == 0


def _asked(pod: Pod, *, service: bool) -> str:
    parts = [alive("api/local_raylet_healthz", AGENT)]
    parts += [alive("api/gcs_healthz", 8265)] if pod.labels["ray.io/node-type"] == "head" else []
    return " && ".join([*parts, *([alive("-/healthz", 8000)] if service else [])])


def _token(spec: Object) -> list[tuple[str, object]]:
    options = spec["authOptions"]
    key = {"secretKeyRef": {"name": options["secretName"], "key": "auth_token"}}
    return [("RAY_AUTH_MODE", options["mode"]), ("RAY_AUTH_TOKEN", {"valueFrom": key})]


def _started(
    group: Object, parameters: Object, first: list[str], more: list[tuple[str, object]]
) -> Object:
    """Return the group's container as KubeRay starts it."""
    container = group["template"]["spec"]["containers"][0]
    command = _start(parameters, container, first)
    more = [*more, ("KUBERAY_GEN_RAY_START_CMD", command), ("RAY_PORT", str(GCS))]
    more += [("RAY_USAGE_STATS_KUBERAY_IN_USE", "1"), ("RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "1")]
    return {
        **container,
        "command": ["/bin/bash", "-c", "--"],
        "args": [f"ulimit -n 65536; {command}"],
        "env": [*container.get("env", []), *(_variable(*each) for each in more)],
    }


def _pod(cluster: str, suffix: str, group: Object, group_name: str, container: Object) -> Pod:
    template, name = group["template"], f"{cluster}-{suffix}"
    labels = {
        "app.kubernetes.io/name": "kuberay",
        "app.kubernetes.io/created-by": "kuberay-operator",
        **template["metadata"]["labels"],
        "ray.io/is-ray-node": "yes",
        "ray.io/cluster": cluster,
        "ray.io/node-type": "head" if group_name == "headgroup" else "worker",
        "ray.io/group": group_name,
    }
    names = {"RAY_CLUSTER_NAME": cluster, "RAY_CLOUD_INSTANCE_ID": name}
    names["RAY_NODE_TYPE_NAME"] = group_name
    env = [*container["env"], *(_variable(*each) for each in names.items())]
    spec = {**template["spec"], "containers": [{**container, "env": env}]}
    return Pod(where=name, labels=labels, spec=spec, ray=True)


def _variable(name: str, value: object) -> Object:
    return {"name": name, **(value if isinstance(value, dict) else {"value": value})}


def _start(parameters: Object, container: Object, first: list[str]) -> str:
    limits = container["resources"]["limits"]
    words = {
        "num-cpus": limits.get("cpu"),
        "memory": str(int(mebibytes(limits["memory"]) * 2**20)),
        "metrics-export-port": "8080",
        "dashboard-agent-listen-port": str(AGENT),
        **parameters,
    }
    options = [
        f"--{key}" if value == "true" else f"--{key}={value}" for key, value in words.items()
    ]
    return " ".join(["ray start", *first, "--block", *options])
