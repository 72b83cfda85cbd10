"""The model card: what a version was trained on, what it is worth and where it is weak.

References:
    Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from devmind.errors import CorruptBundle
from models.bundle import Bundle
from models.manifest import TrainedRange
from models.scorecard import ScoredRange

CARD = "card.json"
PAGE = "card.html"


class Weight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a model leans on something.

    Attributes:
        name: A feature, or a group of features.
        loss: By how much the loss grows when its values are shuffled; 0 when nothing is lost.
    """

    name: str
    loss: float


class ProjectCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a version is worth to one project.

    Attributes:
        project: The project.
        rows: Scored rows.
        metrics: Metric -> value, `None` where undefined.
    """

    project: str
    rows: int
    metrics: dict[str, float | None]


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a model, described for those who are to rely on it.

    Attributes:
        model: One of `models.names.MODELS`.
        created_at: When training ended, aware UTC.
        code_version: Of the code that computes features.
        seed: Of everything random in training.
        config: The knobs it was trained with.
        trained_on: What it has learned from.
        measured_on: The newer builds it was scored on, by the model beside it.
        metrics: Metric -> value on these.
        baselines: Simple rule -> metric -> value on these.
        projects: The largest projects, largest first.
        loss: Which loss `groups` and `features` speak of.
        base_loss: That loss on the scored rows, nothing shuffled.
        groups: Groups of features, the weightiest first.
        features: Single features, the weightiest first.
        limits: Where it is weak, in sentences.
    """

    model: str
    created_at: datetime
    code_version: str
    seed: int
    config: dict[str, Any]
    trained_on: TrainedRange
    measured_on: ScoredRange
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]]
    projects: tuple[ProjectCard, ...]
    loss: str
    base_loss: float | None
    groups: tuple[Weight, ...]
    features: tuple[Weight, ...]
    limits: tuple[str, ...]


def to_json(card: Card) -> bytes:
    """Return *card* as indented JSON; NaN becomes `null`."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"


def card_of(bundle: Bundle) -> Card:
    """Return the card that lies in *bundle*.

    Raises:
        CorruptBundle: If there is none, or it cannot be read.
    """
    try:
        return msgspec.json.decode(bundle.file(CARD), type=Card)
    except msgspec.DecodeError as error:
        raise CorruptBundle(bundle.name, f"{CARD} cannot be read ({error})") from error
