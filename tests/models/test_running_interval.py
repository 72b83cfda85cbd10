import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.recent_outcomes import RecentOutcomes
from models.running_interval import (
    HALF_LIFE,
    MISS_RATE,
    NO_MISSES,
    PRIOR_BUILDS,
    RATES,
    STEP,
    Misses,
    Prior,
    interval_after,
    running_interval,
    running_offset,
)

misses = st.floats(-2, 2, width=16)
histories = st.lists(st.tuples(misses, st.integers(1, 4)), max_size=25)
NO_PRIOR = np.zeros(0)


def in_turn(count):
    """Builds that are queued once the one before has finished."""
    return 2 * np.arange(count), 2 * np.arange(count) + 1


def one_by_one(missed, sequence, known_at, prior):
    """The offset by the letter of the papers: a weighted quantile, its level moved by misses."""

    def quantile(known, level):
        ages = range(len(known) - 1, -1, -1)
        weighted = [(m, 2 ** (-age / HALF_LIFE)) for m, age in zip(known, ages, strict=True)]
        weighted += [(m, PRIOR_BUILDS / len(prior)) for m in prior]
        whole, sum_ = sum(weight for _, weight in weighted), 0.0
        for value, weight in sorted(weighted):
            sum_ += weight
            if sum_ / whole >= level - 1e-12:
                return value
        return max(weighted)[0]

    rates = [MISS_RATE]
    for i, missed_by in enumerate(missed):
        then = min(int(np.sum(known_at[:i] < sequence[i])), i)
        beyond = missed_by > quantile(list(missed[:then]), 1 - rates[then])
        rates.append(min(max(rates[-1] + STEP * (MISS_RATE - beyond), RATES[0]), RATES[1]))
    return quantile(list(missed), 1 - rates[-1])


@given(histories, st.lists(misses, min_size=1, max_size=6))
def test_offset_is_a_weighted_quantile_at_a_steered_level(history, prior):
    """
    The offset equals the one that an unoptimised implementation finds, overlapping builds and ties
    included.
    """
    missed = np.array([miss for miss, _ in history])
    known_at = 2 * np.arange(len(history)) + 9
    sequence = known_at - np.array([2 * late + 1 for _, late in history], dtype=np.int64)

    found = running_offset(missed, sequence, known_at, np.array(prior))

    assert found == pytest.approx(one_by_one(missed, sequence, known_at, prior))


@given(histories, st.floats(-3, 3, width=16))
def test_offset_moves_with_its_misses(history, shift):
    """
    When all misses are larger by a number, so is the offset: nothing hangs on the unit or level.
    """
    missed = np.array([miss for miss, _ in history])
    times = in_turn(len(missed))
    prior = np.array([-0.5, 0.25])

    moved = running_offset(missed + shift, *times, prior + shift)

    assert moved == pytest.approx(running_offset(missed, *times, prior) + shift)


def test_without_evidence_nothing_moves():
    """
    No misses, its own or of others: the raw interval stays.
    """
    assert running_offset(np.zeros(0), *in_turn(0), NO_PRIOR) == 0.0


def test_a_young_project_goes_from_the_others_misses_to_its_own():
    """
    The offset of a project whose misses are larger than anybody's rises with its builds from the
    offset of all projects to its own, one step at a time.
    """
    prior = np.linspace(0.0, 0.1, 11)
    own = np.tile(np.linspace(0.0, 1.0, 8), 20)

    counts = [0, 1, 2, 8, 40, 160]
    offsets = [running_offset(own[:n], *in_turn(n), prior) for n in counts]

    assert offsets[0] == pytest.approx(0.09, abs=0.011)
    assert offsets[-1] > 0.8
    assert offsets[:3] == sorted(offsets[:3])


def covered(actual, low, high, prior):
    """Whether each build lay in its running interval, which knew all builds before it."""
    below, above = low - actual, actual - high
    sequence, known_at = in_turn(len(actual))
    found = Misses(below=below, above=above, sequence=sequence, known_at=known_at)
    inside = []
    for i in range(len(actual)):
        running = interval_after(found.where(slice(0, i)), prior, "shop")
        inside.append(low[i] - running.low <= actual[i] <= high[i] + running.high)
    return np.array(inside)


@pytest.mark.parametrize("half_width", [0.02, 3.0])
def test_four_builds_of_five_are_covered(half_width):
    """
    Whether the raw interval is far too narrow or too wide, the running one covers 80 %.
    """
    rng = np.random.default_rng(3)
    actual = rng.standard_t(3, size=400)
    ends = np.full(400, half_width)

    inside = covered(actual, -ends, ends, Prior(below=np.zeros(1), above=np.zeros(1)))

    assert inside[50:].mean() == pytest.approx(0.8, abs=0.03)


def test_coverage_recovers_after_durations_become_erratic():
    """
    When durations begin to vary three times as much, an interval that knew only calm builds covers
    70 to 90 % again from the 30th build on.
    """
    rng = np.random.default_rng(4)
    after = []
    for _ in range(4):
        noise = rng.normal(size=200) * np.where(np.arange(200) < 100, 0.1, 0.3)
        low, high = np.full(200, -0.128), np.full(200, 0.128)
        inside = covered(noise, low, high, Prior(below=np.zeros(1), above=np.zeros(1)))
        after.append(inside[100:])

    assert np.mean([inside[:10].mean() for inside in after]) < 0.7
    assert 0.7 <= np.mean([inside[30:].mean() for inside in after]) <= 0.9


class Seeded:
    """A predictor whose raw interval is zero to zero."""

    prior = Prior(below=NO_PRIOR, above=NO_PRIOR)

    def seeds(self, _project):
        return NO_MISSES

    def learned_until(self, project):
        return 5 if project == "shop" else -1

    def misses(self, outcomes, _project):
        return Misses(
            below=-outcomes.duration_s,
            above=outcomes.duration_s,
            sequence=outcomes.sequence,
            known_at=outcomes.known_at,
        )


def outcomes(durations_s, failed=()):
    count = len(durations_s)
    sequence, known_at = in_turn(count)
    return RecentOutcomes(
        rows=np.zeros((count, 1), np.float32),
        sequence=sequence,
        known_at=known_at,
        duration_s=np.array(durations_s),
        failed=np.isin(np.arange(count), failed),
        pipeline=np.array(["ci.yml"] * count, dtype=object),
    )


def test_only_news_of_passed_builds_count():
    """
    Builds that failed, and builds that the weights have learned from, move nothing.
    """
    held = outcomes([9.0, 9.0, 9.0, 1.0, 9.0, 1.0], failed=[4])

    running = running_interval(Seeded(), held, "shop")

    assert (running.project, running.low, running.high) == ("shop", -1.0, 1.0)
    assert running_interval(Seeded(), held, "bank").high == 9.0
