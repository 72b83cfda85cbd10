"""Makes the nightly RayJob where no operator does: `python -m training.nightly RAYCRONJOB`.

A CronJob of Kubernetes runs this. The RayJob is made of the template that the RayCronJob holds, so
that there is one description of the nightly job. Exit codes: 0 made, or already made, or the last
one is still under way; 1 the API server refuses or does not answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LABEL = "devmind.io/nightly"
QUEUE = "kueue.x-k8s.io/queue-name"
_ENDED = ("Complete", "Failed", "ValidationFailed")
_UNSEEN = timedelta(hours=6)
"""A job that no operator has taken up by then is none to wait for; one may run for 4 h."""
_CONFLICT, _TIMEOUT_S = 409, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServer:
    """How a pod reaches the API server.

    Attributes:
        namespace: The pod's own.
        client: Sends requests, with the pod's token.
    """

    namespace: str
    client: httpx.Client

    def path(self, kind: str, name: str = "") -> str:
        """Return the path of the objects of a *kind*, or of the one that has *name*."""
        path = f"/apis/ray.io/v1/namespaces/{self.namespace}/{kind}"
        return f"{path}/{name}" if name else path


def connect(environment: Mapping[str, str], mounted: Path = MOUNTED) -> ApiServer:
    """Return the API server that a pod's environment and its service account name.

    Args:
        environment: Of the process.
        mounted: Folder of the service account: token, CA and namespace.
    """
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
    address = f"[{host}]" if ":" in host else host
    client = httpx.Client(
        base_url=f"https://{address}:{port}",
        headers={"Authorization": f"Bearer {(mounted / 'token').read_text().strip()}"},
        verify=str(mounted / "ca.crt"),
        timeout=_TIMEOUT_S,
    )
    return ApiServer(namespace=(mounted / "namespace").read_text().strip(), client=client)


def start(api: ApiServer, cron: str, tick: str) -> str:
    """Make the job of a tick and return what came of it.

    Args:
        api: Where to.
        cron: Name of the RayCronJob that holds the template.
        tick: What is the same for every attempt of one night, such as the name of the Job.

    Raises:
        httpx.HTTPError: If the API server refuses or does not answer.
    """
    template = _asked(api.client.get(api.path("raycronjobs", cron)))
    wanted = {"labelSelector": f"{LABEL}={cron}"}
    found = _asked(api.client.get(api.path("rayjobs"), params=wanted))["items"]
    job = rayjob(template, cron, tick)
    name = job["metadata"]["name"]
    if any(each["metadata"]["name"] == name for each in found):
        return f"{name} was made before"
    running = [each["metadata"]["name"] for each in found if not ended(each)]
    if running:
        return f"nothing made: {', '.join(sorted(running))} is still under way"
    answer = api.client.post(api.path("rayjobs"), json=job)
    if answer.status_code == _CONFLICT:
        return f"{name} was made before"
    _asked(answer)
    return f"made {name}"


def rayjob(template: Mapping[str, Any], cron: str, tick: str) -> dict[str, Any]:
    """Return the RayJob of a *tick*, from a RayCronJob's *template*.

    Example:
        >>> job = rayjob({"metadata": {}, "spec": {"jobTemplate": {"entrypoint": "x"}}}, "c", "t-1")
        >>> job["metadata"]["name"], job["spec"]
        ('t-1', {'entrypoint': 'x'})
    """
    labels = {LABEL: cron}
    queue = template["metadata"].get("labels", {}).get(QUEUE)
    if queue:
        labels[QUEUE] = queue
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": tick, "labels": labels},
        "spec": template["spec"]["jobTemplate"],
    }


def ended(job: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Whether a RayJob has ended, well or not, or was never taken up.

    Example:
        >>> job = {"metadata": {"creationTimestamp": "2026-01-01T02:15:00Z"}}
        >>> ended(job, datetime(2026, 1, 1, 8, tzinfo=UTC))
        False
        >>> ended(job, datetime(2026, 1, 2, 2, tzinfo=UTC))
        True
    """
    state = job.get("status", {}).get("jobDeploymentStatus")
    if state:
        return state in _ENDED
    made = datetime.fromisoformat(job["metadata"]["creationTimestamp"])
    return (now or datetime.now(UTC)) - made > _UNSEEN


def _asked(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Make tonight's job; return the exit code."""
    (cron,) = arguments
    try:
        outcome = start(connect(environment), cron, environment["JOB_NAME"])
    except httpx.HTTPError as error:
        print(f"the API server: {error}", file=sys.stderr)  # noqa: T201 - the pod's log
        return 1
    print(outcome)  # noqa: T201 - the pod's log
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
