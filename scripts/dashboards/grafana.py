"""Panels and dashboards, and the JSON that Grafana reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["timeseries", "stat", "table", "heatmap", "bargauge"]
WIDTH = 24
RUNBOOK = "https://github.com/YOUR_GITHUB_USERNAME/devmind-pipeline/blob/main/docs/runbook.md"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Attributes:
        title: What it shows.
        why: What to look for in it.
        queries: Legend -> PromQL.
        unit: Grafana's name of the unit.
        kind: Grafana's name of the picture.
        width: In 24ths of a row.
        limit: Where it turns red, if anywhere; alerts use the same figure.
        alert: The alert whose section of the runbook it links to.
        lowest: Start of the axis, where it has one.
    """

    title: str
    why: str
    queries: dict[str, str]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8
    limit: float | None = None
    alert: str = ""
    lowest: float | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A variable at the top: all values of *label* that *metric* has."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Rows of panels under a title.

    Attributes:
        uid: Its name in addresses.
        title: Its name for people.
        about: What it answers.
        choices: Its variables.
        rows: Title -> panels, placed from left to right.
    """

    uid: str
    title: str
    about: str
    choices: tuple[Choice, ...]
    rows: dict[str, tuple[Panel, ...]]

    def to_json(self) -> dict[str, Any]:
        """Return what Grafana reads."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["devmind"],
            "editable": False,
            "graphTooltip": 1,
            "schemaVersion": 39,
            "version": 1,
            "refresh": "30s",
            "time": {"from": "now-24h", "to": "now"},
            "timezone": "browser",
            "links": [_link("Runbook", RUNBOOK), _others()],
            "annotations": {"list": [_promotions()]},
            "templating": {"list": [_source(), *map(_choice, self.choices)]},
            "panels": list(self._panels()),
        }

    def _panels(self) -> Iterator[dict[str, Any]]:
        number, y = 1, 0
        for title, panels in self.rows.items():
            place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
            yield {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}
            number, y, x, tallest = number + 1, y + 1, 0, 0
            for panel in panels:
                if x + panel.width > WIDTH:
                    x, y, tallest = 0, y + tallest, 0
                height = 4 if panel.kind == "stat" else 8
                place = {"x": x, "y": y, "w": panel.width, "h": height}
                yield {"id": number, "gridPos": place, **_panel(panel)}
                number, x, tallest = number + 1, x + panel.width, max(tallest, height)
            y += tallest


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.lowest is not None:
        defaults["min"] = panel.lowest
    if panel.kind == "timeseries":
        line = {"mode": "line" if panel.limit is not None else "off"}
        defaults["custom"] = {"fillOpacity": 8, "thresholdsStyle": line, "showPoints": "never"}
    section = f"{RUNBOOK}#{panel.alert.lower()}"
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.why,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS.get(panel.kind, {}),
        "targets": [
            _target(chr(ord("A") + n), legend, query, panel.kind)
            for n, (legend, query) in enumerate(panel.queries.items())
        ],
        "links": [_link(f"Runbook: {panel.alert}", section)] if panel.alert else [],
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"},
    "bargauge": {"orientation": "horizontal", "displayMode": "basic"},
}


def _target(letter: str, legend: str, query: str, kind: Kind) -> dict[str, Any]:
    now = kind in ("table", "bargauge")
    shape = {"table": "table", "heatmap": "heatmap"}.get(kind, "time_series")
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": query,
        "legendFormat": legend,
        "format": shape,
        "instant": now,
        "range": not now,
    }


def _link(title: str, url: str) -> dict[str, Any]:
    return {"title": title, "url": url, "type": "link", "targetBlank": True}


def _others() -> dict[str, Any]:
    return {
        "title": "DevMind",
        "type": "dashboards",
        "tags": ["devmind"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
    }


def _promotions() -> dict[str, Any]:
    served = "count by (model, version) (ray_devmind_model_loaded > 0)"
    before = "count by (model, version) (ray_devmind_model_loaded offset 2m > 0)"
    return {
        "name": "Versions that came or went",
        "datasource": _SOURCE,
        "enable": True,
        "expr": f"({served} unless {before}) or ({before} unless {served})",
        "iconColor": "blue",
        "titleFormat": "{{model}} {{version}}",
        "step": "60s",
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Source", "type": "datasource", "query": "prometheus"}


def _choice(choice: Choice) -> dict[str, Any]:
    values = f"label_values({choice.metric}, {choice.label})"
    return {
        "name": choice.name,
        "label": choice.name.capitalize(),
        "type": "query",
        "datasource": _SOURCE,
        "definition": values,
        "query": {"query": values, "refId": "A"},
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"text": ["All"], "value": ["$__all"]},
        "refresh": 2,
        "sort": 1,
    }
