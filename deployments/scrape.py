"""`/metrics` of the whole application: every node's agent asked, their answers made one.

Each replica hands its numbers to the agent of its node. Asking all agents and adding up gives the
application, whichever ingress replica answers.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx
import structlog
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

log = structlog.get_logger(__name__)

OURS = "ray_devmind_"
SERVE = "ray_serve_"
KEPT = frozenset(
    "application deployment method route status_code error_code model version abstained kind "
    "repeated le project state".split()
)
"""Labels that say something about the service; the others name processes, nodes and sessions."""
TIMEOUT_S = 2.0

SAME = (
    "devmind_rolling_",
    "devmind_feature_drift",
    "devmind_outcome_drift",
    "devmind_shadow_builds",
    "devmind_training_running",
    "devmind_training_last_success",
)
"""Gauges that every process reads from the same database: of several the largest is shown."""

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Family:
    kind: str
    help: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=lambda: defaultdict(float))


class Scrape:
    """Asks the metric agents of the cluster.

    Args:
        addresses: Returns the agents' URLs; may block.
    """

    def __init__(self, addresses: Callable[[], Sequence[str]]) -> None:
        self._addresses = addresses

    async def text(self) -> str:
        """Return the merged metrics; an agent that does not answer is left out and counted."""
        urls = await asyncio.to_thread(self._addresses)
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answers = await asyncio.gather(*(_fetch(client, url) for url in urls))
        texts = [text for text in answers if text is not None]
        merged = await asyncio.to_thread(merge, texts)
        return merged + _agents(len(texts), len(urls) - len(texts))


async def _fetch(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        response = await client.get(url)
        response.raise_for_status()
    except httpx.HTTPError as error:
        log.warning("metric agent away", kind=type(error).__name__)
        return None
    return response.text


def merge(texts: Iterable[str]) -> str:
    r"""Return one Prometheus text for several: samples that differ only by process are added up.

    Only families of ours (their names without Ray's prefix) and of Ray Serve are kept.

    Example:
        >>> one = '# TYPE ray_devmind_x counter\nray_devmind_x_total{WorkerId="a",model="m"} 1\n'
        >>> print(merge([one, one.replace('"a"', '"b"')]), end="")
        # HELP devmind_x_total devmind_x_total
        # TYPE devmind_x_total counter
        devmind_x_total{model="m"} 2.0
    """
    families: dict[str, _Family] = {}
    for text in texts:
        for metric in text_string_to_metric_families(text):
            if metric.name.startswith((OURS, SERVE)):
                _add(families, metric)
    return "".join(_written(name, families[name]) for name in sorted(families))


def _add(families: dict[str, _Family], metric: Metric) -> None:
    counted = metric.type == "counter"
    name = _ours(f"{metric.name}_total" if counted else metric.name)
    family = families.setdefault(name, _Family(kind=metric.type, help=metric.documentation or name))
    for sample in metric.samples:
        key = (_ours(sample.name), _kept(sample.labels))
        if name.startswith(SAME):
            family.samples[key] = _larger(family.samples.get(key), float(sample.value))
        else:
            family.samples[key] += float(sample.value)


def _larger(one: float | None, other: float) -> float:
    known = [value for value in (one, other) if value is not None and not math.isnan(value)]
    return max(known, default=math.nan)


def _kept(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in labels.items() if name in KEPT))


def _ours(name: str) -> str:
    return name.removeprefix("ray_") if name.startswith(OURS) else name


def _written(name: str, family: _Family) -> str:
    kind = family.kind if family.kind in ("counter", "gauge", "histogram") else "untyped"
    lines = [f"# HELP {name} {family.help}", f"# TYPE {name} {kind}"]
    lines += [
        f"{sample}{_labels(labels)} {value!r}" for (sample, labels), value in family.samples.items()
    ]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    escaped = (
        (n, v.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for n, v in labels
    )
    inner = ",".join(f'{name}="{value}"' for name, value in escaped)
    return f"{{{inner}}}" if inner else ""


def _agents(up: int, away: int) -> str:
    name = "devmind_metric_agents"
    return (
        f"# HELP {name} Agents that were asked for these metrics.\n# TYPE {name} gauge\n"
        f'{name}{{state="up"}} {up}\n{name}{{state="away"}} {away}\n'
    )
