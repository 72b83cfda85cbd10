"""Pieces of queries that several dashboards have."""

from __future__ import annotations

from scripts.dashboards.grafana import Choice

C = 'ray_io_cluster=~"$cluster"'
"""Of the Ray clusters that are chosen; during an upgrade there are two."""
CLUSTERS = Choice(name="cluster", metric='up{job=~"devmind-ray-.+"}', label="ray_io_cluster")


def increase(metric: str, selected: str, window: str) -> str:
    """Return what a counter has grown by, its first event included.

    A counter is not there before it, and `increase` does not see it appear. Whether it was there at
    the window's start is looked up over an hour, as a scrape may have failed; where nothing was
    scraped then, as Prometheus has only begun, nothing passes for new.

    Example:
        >>> increase("x_total", 'a="1"', "1d").count('x_total{a="1"}')
        5
    """
    series = f"{metric}{{{selected}}}"
    before = f"last_over_time({series}[1h] offset {window})"
    scraped = f'last_over_time(up{{job="devmind-ray-head"}}[1h] offset {window})'
    return (
        f"((increase({series}[{window}]) and {before})"
        f" or ({series} unless {before} and on () {scraped}) or increase({series}[{window}]))"
    )
