import numpy as np
import pytest

from devmind.readers import open_source
from features.build_state import BuildState
from features.replay import replay_builds, replay_tests
from features.verdict_state import TestState
from tests.factories import stored
from tests.features.asking import fold


def apfd(scores, failed):
    """Average percentage of faults detected by descending score, expected over ties."""
    known = np.nan_to_num(scores, nan=-1.0)
    places = [(known > score).sum() + ((known == score).sum() + 1) / 2 for score in known[failed]]
    return 1 - sum(places) / (len(known) * failed.sum()) + 1 / (2 * len(known))


def mean_apfd(examples, name):
    """Mean over the failing cycles of more than five tests."""
    column = examples.rows[:, examples.names.index(name)]
    cycles = [examples.cycle == cycle for cycle in range(examples.cycle[-1] + 1)]
    asked = [mine for mine in cycles if mine.sum() > 5 and examples.failed[mine].any()]
    return np.mean([apfd(column[mine], examples.failed[mine]) for mine in asked])


@pytest.mark.parametrize(
    ("path", "least"),
    [("iofrol/iofrol.csv", 0.635), ("dune/debian_11_gcc-10-20.csv", 0.915)],
)
def test_smoothed_verdicts_rank_as_well_as_in_print(ci_data, path, least):
    """
    Ranking real tests by their smoothed verdicts reaches what is published for that rule.
    """
    events = stored(open_source(ci_data / path).builds())

    assert mean_apfd(replay_tests(events), "fail_ewma_h3") > least


def test_real_runs_replay_and_freeze(ci_data):
    """
    A real pipeline's rows are finite where its history speaks, and its state survives freezing.
    """
    path = ci_data / "github-actions/with_steps/pr3y_Bruce_wf121541665_fixed.csv"
    builds = list(open_source(path).builds())
    events = stored(builds)
    examples = replay_builds(events)
    last = examples.rows[:, examples.names.index("pipeline_last_s")]
    state = fold(BuildState(), events)
    body = state.freeze()

    assert len(examples) > 700
    assert not np.isinf(examples.rows).any()
    assert np.isnan(last).mean() < 0.01
    assert 300 < np.nanmedian(last) < 500
    assert body == BuildState.thaw(body).freeze()
    assert state.steps(builds[-1].build.pipeline)[0].ewma_s > 60
    assert len(fold(TestState(), events).tests) == 0
