"""Planted leaks are caught and named; honest columns are left alone."""

import numpy as np
import pytest

from devmind.ci import BuildStatus
from devmind.events import Finished, Queued
from features.context import context_of, ended_of
from features.feature import Feature
from features.leaks import Readings, leaking_columns, with_other_outcomes
from features.replay import replay_tests
from history.events import BuildFinished
from tests.factories import finished, queued, report, store
from tests.honesty.histories import read_builds, read_tests, simulated


class Planted(Feature):
    """A feature of one column that is given how every build of the history ends."""

    group = "planted"

    def __init__(self, ends):
        self.names = (type(self).__name__,)
        self.ends = ends
        self.durations = [0.0]

    def end_of(self, traits):
        """Return how long the build takes, which nobody knows yet."""
        return (self.ends[traits.build_id].finished_at.timestamp()) - traits.at

    def finished(self, ended):
        """Learn a duration."""
        self.durations.append(ended.duration_s)

    def read(self, _context):
        """Return the mean of what has finished: no leak."""
        return [np.mean(self.durations)]


class OwnOutcome(Planted):
    def read(self, context):
        return [float(self.ends[context.build.build_id].status is BuildStatus.FAILED)]


class LastQueued(Planted):
    """The published lag: the duration of the run before, finished or not."""

    def queued(self, traits):
        self.durations.append(self.end_of(traits))

    def finished(self, ended):
        pass

    def read(self, _context):
        return [self.durations[-1]]


class MeanWithItself(Planted):
    def read(self, context):
        return [np.mean([*self.durations, self.end_of(context.traits)])]


class NextOutcome(Planted):
    """Whether the build queued after this one fails."""

    def read(self, context):
        order = list(self.ends)
        place = order.index(context.build.build_id) + 1
        return [float(place < len(order) and self.ends[order[place]].status is BuildStatus.FAILED)]


def replay_with(*planted):
    """Return a replay of the *planted* features alone, fed as a state feeds its own."""

    def replay(events):
        ends = {event.build_id: None for event in events if isinstance(event, Queued)}
        ends |= {event.build_id: event.outcome for event in events if isinstance(event, Finished)}
        features = [make(ends) for make in planted]
        waiting, rows, keys = {}, [], []
        for event in events:
            if isinstance(event, Queued):
                context = context_of(event.build)
                waiting[event.build_id] = context.traits
                keys.append((event.build_id, ""))
                rows.append([value for one in features for value in one.read(context)])
                for feature in features:
                    feature.queued(context.traits)
            elif isinstance(event, Finished):
                end = BuildFinished(sequence=1, build_id=event.build_id, outcome=event.outcome)
                for feature in features:
                    feature.finished(ended_of(waiting[event.build_id], end))
        names = tuple(name for feature in features for name in feature.names)
        return Readings(names=names, rows=np.array(rows, dtype=np.float64), keys=keys)

    return replay


@pytest.mark.parametrize("leak", [OwnOutcome, LastQueued, MeanWithItself, NextOutcome])
def test_a_planted_leak_is_caught_and_named(leak):
    """
    A feature that reads its own or a later outcome is named, and only that one.
    """
    history = simulated(80, seed=2)

    assert leaking_columns(replay_with(Planted, leak), history, seed=1) == (leak.__name__,)


def test_a_leak_among_the_products_columns_is_named_alone():
    """
    One leaking column beside all the product's own is the only one named.
    """
    history = simulated(60, seed=6)

    def replay(events):
        own, planted = read_builds(events), replay_with(OwnOutcome)(events)
        order = {key: i for i, key in enumerate(planted.keys)}
        extra = planted.rows[[order[key] for key in own.keys]]
        return Readings(
            names=(*own.names, *planted.names), rows=np.hstack([own.rows, extra]), keys=own.keys
        )

    assert leaking_columns(replay, history, seed=1, moments=3) == ("OwnOutcome",)


def test_a_leak_among_the_columns_of_tests_is_named_alone():
    """
    The verdict itself, beside all columns of a test's row, is the only one named.
    """

    def replay(events):
        own, failed = read_tests(events), replay_tests(store(events)).failed
        rows = np.column_stack([own.rows, failed])
        return Readings(names=(*own.names, "verdict"), rows=rows, keys=own.keys)

    assert leaking_columns(replay, simulated(40, seed=7), seed=1, moments=2) == ("verdict",)


def test_the_other_future_is_really_another():
    """
    Builds that finished stay; all later ones turn around and still finish after the moment.
    """
    reports = [report(a="passed", b="failed", c="skipped")]
    history = [
        finished(queued(str(i), at_s=100.0 * i), duration_s=150.0, reports=reports)
        for i in range(6)
    ]
    after = history[3].build.queued_at

    others = with_other_outcomes(history, after=after, rng=np.random.default_rng(0))

    assert others[:2] == history[:2]
    for was, now in zip(history[2:], others[2:], strict=True):
        assert was.build == now.build
        assert now.outcome.status == "failed"
        assert now.outcome.finished_at > max(after, now.build.queued_at)
        assert [run.verdict for run in now.reports[0].runs] == ["failed", "passed", "skipped"]


def test_no_history_leaks_nothing():
    """
    Without builds there is nothing to find, and nothing to fail on.
    """
    assert leaking_columns(read_builds, [], seed=0) == ()
