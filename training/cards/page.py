"""A card as one HTML page: no scripts, nothing from elsewhere, so that it opens anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.card import Card, Weight
from models.gate import POLICIES
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, in_paths
from training.charts import Chart
from training.pictures import svg

MOST_WEIGHTS = 12
_TEMPLATE = "card.html.jinja"
_LOWER = {"mae_s", "median_error_s", "rmse_s", "pinball_s", "brier", "log_loss", "ece", "width_s"}
_HIGHER = {"auc", "average_precision", "f1", "apfd", "apfdc", "saved_at_95_recall"}
_LABELS = {
    "mae_s": "mean absolute error, s",
    "median_error_s": "median error, s",
    "rmse_s": "root mean squared error, s",
    "pinball_s": "pinball loss, s",
    "coverage": "coverage of the 80 % interval",
    "width_s": "mean width of the interval, s",
    "relative_width": "median width / duration",
    "auc": "area under the ROC curve",
    "average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log loss (nats)",
    "ece": "expected calibration error",
    "f1": "F1",
    "saved_at_95_recall": "share not run at 95 % recall",
    "positives": "failures among them",
    "apfd": "APFD",
    "apfdc": "APFD by cost",
    "failing_builds": "failing builds",
    "selection_recall": "recall of 95 % subsets",
    "selection_time_saved": "test time saved by 95 % subsets",
}
_OF_PROJECTS = {
    BUILD_OPTIMIZER: ("mae_s", "median_error_s", "coverage"),
    FAILURE_PREDICTOR: ("auc", "brier", "ece"),
}
_OF_TESTS = ("apfd", "selection_recall", "selection_time_saved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A row of the table of scores; *others* hold a rule's value and whether it is better."""

    label: str
    direction: str
    value: float | None
    others: tuple[Mapping[str, object], ...]


def page(card: Card, charts: Sequence[Chart]) -> str:
    """Return *card* with its *charts* as an HTML page.

    Args:
        card: What it says.
        charts: Drawn as SVG into the page.
    """
    import jinja2  # noqa: PLC0415 - only training draws cards

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "number": number,
        "count": lambda value: f"{value:,}",
        "day": lambda when: f"{when:%Y-%m-%d}" if isinstance(when, datetime) else "",
        "words": lambda name: name.replace("_", " "),
        "title_of": lambda model: in_paths(model).replace("-", " ").capitalize(),
        "share": _share,
    }
    shown = _OF_PROJECTS.get(card.model, _OF_TESTS)
    return environment.get_template(_TEMPLATE).render(
        card=card,
        rows="tests of builds" if shown == _OF_TESTS else "builds",
        scores=scores(card),
        charts=[{"title": chart.title, "svg": svg(chart)} for chart in charts],
        project_metrics=[(name, _LABELS[name]) for name in shown],
        most=MOST_WEIGHTS,
        config=json.dumps(card.config, indent=1, sort_keys=True, default=str),
    )


def scores(card: Card) -> list[Score]:
    """Return the table of scores: the gate's main metric first."""
    main = POLICIES[card.model].main.metric
    order = sorted(card.metrics, key=lambda name: (name != main, name not in _LABELS))
    return [_score(name, card.metrics[name], card.baselines) for name in order]


def number(value: float | None) -> str:
    """Return *value* with four significant digits, `n/a` where there is none.

    Example:
        >>> number(1234.56), number(0.81234), number(None)
        ('1,235', '0.8123', 'n/a')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "n/a"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - as shown


def _score(
    name: str, value: float | None, baselines: Mapping[str, Mapping[str, float | None]]
) -> Score:
    sign = 1 if name in _HIGHER or name.startswith("recall_at") else -1 if name in _LOWER else 0
    others: list[Mapping[str, object]] = []
    for rule in baselines.values():
        other = rule.get(name)
        known = sign and value is not None and other is not None
        worse = bool(known and sign * ((other or 0.0) - (value or 0.0)) > 0)
        others.append({"value": other, "word": "worse" if worse else ""})
    return Score(
        label=_LABELS.get(name, name.replace("_", " ")),
        direction={1: "higher is better", -1: "lower is better"}.get(sign, ""),
        value=value,
        others=tuple(others),
    )


def _share(one: Weight, all_of: Sequence[Weight]) -> str:
    most = max((weight.loss for weight in all_of), default=0.0)
    return f"{100 * one.loss / most if most else 0:.1f}"
