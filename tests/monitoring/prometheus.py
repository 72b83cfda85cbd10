"""A real Prometheus with our rules, which scrapes as our PodMonitor says."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import httpx
import yaml

from devmind.local.ports import any_free
from tests.cluster.serving import until
from tests.monitoring.files import MONITORING, RULES, plain

SHORT = "1s"


@contextmanager
def watching(program, folder, targets):
    """Run Prometheus on *targets* with every `for:` shortened; yields a client of its API."""
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
    """Return what the operator would make of our PodMonitor of the head, for fixed targets."""
    documents = yaml.safe_load_all((MONITORING / "podmonitors.yaml").read_text())
    monitor = next(one for one in documents if one["metadata"]["name"] == "devmind-ray-head")
    metrics = next(e for e in monitor["spec"]["podMetricsEndpoints"] if e["port"] == "metrics")
    labels = {"__meta_kubernetes_pod_label_ray_io_cluster": "devmind-x7k2p"}
    scrape = {
        "job_name": "devmind-pipeline/devmind-ray-head",
        "relabel_configs": [_snake(one) for one in metrics["relabelings"]],
        "metric_relabel_configs": [_snake(one) for one in metrics["metricRelabelings"]],
        "static_configs": [{"targets": targets, "labels": labels}],
    }
    return {
        "global": {"scrape_interval": SHORT, "evaluation_interval": SHORT},
        "rule_files": files,
        "scrape_configs": [scrape],
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
