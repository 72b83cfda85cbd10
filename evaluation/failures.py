"""Failures predicted in order of time, by models that had learned from what was known by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from evaluation.blocks import Block
from evaluation.results import Failures, Floats
from models.failure_predictor import FailurePredictor
from training.examples import Examples, Mask
from training.failure_predictor import predict_in_turn
from training.recipe import Learned
from training.scorecards import failure_baselines

LearnFailures = Callable[[Examples], Learned]


def walk_failures(
    examples: Examples, blocks: Iterable[Block], learn: LearnFailures
) -> list[Failures]:
    """Predict the builds that the blocks ask for, each block by a model of what it knows.

    Within a block each build gets the running correction of what had finished when it was queued.

    Args:
        examples: Builds of a project in order of `sequence`; several projects share a model.
        blocks: In order of time; no build is asked for twice.
        learn: The recipe, with knobs and fit.

    Returns:
        One result a project with asked builds. Thresholds are those of its first block, chosen on
        builds older than all that are asked.
    """
    found: dict[str, list[Failures]] = {}
    for block in blocks:
        for part in _block(examples, block.known, block.asked, learn):
            found.setdefault(part.project, []).append(part)
    return [_joined(found[project]) for project in sorted(found)]


def leave_one_out(examples: Examples, learn: LearnFailures) -> list[Failures]:
    """Predict the newer half of each project by a model that has learned from all others only.

    The older half is history that a service would have recorded: features and the running
    correction know it, weights do not. Thresholds of the simple rules are chosen on it.

    Args:
        examples: As for `walk_failures`, at least two projects.
        learn: As for `walk_failures`.
    """
    found: list[Failures] = []
    for project in examples.projects:
        own = np.asarray(examples.project == project)
        first = np.median(examples.sequence[own])
        asked = own & (examples.sequence >= first)
        predictor = _load(learn(examples.where(~own)), examples)
        own_past = examples.where(own & (examples.known_at < first))
        found.extend(_predicted(examples, asked, predictor, own_past))
    return found


def _block(
    examples: Examples, known: Mask, asked: Mask, learn: LearnFailures
) -> Iterator[Failures]:
    past = examples.where(known)
    return _predicted(examples, asked, _load(learn(past), examples), past)


def _load(learned: Learned, examples: Examples) -> FailurePredictor:
    return FailurePredictor.load(learned.bundle, examples.names)


def _predicted(
    examples: Examples, asked: Mask, predictor: FailurePredictor, past: Examples
) -> Iterator[Failures]:
    rows = examples.where(asked)
    probability = predict_in_turn(predictor, examples, asked)
    rules = failure_baselines(past, past, rows)
    for project in rows.projects:
        own = np.asarray(rows.project == project)
        yield Failures(
            project=project,
            queued_at=rows.queued_at[own],
            failed=rows.failed[own],
            probability=probability[own],
            threshold=predictor.manifest.thresholds["high"],
            previous_failed=rows.column("pipeline_last_failed")[own].astype(np.float64),
            baselines={name: said[own] for name, (said, _) in rules.items()},
            thresholds={name: threshold for name, (_, threshold) in rules.items()},
        )


def _joined(parts: list[Failures]) -> Failures:
    def all_of(read: Callable[[Failures], Floats]) -> Floats:
        return np.concatenate([read(part) for part in parts])

    return Failures(
        project=parts[0].project,
        queued_at=all_of(lambda part: part.queued_at),
        failed=np.concatenate([part.failed for part in parts]),
        probability=all_of(lambda part: part.probability),
        threshold=parts[0].threshold,
        previous_failed=all_of(lambda part: part.previous_failed),
        baselines={
            name: np.concatenate([part.baselines[name] for part in parts])
            for name in parts[0].baselines
        },
        thresholds=parts[0].thresholds,
    )
