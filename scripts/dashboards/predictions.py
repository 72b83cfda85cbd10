"""Predictions: what is asked, how it is answered, and whether the answers came true."""

from __future__ import annotations

from scripts.dashboards.grafana import Choice, Dashboard, Panel
from scripts.dashboards.promql import CLUSTERS, C

_M = f'{C},model=~"$model"'
_MP = 'model=~"$model",project=~"$project"'
_REQUESTS = f'{C},route!~"/health|/ready|/metrics"'
"""Of what the rules record, which leave out /-/... already."""


def _rolling(figure: str, by: str = "max") -> dict[str, str]:
    query = f"{by} by (model, project) (ray_devmind_rolling_{figure}{{{_MP}}})"
    return {"{{model}} {{project}}": query}


_SERVICE = (
    Panel(
        title="Requests",
        why="Requests a second by route; a route that stops is a CI system that stopped asking.",
        queries={
            "{{route}}": "sum by (route)"
            f" (devmind:http_requests:increase5m{{{_REQUESTS}}}) / 300"
        },
        unit="reqps",
    ),
    Panel(
        title="Failed requests",
        why="Share that ended in a 5xx or by timeout; the objective is 0.5 % over 30 days.",
        queries={
            "5 minutes {{ray_io_cluster}}": f"devmind:http_errors:ratio_rate5m{{{C}}}",
            "1 hour {{ray_io_cluster}}": f"devmind:http_errors:ratio_rate1h{{{C}}}",
            "6 hours {{ray_io_cluster}}": f"devmind:http_errors:ratio_rate6h{{{C}}}",
        },
        unit="percentunit",
        limit=0.072,
        alert="DevMindErrorBudgetBurnFast",
    ),
    Panel(
        title="Latency, 95th percentile",
        why="1 request in 20 takes longer; CI jobs wait for it.",
        queries={
            "{{route}} {{ray_io_cluster}}": f"devmind:http_latency_ms:p95_rate5m{{{C}}}",
        },
        unit="ms",
        limit=1000,
        alert="DevMindLatencyHigh",
    ),
    Panel(
        title="Failures that no replica counts",
        why="In 5 minutes: what HAProxy answered itself, and what full replicas refused.",
        queries={"{{ray_io_cluster}}": f"devmind:uncounted_failures:increase5m{{{C}}}"},
        alert="DevMindProxyFails",
    ),
    Panel(
        title="Given up by their callers",
        why="Requests of 30 minutes whose caller left before they were answered (499).",
        queries={
            "{{route}}": "sum by (route)"
            f' (devmind:http_requests:increase30m{{{_REQUESTS},status_code="499"}})'
        },
        alert="DevMindCallersLeave",
    ),
    Panel(
        title="Questions that wait",
        why="In the fullest ingress; beyond 256, of tests 64, they are refused.",
        queries={
            "{{model}}": "max by (model)"
            f' (ray_devmind_questions_under_way{{{_M},state="waiting"}})'
        },
        alert="DevMindQuestionsWait",
    ),
)
_ANSWERS = (
    Panel(
        title="Answers",
        why="Answers a second by model; one that abstains says that it knows too little.",
        queries={
            "{{model}} abstained={{abstained}}": "sum by (model, abstained)"
            f" (rate(ray_devmind_predictions_total{{{_M}}}[$__rate_interval]))"
        },
        unit="ops",
    ),
    Panel(
        title="Abstentions",
        why="Share of the answers without a prediction; it falls as histories grow.",
        queries={
            "{{model}}": "sum by (model)"
            f' (rate(ray_devmind_predictions_total{{{_M},abstained="true"}}[1h]))'
            f" / sum by (model) (rate(ray_devmind_predictions_total{{{_M}}}[1h]))"
        },
        unit="percentunit",
    ),
    Panel(
        title="Time to answer",
        why="How long a replica takes, 95th percentile, without Serve's part.",
        queries={
            "{{model}}": "histogram_quantile(0.95, sum by (model, le)"
            f" (rate(ray_devmind_prediction_seconds_bucket{{{_M}}}[$__rate_interval])))"
        },
        unit="s",
    ),
    Panel(
        title="Share of the tests selected",
        why="How much of the suite selections keep: the median, and 9 in 10.",
        queries={
            "median": "histogram_quantile(0.5, sum by (le)"
            f" (rate(ray_devmind_selected_share_bucket{{{C}}}[1h])))",
            "9 in 10": "histogram_quantile(0.9, sum by (le)"
            f" (rate(ray_devmind_selected_share_bucket{{{C}}}[1h])))",
        },
        unit="percentunit",
    ),
    Panel(
        title="Versions served",
        why="Replicas by version. Two versions of one model are served only while it is swapped.",
        queries={
            "{{model}} {{version}}": "sum by (model, version)"
            f" (ray_devmind_model_loaded{{{_M}}}) > 0"
        },
        alert="DevMindVersionsDiffer",
    ),
    Panel(
        title="Replicas",
        why="Healthy replicas of each deployment, and how many its autoscaler wants.",
        queries={
            "{{deployment}} healthy {{ray_io_cluster}}": "sum by (ray_io_cluster, deployment)"
            f' (ray_serve_deployment_replica_healthy{{{C},application="devmind"}})',
            "{{deployment}} wanted {{ray_io_cluster}}": "max by (ray_io_cluster, deployment)"
            f' (ray_serve_autoscaling_desired_replicas{{{C},application="devmind"}})',
        },
        alert="DevMindReplicaUnhealthy",
    ),
)
_TRUTH = (
    Panel(
        title="Error over what was promised",
        why="1 is as good as the scorecard; above 1.25 a model is retrained where that is allowed.",
        queries=_rolling("error_ratio"),
        limit=1.25,
        alert="DevMindPredictionErrorHigh",
    ),
    Panel(
        title="Duration error",
        why="Mean absolute error of the median over the newest finished builds.",
        queries=_rolling("error"),
        unit="s",
    ),
    Panel(
        title="Coverage of the 80 % interval",
        why="Share of the builds that ended within it: 0.8 is right, below 0.7 it is too narrow.",
        queries=_rolling("coverage_ratio", by="min"),
        unit="percentunit",
        alert="DevMindCoverageLow",
    ),
    Panel(
        title="Order of risks (AUC)",
        why="How often a build that failed had been given the higher probability; 0.5 is chance.",
        queries=_rolling("auc", by="min"),
    ),
    Panel(
        title="Brier score",
        why="Mean squared error of probabilities; lower is better, compare with the base rate's.",
        queries=_rolling("brier"),
    ),
    Panel(
        title="Calibration error",
        why="How far probabilities are from what happened, on average.",
        queries=_rolling("calibration_error"),
        unit="percentunit",
        limit=0.15,
        alert="DevMindCalibrationOff",
    ),
    Panel(
        title="Failing tests that were selected",
        why="Recall of selections whose left-out tests ran later; below 0.9 too much is missed.",
        queries=_rolling("recall_ratio", by="min"),
        unit="percentunit",
        alert="DevMindRecallLow",
    ),
    Panel(
        title="Escapes in a day",
        why="Failing tests that a selection had left out.",
        queries={"{{project}}": 'devmind:escapes:increase1d{project=~"$project"}'},
        limit=3,
        alert="DevMindTestsEscape",
    ),
    Panel(
        title="Drift (PSI)",
        why="How unlike the past builds look and end: below 0.1 calm, above 0.25 moved.",
        queries={
            "{{model}} {{project}} features": "max by (model, project)"
            f" (ray_devmind_feature_drift_psi{{{_MP}}})",
            "{{model}} {{project}} outcomes": "max by (model, project)"
            f" (ray_devmind_outcome_drift_psi{{{_MP}}})",
        },
        limit=0.25,
        alert="DevMindFeaturesDrift",
    ),
)

PREDICTIONS = Dashboard(
    uid="devmind-predictions",
    title="DevMind / Predictions",
    about="Is the service well, what does it answer, and do its answers come true?",
    choices=(
        CLUSTERS,
        Choice(name="model", metric="ray_devmind_model_loaded", label="model"),
        Choice(name="project", metric="ray_devmind_watched_builds_total", label="project"),
    ),
    rows={"The service": _SERVICE, "Answers": _ANSWERS, "What came of them": _TRUTH},
)
