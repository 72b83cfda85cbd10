"""Starts the pods of Deployments, StatefulSets, Jobs and CronJobs, and what their images would do.

Redis and PostgreSQL are Debian's, in the place of their images; what the entrypoint of PostgreSQL's
image does with an empty volume is done here.
"""

from __future__ import annotations

from dataclasses import replace

import httpx

from tests.cluster.serving import until
from tests.manifests.checks.objects import Pod, named
from tests.manifests.checks.objects import pods as pods_of
from tests.pods.kubelet import Container
from tests.pods.namespace import Namespace
from tests.postgres.server import find_tools

_ENTRYPOINT = """
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" >/tmp/password
    initdb --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust $POSTGRES_INITDB_ARGS \\
        --username=postgres --pwfile=/tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl start -w -o "-c listen_addresses='' -k /var/run/postgresql"
    export PGHOST=/var/run/postgresql
    for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
    pg_ctl stop -w
fi
exec postgres -c listen_addresses='*' -k /var/run/postgresql "$@"
"""


def pod_of(pods: Namespace, where: str, name: str) -> Pod:
    """Return the pod that an object makes.

    Args:
        pods: Its objects are searched.
        where: `Kind/name` of the object.
        name: Which the pod is to have.
    """
    found = next(pod for pod in pods_of(pods.objects) if pod.where == where)
    kind, _, called = where.partition("/")
    claims = named(pods.objects, kind)[called]["spec"].get("volumeClaimTemplates", [])
    volumes = [
        {"name": each["metadata"]["name"], "persistentVolumeClaim": {"claimName": f"of-{name}"}}
        for each in claims
    ]
    spec = {**found.spec, "volumes": [*found.spec.get("volumes", []), *volumes]}
    return replace(found, where=name, spec=spec)


def started(pods: Namespace, pod: Pod, *first: str) -> Container:
    """Start a pod: the containers it begins with to their end, then its own.

    Args:
        pods: Where to.
        pod: From `pod_of`.
        first: What the container's command is given to, where an image would do something.
    """
    for spec in pod.spec.get("initContainers", []):
        container = pods.prepared(pod, spec)
        container.start()
        assert container.ended(120) == 0, container.said()
    container = pods.prepared(pod)
    spec = container.spec
    container.start([*first, *spec.get("command", []), *spec.get("args", [])])
    return container


def postgres(pods: Namespace) -> Container:
    """Start PostgreSQL and wait until its probe passes."""
    pod = pod_of(pods, "StatefulSet/postgres", "postgres-0")
    container = started(pods, pod, *_with_tools("sh", "-c", _ENTRYPOINT, "postgres"))
    pods.serve("postgres", pod.where)
    _probed(container)
    return container


def redis(pods: Namespace, pod: Pod | None = None) -> Container:
    """Start Redis and wait until its probe passes."""
    pod = pod or pod_of(pods, "StatefulSet/redis", "redis-0")
    container = started(pods, pod)
    pods.serve("redis", pod.where)
    _probed(container)
    return container


def mlflow(pods: Namespace) -> Container:
    """Start MLflow and wait until the node finds it healthy."""
    pod = pod_of(pods, "Deployment/mlflow", "mlflow-0")
    container = started(pods, pod)
    pods.serve("mlflow", pod.where)
    path = container.spec["readinessProbe"]["httpGet"]["path"]
    url = f"http://{pods.ip(pod.where)}:5000{path}"
    until(lambda: container.running() and httpx.get(url).status_code == 200, "MLflow is ready")
    return container


def job(pods: Namespace, where: str, name: str, within_s: float = 300) -> Container:
    """Run the pod of a Job or CronJob to its end; return it."""
    container = started(pods, pod_of(pods, where, name), *_with_tools("sh", "-c", '"$@"', "sh"))
    container.ended(within_s)
    return container


def _with_tools(*words: str) -> list[str]:
    return ["env", f"PATH={find_tools()}:/opt/venv/bin:/usr/bin:/bin", *words]


def _probed(container: Container) -> None:
    probe = container.spec["readinessProbe"]["exec"]["command"]
    words = _with_tools(*probe)
    until(lambda: container.run(*words).returncode == 0, f"{container.pod.where} is ready")
