"""Which metrics rules and dashboards read, by which labels, and where a test sees each of them."""

from __future__ import annotations

import re

from tests.monitoring.files import DASHBOARDS, OURS, metric_labels, metric_names, queries, rules

TARGETS = frozenset({"ray_io_cluster", "job", "instance", "namespace", "pod"})
"""Labels that Prometheus gives to what it scrapes."""
ELSEWHERE = {
    "kube_cronjob_created": "kube-state-metrics",
    "kube_cronjob_status_last_successful_time": "kube-state-metrics",
    "kube_deployment_status_replicas_available": "kube-state-metrics",
    "kube_job_created": "kube-state-metrics",
    "kube_job_status_failed": "kube-state-metrics",
    "kube_job_status_succeeded": "kube-state-metrics",
    "kube_statefulset_status_replicas_ready": "kube-state-metrics",
    "kubelet_volume_stats_available_bytes": "the kubelet",
    "kubelet_volume_stats_capacity_bytes": "the kubelet",
    "kuberay_service_condition_ready": "the KubeRay operator; tests/monitoring/test_scraping.py",
}
"""Metrics that others than Ray's nodes and HAProxy expose."""
JOBS = frozenset(
    {
        "ray_devmind_training_jobs_total",
        "ray_devmind_training_last_success_timestamp_seconds",
    }
)
WATCHED = JOBS | frozenset(
    {
        "ray_devmind_escapes_total",
        "ray_devmind_rolling_auc",
        "ray_devmind_rolling_brier",
        "ray_devmind_rolling_calibration_error",
        "ray_devmind_rolling_coverage_ratio",
        "ray_devmind_rolling_error",
        "ray_devmind_rolling_error_ratio",
        "ray_devmind_rolling_recall_ratio",
        "ray_devmind_shadow_builds",
    }
)
"""Metrics that take many builds, or a training: tests/cluster/test_watching.py asserts them."""
NOT_YET = {
    "ray_devmind_feature_drift_psi": "100 builds after a training that keeps how rows were spread;"
    " set like the rolling figures, by name in tests/deployments/test_gauges.py",
    "ray_devmind_outcome_drift_psi": "as above",
    "ray_devmind_stale_answers_total": "a database that goes away under a running Ray, which SQLite"
    " does not; counted in tests/deployments/test_services.py",
}
"""Metrics that no test on a cluster brings about, and why."""
RAYS_ABSENT = {
    r"ray_data_.+": "no Ray Data job runs here",
    r"ray_train_.+": "no Ray Train job runs here",
    r"autoscaler_.+": "of the autoscaler of a cluster in Kubernetes",
    r"ray_(component_gpu|node_gpu|node_gram|tpu)\w*": "no GPU and no TPU",
    r"ray_serve_\w*multiplexed\w*": "no replica holds several models of one kind",
    r"\w*grpc\w*|ray_serve_\(.+": "no gRPC before the ingress",
    r"ray_memory_manager_worker_eviction_total": "no worker was ended for its memory",
    r"ray_placement_groups": "none is made for the service",
    r"ray_serve_num_scheduling_tasks_in_backoff": "calls mostly find a replica at once",
    r"ray_serve_deployment_request_counter": "Ray's dashboard leaves out the ending `_total`",
}
"""Metrics of Ray's own dashboards that do not appear here, as expressions, and why."""


def read():
    """What rules and our dashboards read -> the labels they need, without those of targets."""
    texts = [rule["expr"] for rule in rules()]
    texts += [query.text for path in OURS for query in queries(path)]
    found = {}
    for text in texts:
        for name, labels in metric_labels(text).items():
            if ":" not in name:
                found[name] = found.get(name, frozenset()) | (labels - TARGETS)
    return found


def read_by_rays_dashboards():
    """What Ray's own dashboards read."""
    paths = [path for path in DASHBOARDS if path not in OURS]
    return {name for path in paths for query in queries(path) for name in metric_names(query.text)}


def explained(name):
    """Whether a metric of Ray's dashboards is one that does not appear here."""
    return any(re.fullmatch(pattern, name) for pattern in RAYS_ABSENT)
