"""Retraining: jobs, what became of them, and challengers in the shadow."""

from __future__ import annotations

from scripts.dashboards.grafana import Choice, Dashboard, Panel
from scripts.dashboards.promql import CLUSTERS, C, increase

_M = 'model=~"$model"'
_JOBS = (
    Panel(
        title="Since the last success",
        why="Two missed ticks of the daily schedule are 50 hours.",
        queries={
            "{{model}}": "time() - max by (model)"
            f" (ray_devmind_training_last_success_timestamp_seconds{{{_M}}} > 0)"
        },
        unit="s",
        kind="stat",
        width=12,
        limit=180_000,
        alert="DevMindRetrainingMissed",
    ),
    Panel(
        title="Running now",
        why="One job at a time for a model.",
        queries={"{{model}}": f"max by (model) (ray_devmind_training_running{{{_M}}})"},
        kind="stat",
        width=12,
        alert="DevMindRetrainingStuck",
    ),
    Panel(
        title="Jobs that ended in a day",
        why="By how they ended. Failed jobs change nothing that is served.",
        queries={
            "{{model}} {{state}}": "sum by (model, state) ("
            + increase("ray_devmind_training_jobs_total", _M, "1d")
            + ")"
        },
        width=12,
        alert="DevMindRetrainingFailed",
    ),
    Panel(
        title="Jobs over time",
        why="When models were trained: 1 while a job runs.",
        queries={"{{model}}": f"max by (model) (ray_devmind_training_running{{{_M}}})"},
        width=12,
    ),
)
_VERSIONS = (
    Panel(
        title="Error over what was promised",
        why="What retraining is for: it should fall after a promotion (blue lines).",
        queries={
            "{{model}} {{project}}": "max by (model, project)"
            f" (ray_devmind_rolling_error_ratio{{{_M}}})"
        },
        limit=1.25,
        alert="DevMindPredictionErrorHigh",
    ),
    Panel(
        title="Builds seen in the shadow",
        why="Builds that a challenger has predicted beside the champion, before it is promoted.",
        queries={
            "{{model}} {{version}}": "max by (model, version)"
            f" (ray_devmind_shadow_builds{{{_M}}})"
        },
    ),
    Panel(
        title="Versions that could not be loaded",
        why="Replicas keep what they have; the log says why.",
        queries={
            "{{model}}": "sum by (model) ("
            + increase("ray_devmind_model_load_failures_total", _M, "1h")
            + ")"
        },
        alert="DevMindModelRejected",
    ),
)
_ROOM = (
    Panel(
        title="CPUs",
        why="What Ray has handed out, and what it has. Training takes what is free.",
        queries={
            "used {{ray_io_cluster}}": "sum by (ray_io_cluster)"
            f' (ray_resources{{{C},Name="CPU",State="USED"}})',
            "free {{ray_io_cluster}}": "sum by (ray_io_cluster)"
            f' (ray_resources{{{C},Name="CPU",State="AVAILABLE"}})',
        },
        width=12,
    ),
    Panel(
        title="Object store",
        why="Shared memory of the nodes; training examples pass through it.",
        queries={
            "used {{ray_io_cluster}}": "sum by (ray_io_cluster)"
            f" (ray_object_store_used_memory{{{C}}})",
            "available {{ray_io_cluster}}": "sum by (ray_io_cluster)"
            f" (ray_object_store_available_memory{{{C}}})",
        },
        unit="bytes",
        width=12,
    ),
)

RETRAINING = Dashboard(
    uid="devmind-retraining",
    title="DevMind / Retraining",
    about="Do models keep learning, and is what they learn better?",
    choices=(CLUSTERS, Choice(name="model", metric="ray_devmind_model_loaded", label="model")),
    rows={"Jobs": _JOBS, "Versions": _VERSIONS, "Room to train in": _ROOM},
)
