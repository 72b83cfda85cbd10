"""What Tune calls while a search goes on: who stops, when time is over, who hears of it.

Tune keeps its hooks on disk, to go on after a crash. So they hold nothing but the search's name,
and find the rest in `SEARCHES`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from ray import tune
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from training.search_plan import OnTrials, Plan
from training.search_spaces import Values, values_of
from training.search_trials import Trial, TrialState

LOSS, LOSSES, STEP = "loss", "fold_losses", "step"
"""What a trial reports: its mean loss so far, each fold's, and how often it has reported."""
_SPENT = "spent_s"


@dataclass(slots=True, kw_only=True)
class Search:
    """A search that this process carries out.

    Attributes:
        plan: What it was asked for.
        on_trials: Told all trials whenever one has moved.
        over: Says whether somebody wants it to end.
        folds: That a finished trial was measured on.
        before_s: Seconds it took before a crash.
        began: When this process took it up, by the monotonic clock.
        trials: As last heard.
    """

    plan: Plan
    on_trials: OnTrials
    over: Callable[[], bool]
    folds: int
    before_s: float
    began: float = field(default_factory=time.monotonic)
    trials: list[Trial] = field(default_factory=list)

    @property
    def spent_s(self) -> float:
        """Seconds it took so far, those before a crash included."""
        return self.before_s + time.monotonic() - self.began


SEARCHES: dict[str, Search] = {}
"""Storage -> the search that goes on there in this process."""


class SparingAsha(ASHAScheduler):
    """ASHA that halves at every step but never stops the default configuration.

    Args:
        default: Its values; whatever else is found is measured against it.
        last_step: Of a trial that is carried through.

    References:
        L. Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.
    """

    def __init__(self, default: Values, *, last_step: int) -> None:
        super().__init__(
            time_attr=STEP,
            max_t=max(last_step, 2),
            grace_period=1,
            reduction_factor=2,
            stop_last_trials=False,
        )
        self._default = dict(default)

    def on_trial_result(self, controller: Any, tried: TuneTrial, result: dict[str, Any]) -> str:
        """Say whether *tried* goes on."""
        action = super().on_trial_result(controller, tried, result)
        return TrialScheduler.CONTINUE if tried.config == self._default else action


class Budget(tune.Stopper):
    """Ends a search when its time is over, whatever still runs; time before a crash counts.

    Args:
        key: Of the search.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Tune's
        """No trial is ended by the clock alone."""
        return False

    def stop_all(self) -> bool:
        """Say whether time is over, or somebody ended the search."""
        search = SEARCHES[self._key]
        _writespent_s(search.plan, search.spent_s)
        return search.spent_s >= search.plan.seconds or search.over()


class Telling(tune.Callback):
    """Passes what trials do on to whoever listens in this process.

    Args:
        key: Of the search.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def on_trial_start(self, *, trials: list[TuneTrial], **_: Any) -> None:  # type: ignore[override] # Tune names them
        """A trial has begun."""
        self._tell(trials)

    def on_trial_result(self, *, trials: list[TuneTrial], **_: Any) -> None:  # type: ignore[override] # Tune names them
        """A trial has reported."""
        self._tell(trials)

    def on_trial_complete(self, *, trials: list[TuneTrial], **_: Any) -> None:  # type: ignore[override] # Tune names them
        """A trial has ended."""
        self._tell(trials)

    def on_trial_error(self, *, trials: list[TuneTrial], **_: Any) -> None:  # type: ignore[override] # Tune names them
        """A trial has failed."""
        self._tell(trials)

    def on_experiment_end(self, *, trials: list[TuneTrial], **_: Any) -> None:  # type: ignore[override] # Tune names them
        """The search has ended."""
        self._tell(trials)

    def _tell(self, trials: Sequence[TuneTrial]) -> None:
        search = SEARCHES[self._key]
        search.trials = _records(trials, search)
        search.on_trials(search.trials)


def _records(trials: Sequence[TuneTrial], search: Search) -> list[Trial]:
    default = values_of(search.plan.base, search.plan.space)
    began = [t for t in trials if t.status != TuneTrial.PENDING]
    return [
        Trial(
            number=number,
            values=dict(tried.config),
            losses=tuple(float(loss) for loss in tried.last_result.get(LOSSES, ())),
            state=_state(tried, search.folds),
            seconds=float(tried.last_result.get("time_total_s", 0.0)),
            default=tried.config == default,
        )
        for number, tried in sorted(((_number(t), t) for t in began), key=itemgetter(0))
    ]


def _number(tried: TuneTrial) -> int:
    """Return the place of *tried* in the order of proposal, by the tag that Tune keeps on disk.

    Tune's own list is in another order after a crash: it takes up the latest trial first.
    """
    return int(tried.experiment_tag.partition("_")[0])


def _state(tried: TuneTrial, folds: int) -> TrialState:
    if tried.status == TuneTrial.ERROR:
        return "failed"
    if len(tried.last_result.get(LOSSES, ())) == folds:
        return "finished"
    return "stopped" if tried.status == TuneTrial.TERMINATED else "running"


def seconds_before(plan: Plan) -> float:
    """Return how long earlier processes have searched, as far as they came to write it down."""
    try:
        return float((plan.storage / _SPENT).read_text())
    except (OSError, ValueError):
        return 0.0


def _writespent_s(plan: Plan, seconds: float) -> None:
    path = plan.storage / _SPENT
    draft = path.with_suffix(".draft")
    draft.write_text(f"{seconds:.1f}")
    draft.rename(path)
