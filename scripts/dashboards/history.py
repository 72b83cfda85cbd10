"""History: what is recorded, and how fresh the states are that answers come from."""

from __future__ import annotations

from scripts.dashboards.grafana import Choice, Dashboard, Panel
from scripts.dashboards.promql import CLUSTERS, C, increase

_EVENTS = "ray_devmind_events_recorded_total"

_RECORDED = (
    Panel(
        title="Events recorded",
        why="Durable events a second. Few `finished` beside `queued`: ends are not reported.",
        queries={
            "{{kind}}": f"sum by (kind) (rate({_EVENTS}"
            f'{{{C},kind=~"$kind",repeated="false"}}[$__rate_interval]))'
        },
        unit="ops",
    ),
    Panel(
        title="Repeats",
        why="Events of an hour that were there already. Clients repeat when an answer is lost.",
        queries={
            "{{kind}}": "sum by (kind) ("
            + increase(_EVENTS, f'{C},kind=~"$kind",repeated="true"', "1h")
            + ")"
        },
    ),
    Panel(
        title="Test verdicts",
        why="Verdicts recorded a second.",
        queries={
            "verdicts": f"sum(rate(ray_devmind_verdicts_recorded_total{{{C}}}[$__rate_interval]))",
        },
        unit="ops",
    ),
    Panel(
        title="Builds in a day",
        why="Queued and finished builds of 24 hours; what lies between never ended, or not here.",
        queries={
            "{{kind}}": "sum by (kind) ("
            + increase(_EVENTS, f'{C},kind=~"queued|finished",repeated="false"', "1d")
            + ")"
        },
        kind="stat",
        width=12,
    ),
    Panel(
        title="Time to record, 95th percentile",
        why="How long the history's replicas take for a call.",
        queries={
            "{{deployment}}": "histogram_quantile(0.95, sum by (deployment, le)"
            " (rate(ray_serve_deployment_processing_latency_ms_bucket"
            f'{{{C},application="devmind",deployment="history"}}[$__rate_interval])))'
        },
        unit="ms",
        kind="stat",
        width=12,
    ),
)
_FRESH = (
    Panel(
        title="Age of what is answered from",
        why="9 answers in 10 know everything up to so long ago.",
        queries={"{{model}}": "devmind:state_age_seconds:p90_rate10m"},
        unit="s",
        limit=30,
        alert="DevMindFeaturesStale",
    ),
    Panel(
        title="Answers while the history was away",
        why="Answers of 10 minutes from memory; nothing is recorded meanwhile.",
        queries={
            "{{model}}": "sum by (model) ("
            + increase("ray_devmind_stale_answers_total", C, "10m")
            + ")"
        },
        alert="DevMindAnswersStale",
    ),
    Panel(
        title="Requests that wait for the history",
        why="More than a handful for minutes: the database is slow.",
        queries={
            "{{ray_io_cluster}}": "sum by (ray_io_cluster) (ray_serve_deployment_queued_queries"
            f'{{{C},application="devmind",deployment="history"}})'
        },
        limit=50,
        alert="DevMindRequestsQueue",
    ),
)
_CLUSTER = (
    Panel(
        title="GCS storage, 99th percentile",
        why="Ray's GCS writes to Redis; seconds here are seconds in which nothing starts.",
        queries={
            "{{Operation}} {{ray_io_cluster}}": f"devmind:gcs_storage_latency_ms:p99_rate5m{{{C}}}",
        },
        unit="ms",
        limit=1000,
        alert="DevMindGcsStorageSlow",
    ),
    Panel(
        title="Memory of the nodes",
        why="Used over available; at 95 % Ray kills workers.",
        queries={
            "{{ray_io_cluster}} {{RayNodeType}} {{instance}}": "max by (ray_io_cluster, instance,"
            f" RayNodeType) (ray_node_mem_used{{{C}}} / ray_node_mem_total)"
        },
        unit="percentunit",
        limit=0.9,
        alert="DevMindNodeMemoryHigh",
    ),
    Panel(
        title="Disks of the nodes",
        why="Logs and spilled objects are there; at 95 % Ray stores nothing more.",
        queries={
            "{{ray_io_cluster}} {{RayNodeType}} {{instance}}": "max by (ray_io_cluster, instance,"
            f" RayNodeType) (ray_node_disk_utilization_percentage{{{C}}})"
        },
        unit="percent",
        limit=85,
        alert="DevMindNodeDiskFull",
    ),
)

HISTORY = Dashboard(
    uid="devmind-history",
    title="DevMind / History",
    about="Does what happens in CI arrive, and do answers know it?",
    choices=(CLUSTERS, Choice(name="kind", metric=_EVENTS, label="kind")),
    rows={"Recorded": _RECORDED, "Freshness": _FRESH, "What it stands on": _CLUSTER},
)
