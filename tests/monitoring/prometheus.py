"""A real Prometheus with our rules, which scrapes as our monitors say."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import httpx
import yaml

from devmind.local.ports import any_free
from tests.cluster.serving import until
from tests.monitoring.files import RULES, monitors, plain

SHORT = "1s"
CLUSTER = "devmind-x7k2p"


@contextmanager
def watching(program, folder, targets):
    """Run Prometheus with every `for:` shortened; yields a client of its API.

    Args:
        program: Prometheus' own.
        folder: For its files.
        targets: Monitor and port -> the addresses that are scraped as its pods would be.
    """
    port = any_free(1)[0]
    files = [str(plain(path, folder / path.name, shorten=SHORT)) for path in RULES]
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(files, targets)))
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                until(lambda: client.get("/-/ready").status_code == 200, "up")
                yield Prometheus(client)
        finally:
            running.terminate()
            running.wait(30)


def configuration(files, targets):
    """Return what the operator would make of our monitors, for fixed targets."""
    return {
        "global": {"scrape_interval": SHORT, "evaluation_interval": SHORT},
        "rule_files": files,
        "scrape_configs": [
            _scrape(monitor, port, addresses) for (monitor, port), addresses in targets.items()
        ],
    }


def _scrape(name, port, addresses):
    monitor = next(one for one in monitors() if one["metadata"]["name"] == name)
    kind = "podMetricsEndpoints" if monitor["kind"] == "PodMonitor" else "endpoints"
    endpoint = next(one for one in monitor["spec"][kind] if one["port"] == port)
    return {
        "job_name": f"{name}/{port}",
        "honor_labels": endpoint.get("honorLabels", False),
        "relabel_configs": [_snake(one) for one in endpoint["relabelings"]],
        "metric_relabel_configs": [_snake(one) for one in endpoint.get("metricRelabelings", [])],
        "static_configs": [{"targets": addresses, "labels": _pod(monitor, port)}],
    }


def _pod(monitor, port):
    """The labels that the operator gives to what is scraped."""
    spaces = monitor["spec"].get("namespaceSelector", {}).get("matchNames")
    role = monitor["spec"]["selector"]["matchLabels"].get("devmind.io/role", "")
    return {
        "namespace": spaces[0] if spaces else "devmind-pipeline",
        "pod": "devmind-x7k2p-abcde",
        "container": "ray",
        "endpoint": port,
        "__meta_kubernetes_pod_label_ray_io_cluster": CLUSTER,
        "__meta_kubernetes_pod_label_devmind_io_role": role,
    }


def _snake(relabeling):
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return {names.get(name, name): value for name, value in relabeling.items()}


class Prometheus:
    """Asks the HTTP API."""

    def __init__(self, client):
        self._client = client

    def get(self, path, **query):
        answer = self._client.get(f"/api/v1/{path}", params=query)
        answer.raise_for_status()
        return answer.json()["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def rules(self):
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def firing(self):
        return {
            rule["name"]
            for rule in self.rules()
            if rule["type"] == "alerting" and rule["state"] == "firing"
        }

    def names(self):
        """Names of everything that was scraped or recorded."""
        return set(self.get("label/__name__/values"))

    def labels(self):
        """Names of all labels."""
        return set(self.get("labels"))

    def bears(self, name, labels):
        """Whether a series of that name has all *labels*."""
        found = self.get("series", **{"match[]": name})
        return any(labels <= series.keys() for series in found)
