"""The files of `k8s/monitoring`, as the tests read them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import promql_parser
import yaml

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "k8s" / "monitoring"
RULES = sorted(MONITORING.glob("rules/*.yaml"))
DASHBOARDS = sorted(MONITORING.glob("dashboards/*.json"))
OURS = [path for path in DASHBOARDS if path.name.startswith("devmind-")]


def monitors():
    """Every PodMonitor and ServiceMonitor."""
    paths = [MONITORING / "podmonitors.yaml", MONITORING / "servicemonitor.yaml"]
    return [one for path in paths for one in yaml.safe_load_all(path.read_text())]


def groups(path):
    return yaml.safe_load(path.read_text())["spec"]["groups"]


def rules():
    """Every rule of every file."""
    return [rule for path in RULES for group in groups(path) for rule in group["rules"]]


def alerts():
    return [rule for rule in rules() if "alert" in rule]


def plain(path, into, *, shorten=None, only=("summary",)):
    """Write the groups of a PrometheusRule as Prometheus itself reads them.

    Args:
        path: The PrometheusRule.
        into: Where to write.
        shorten: Every `for:` and interval becomes this, where the time must not be waited for.
        only: Annotations that stay; the others are the same whatever is measured.
    """
    found = groups(path)
    for group in found:
        if shorten:
            group["interval"] = shorten
        for rule in group["rules"]:
            if shorten and "for" in rule:
                rule["for"] = shorten
            if "annotations" in rule:
                rule["annotations"] = {name: rule["annotations"][name] for name in only}
    into.write_text(yaml.safe_dump({"groups": found}))
    return into


@dataclass(frozen=True)
class Query:
    """A PromQL expression of a dashboard, and where it stands."""

    where: str
    text: str


def queries(path):
    """Every expression of a dashboard, its variables replaced by what Grafana would write."""
    board = json.loads(path.read_text())
    found = [
        Query(f"{path.name} {note['name']}", note["expr"])
        for note in board["annotations"]["list"]
        if "expr" in note
    ]
    for panel in _flat(board["panels"]):
        found += [
            Query(f"{path.name} {panel['title']}", target["expr"])
            for target in panel.get("targets", [])
        ]
    found += [
        Query(f"{path.name} ${name['name']}", _of_values(name))
        for name in board["templating"]["list"]
        if name["type"] == "query"
    ]
    return [Query(query.where, _substituted(query.text)) for query in found]


def _flat(panels):
    for panel in panels:
        yield panel
        yield from _flat(panel.get("panels", []))


def _of_values(name):
    query = name["query"]["query"] if isinstance(name["query"], dict) else name["query"]
    shape = r"(?:label_values|query_result)\((.*?)(?:,\s*\w+)?\)"
    inner = re.fullmatch(shape, query.strip(), re.DOTALL)
    return inner[1] if inner else query


def _substituted(text):
    text = re.sub(r"(?<=\[)\$\{?\w+\}?", "5m", text)
    text = re.sub(r"\$__(?:rate_)?interval|\$interval", "5m", text)
    return re.sub(r"\$\{?\w+(?::\w+)?\}?", ".*", text)


def metric_names(text):
    """The names of all metrics that an expression reads."""
    return set(metric_labels(text))


def metric_labels(text):
    """Each metric that an expression reads -> the labels it selects, groups or joins it by."""
    found, left = {}, [(promql_parser.parse(text), frozenset())]
    while left:
        node, labels = left.pop()
        if isinstance(node, promql_parser.VectorSelector):
            selected = {m.name for m in node.matchers.matchers} - {"__name__"}
            for name in {node.name} if node.name else _named(node):
                found[name] = found.get(name, frozenset()) | labels | selected
            continue
        if str(getattr(node, "op", "")) in ("and", "unless"):  # of the right only what joins
            left += [(node.lhs, labels | _by(node)), (node.rhs, _by(node))]
        else:
            left += [(part, labels | _by(node)) for part in _parts(node)]
    return found


def _by(node):
    """The labels that an aggregation or a join needs of what it works on."""
    modifier = getattr(node, "modifier", None)
    grouped = modifier if hasattr(modifier, "labels") else getattr(modifier, "matching", None)
    named = str(getattr(grouped, "type", ""))
    return frozenset(grouped.labels) if named.endswith((".By", ".Include")) else frozenset()


def _parts(node):
    parts = [getattr(node, n, None) for n in ("expr", "lhs", "rhs", "vector_selector", "param")]
    parts += list(getattr(node, "args", []) or [])
    return [part for part in parts if part is not None and not isinstance(part, (str, float))]


def _named(node):
    return {m.value for m in node.matchers.matchers if m.name == "__name__"}
