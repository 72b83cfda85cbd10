"""What a search may look at: folds in order of time, all of them older than what is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from training.examples import Examples, Mask
from training.forest_rows import taught
from training.past_rankings import folds
from training.ranking_scorecards import baseline_score, mean_apfd
from training.recipe import Setting, inner_split, split_enough
from training.split import older_than

COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """One question to a configuration, as masks (n,) over the rows a search knows.

    Attributes:
        learned: What had finished before the first asked build of each project.
        asked: The builds it is measured on.
    """

    learned: Mask
    asked: Mask


def searched_rows(model: str, examples: Examples, setting: Setting) -> Examples:
    """Return the rows that a search for *model* may see: none of what the version is scored on.

    Args:
        model: One of `models.names.MODELS`.
        examples: All rows, those of a project in order of `sequence`.
        setting: With the policy by which builds are split.

    Raises:
        NotEnoughHistory: If there are too few builds to train at all.
    """
    rows = examples.where(~examples.failed) if model == BUILD_OPTIMIZER else examples
    test = split_enough(rows, setting, what="builds").test
    return rows.where(older_than(rows, test))


def search_folds(
    model: str, known: Examples, setting: Setting, count: int = COUNT
) -> tuple[Fold, ...]:
    """Return folds that can be learned from and measured on, oldest first.

    Each asks for a project's next builds, a share of `calibration_share`; the last one ends with
    the newest that are known.

    Args:
        model: Says what can be learned from, and measured on.
        known: As `searched_rows` gives them.
        setting: With the policy.
        count: As far as there are builds.
    """
    asked = folds(known, setting.policy, count)
    found = (Fold(learned=older_than(known, mask) & ~mask, asked=mask) for mask in asked)
    return tuple(fold for fold in found if _TELLING[model](known, fold, setting))


def _durations_tell(known: Examples, fold: Fold, setting: Setting) -> bool:
    learned = known.duration_s[fold.learned]
    return len(learned) >= setting.policy.needed and bool(np.ptp(learned) > 0)


def _failures_tell(known: Examples, fold: Fold, setting: Setting) -> bool:
    learned = known.where(fold.learned)
    parts = inner_split(learned, setting)
    older, newer = learned.failed[parts.fit | parts.stopping], learned.failed[parts.calibration]
    return all(part.any() and not part.all() for part in (older, newer, known.failed[fold.asked]))


def _verdicts_tell(known: Examples, fold: Fold, _setting: Setting) -> bool:
    asked = known.where(fold.asked)
    rankable = np.isfinite(mean_apfd(asked, baseline_score(asked, "failure_rate")))
    return bool(rankable and taught(known.where(fold.learned)).any())


_TELLING: dict[str, Callable[[Examples, Fold, Setting], bool]] = {
    BUILD_OPTIMIZER: _durations_tell,
    FAILURE_PREDICTOR: _failures_tell,
    TEST_INTELLIGENCE: _verdicts_tell,
}
