"""The gate: whether a challenger may take the champion's place. A pure function of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.paired import Comparison
from models.scorecard import Scorecard
from models.verdicts import better, even, surely_worse


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A metric that must not get worse.

    Attributes:
        metric: Name in `Scorecard.metrics`.
        higher_is_better: Its direction.
        tolerance: How much worse than the champion is still noise, in the metric's own unit, or
            as a share of the champion's value when *relative*.
        relative: Whether *tolerance* and *margin* are shares.
        margin: Compared row by row, a sure loss of at most so much is still called even.
    """

    metric: str
    higher_is_better: bool
    tolerance: float
    relative: bool = False
    margin: float = 0.0

    def loss(self, challenger: float, other: float) -> float:
        """How much worse *challenger* is than *other*; negative when it is better."""
        return other - challenger if self.higher_is_better else challenger - other

    def allowed(self, champion: float) -> float:
        """The largest loss against *champion* that is still noise."""
        return self.tolerance * abs(champion) if self.relative else self.tolerance

    def even(self, champion: float) -> float:
        """The largest loss against *champion* that is called even, however sure it is."""
        return self.margin * abs(champion) if self.relative else self.margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A metric that must lie in `[low, high]`, whoever the champion is.

    Attributes:
        metric: Name in `Scorecard.metrics`.
        low: Lower bound.
        high: Upper bound.
        noise: What chance alone does to the metric, in its own unit, at one row; it falls with
            the root of the rows, and the bounds are widened by it.
    """

    metric: str
    low: float
    high: float
    noise: float = 0.0

    def bounds(self, rows: int) -> tuple[float, float]:
        """Return the interval in which the metric, measured on *rows*, may lie.

        Example:
            >>> Guard(metric="coverage", low=0.7, high=0.9, noise=0.8).bounds(64)
            (0.6, 1.0)
        """
        slack = self.noise / math.sqrt(max(rows, 1))
        return round(self.low - slack, 4), round(self.high + slack, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a challenger has to show.

    Attributes:
        main: Without a champion, must be better than every baseline; with one, not worse.
        others: With a champion, must not be worse either.
        guards: Must hold always.
        needed_rows: With fewer scored rows nothing is promoted.
        even_with_baselines: By how much `main` may fall short of a baseline and still count as
            even with it, in its unit. For a model that does more than the rules can: a forest that
            ranks as well as the best of them also says how sure it is, and subsets need that.
    """

    main: Rule
    others: tuple[Rule, ...] = ()
    guards: tuple[Guard, ...] = ()
    needed_rows: int = 20
    even_with_baselines: float = 0.0

    @property
    def rules(self) -> dict[str, Rule]:
        """Metric -> its rule."""
        return {rule.metric: rule for rule in (self.main, *self.others)}

    @property
    def metrics(self) -> dict[str, bool]:
        """Metric -> whether higher is better: what is to be compared."""
        return {name: rule.higher_is_better for name, rule in self.rules.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The gate's answer; *reasons* say why, each with its numbers."""

    promote: bool
    reasons: tuple[str, ...]


COVERAGE_NOISE = 2 * math.sqrt(0.8 * 0.2)
"""Two standard errors of the coverage of an 80 % interval, at one row."""
ECE_NOISE = math.sqrt(2 / math.pi) * math.sqrt(10 * 0.5 * 0.5)
"""The expected calibration error of a perfectly calibrated model in ten bins, at one row."""

POLICIES = {
    BUILD_OPTIMIZER: Policy(
        main=Rule(
            metric="mae_s", higher_is_better=False, tolerance=0.03, relative=True, margin=0.01
        ),
        others=(
            Rule(
                metric="pinball_s",
                higher_is_better=False,
                tolerance=0.03,
                relative=True,
                margin=0.01,
            ),
            Rule(metric="coverage_gap", higher_is_better=False, tolerance=0.03, margin=0.02),
        ),
        guards=(Guard(metric="coverage", low=0.7, high=0.9, noise=COVERAGE_NOISE),),
    ),
    FAILURE_PREDICTOR: Policy(
        main=Rule(metric="auc", higher_is_better=True, tolerance=0.01, margin=0.005),
        others=(
            Rule(metric="brier", higher_is_better=False, tolerance=0.005, margin=0.001),
            Rule(metric="log_loss", higher_is_better=False, tolerance=0.02, margin=0.005),
            Rule(metric="ece", higher_is_better=False, tolerance=0.03, margin=0.01),
        ),
        guards=(Guard(metric="ece", low=0.0, high=0.15, noise=ECE_NOISE),),
    ),
    TEST_INTELLIGENCE: Policy(
        main=Rule(metric="apfd", higher_is_better=True, tolerance=0.005, margin=0.003),
        others=(
            Rule(metric="recall_at_30_percent", higher_is_better=True, tolerance=0.03, margin=0.01),
        ),
        needed_rows=100,
        even_with_baselines=0.01,
    ),
}


def decide(
    champion: Scorecard | None,
    challenger: Scorecard,
    policy: Policy,
    *,
    paired: Sequence[Comparison] | None = None,
    fresher: bool = True,
) -> Decision:
    """Say whether *challenger* may be promoted.

    Args:
        champion: Measured on the very rows the challenger was measured on; `None` without one.
        challenger: The new version.
        policy: Usually `POLICIES[model]`.
        paired: Both compared row by row, where the rows are at hand; it then counts, not the
            distance of the scorecards.
        fresher: Whether the challenger has learned from newer builds; one that has not must be
            better in something.

    Returns:
        With `promote` false, the reasons against; else what it won on.
    """
    against = [*_unfit(challenger, policy)]
    if champion is None:
        against += _below_baselines(challenger, policy)
    elif champion.model != challenger.model:
        against.append(f"the champion is {champion.model}, the challenger {challenger.model}")
    elif champion.measured_on.digest != challenger.measured_on.digest:
        against.append(
            "champion and challenger were measured on different builds: "
            f"{_range(champion)} and {_range(challenger)}; score both on the newest builds"
        )
    elif paired:
        against += surely_worse(paired, policy.rules)
    else:
        against += _worse(champion, challenger, policy)
    if against:
        return Decision(promote=False, reasons=tuple(against))
    if champion is None or not paired:
        return Decision(promote=True, reasons=tuple(_won(champion, challenger, policy)))
    won = better(paired)
    if not fresher and not won:
        reason = "it has learned from no newer build than the champion and is better in nothing"
        return Decision(promote=False, reasons=(reason, *even(paired)))
    newer = ("it has learned from newer builds",) if fresher else ()
    return Decision(promote=True, reasons=(*won, *even(paired), *newer))


def _unfit(card: Scorecard, policy: Policy) -> Iterator[str]:
    if card.measured_on.rows < policy.needed_rows:
        yield f"only {card.measured_on.rows} rows were scored, {policy.needed_rows} are needed"
    if math.isnan(card.value(policy.main.metric)):
        yield f"{policy.main.metric} could not be measured on these builds"
    for guard in policy.guards:
        value = card.value(guard.metric)
        low, high = guard.bounds(card.measured_on.rows)
        if not low <= value <= high:
            yield f"{guard.metric} is {value:.4g}, outside {max(low, 0):g} to {min(high, 1):g}"


def _below_baselines(card: Scorecard, policy: Policy) -> Iterator[str]:
    rule = policy.main
    value = card.value(rule.metric)
    measured = {name: card.baseline(name, rule.metric) for name in card.baselines}
    measured = {name: other for name, other in measured.items() if not math.isnan(other)}
    if not measured:
        yield f"no baseline has {rule.metric}, so there is nothing to beat"
    for name, other in sorted(measured.items()):
        if not _beats(rule.loss(value, other), policy):
            yield f"{rule.metric} {value:.4g} does not beat the baseline {name} ({other:.4g})"


def _beats(loss: float, policy: Policy) -> bool:
    return loss < 0 or (0 < policy.even_with_baselines >= loss)


def _worse(champion: Scorecard, challenger: Scorecard, policy: Policy) -> Iterator[str]:
    for rule in (policy.main, *policy.others):
        old, new = champion.value(rule.metric), challenger.value(rule.metric)
        if math.isnan(old):
            continue
        allowed = rule.allowed(old)
        if math.isnan(new):
            yield f"{rule.metric} could not be measured, the champion's is {old:.4g}"
        elif rule.loss(new, old) > allowed:
            more = f"by more than {allowed:.2g}"
            yield f"{rule.metric} {new:.4g} is worse than the champion's {old:.4g} {more}"


def _won(champion: Scorecard | None, challenger: Scorecard, policy: Policy) -> Iterator[str]:
    main = policy.main.metric
    value = challenger.value(main)
    if champion is None:
        for name in sorted(challenger.baselines):
            other = challenger.baseline(name, main)
            if not math.isnan(other):
                word = "beats" if policy.main.loss(value, other) < 0 else "is even with"
                yield f"{main} {value:.4g} {word} the baseline {name} ({other:.4g})"
        return
    for rule in (policy.main, *policy.others):
        old, new = champion.value(rule.metric), challenger.value(rule.metric)
        if not (math.isnan(old) or math.isnan(new)):
            word = "is better than" if rule.loss(new, old) < 0 else "is not worse than"
            yield f"{rule.metric} {new:.4g} {word} the champion's {old:.4g}"


def _range(card: Scorecard) -> str:
    where = card.measured_on
    return f"{where.rows} rows {where.first_queued_at:%Y-%m-%d} to {where.last_queued_at:%Y-%m-%d}"
