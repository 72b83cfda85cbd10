import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import InvalidInput
from models.miss_table import MissTable
from models.recall_table import GRID, PastBuild, RecallTable
from models.run_all import per_cent
from models.selection import (
    RECENT_RUNS,
    Budget,
    Candidates,
    Cause,
    Confidence,
    MissRate,
    TimeShare,
    reason_to_run_all,
    select,
)
from tests.models.examples import manifest

MISSES = MissTable(needed={"": np.tile(np.linspace(0, 1, 20), 10), "thin": np.full(31, 0.5)})
TABLE = RecallTable(claim=GRID, recall=GRID**0.5, builds=200, misses=MISSES)

one_test = st.tuples(
    st.sampled_from([0.0, 0.01, 0.2, 0.9, np.nan]) | st.floats(0, 1),
    st.sampled_from([0.5, 1.0, 60.0, np.nan]),
    st.booleans(),
    st.sampled_from([np.nan, 1.0, 3.0, 4.0, 50.0]),
)


def make(rows):
    chance, expected_s, new, ago = (np.array(column) for column in zip(*rows, strict=True))
    return Candidates(
        names=[f"tests/{'smoke' if i % 7 == 0 else 'unit'}/t{i}" for i in range(len(rows))],
        probability=chance.astype(float),
        expected_s=expected_s.astype(float),
        new=new,
        failed_runs_ago=ago.astype(float),
    )


def plain(probability, expected_s=None):
    n = len(probability)
    return Candidates(
        names=[f"t{i}" for i in range(n)],
        probability=np.array(probability, dtype=float),
        expected_s=np.ones(n) if expected_s is None else np.array(expected_s, dtype=float),
        new=np.zeros(n, dtype=bool),
        failed_runs_ago=np.full(n, np.nan),
    )


many = st.lists(one_test, min_size=1, max_size=40).map(make)
targets = st.one_of(
    st.builds(Confidence, recall=st.floats(0.01, 1)),
    st.builds(MissRate, rate=st.floats(0.001, 0.99)),
    st.builds(TimeShare, share=st.floats(0.01, 1)),
    st.builds(Budget, seconds=st.floats(0, 500)),
)


@given(many, targets, st.sampled_from([(), ("*/smoke/*",)]))
def test_every_test_is_in_or_out_once(candidates, target, must_run):
    """
    Selected and skipped tests are all tests, each once, and every one has a reason.
    """
    chosen = select(candidates, target, table=TABLE, must_run=must_run)

    assert sorted([*chosen.selected_tests, *chosen.skipped_tests]) == sorted(candidates.names)
    assert all(chosen.why(i) for i in range(len(candidates.names)))
    assert 0 <= chosen.saved_s <= chosen.total_s
    assert chosen.expected_recall is not None
    assert 0 <= chosen.expected_recall <= 1


@given(many, targets)
def test_what_is_always_in_is_in(candidates, target):
    """
    New, recently failed, must-run and unknown tests are in, whatever the target.
    """
    chosen = set(select(candidates, target, table=TABLE, must_run=["*/smoke/*"]).selected.tolist())

    for i, name in enumerate(candidates.names):
        always = candidates.new[i] or candidates.failed_runs_ago[i] <= RECENT_RUNS
        if always or "/smoke/" in name or np.isnan(candidates.probability[i]):
            assert i in chosen


@given(
    many,
    st.sampled_from([Confidence, MissRate, TimeShare, Budget]),
    st.lists(st.floats(0.01, 1), min_size=2, max_size=2).map(sorted),
    st.sampled_from([None, True, False]),
)
def test_more_asked_for_is_never_less(candidates, kind, sizes, per_cost):
    """
    A larger target of any kind selects a superset and expects no less recall.
    """
    make_target = {
        Confidence: lambda x: Confidence(recall=x),
        MissRate: lambda x: MissRate(rate=max(1e-6, 1 - x)),
        TimeShare: lambda x: TimeShare(share=x),
        Budget: lambda x: Budget(seconds=500 * x),
    }[kind]
    small, large = (
        select(candidates, make_target(size), table=TABLE, per_cost=per_cost) for size in sizes
    )

    assert set(small.selected.tolist()) <= set(large.selected.tolist())
    assert small.expected_recall <= large.expected_recall + 1e-12


@given(many, targets, st.sampled_from([None, True, False]))
def test_a_subset_is_a_prefix_of_an_order(candidates, target, per_cost):
    """
    Besides the tests that are always in, those chosen are the first of the order, without gaps.
    """
    chosen = select(candidates, target, table=TABLE, per_cost=per_cost)
    kind = chosen.causes[np.concatenate([chosen.selected, chosen.skipped])]

    assert Cause.LEFT_OUT not in kind[: chosen.selected.size]
    assert (kind[chosen.selected.size :] == Cause.LEFT_OUT).all()
    if chosen.skipped.size:
        first = candidates.probability[chosen.skipped[0]]
        taken = chosen.selected[chosen.causes[chosen.selected] == Cause.CHOSEN]
        by_chance = per_cost is False or isinstance(target, MissRate)
        assert not by_chance or (candidates.probability[taken] >= first).all()


@given(many, st.floats(0.01, 0.99), st.lists(st.sampled_from(["*/t1", "*/smoke/*", "*2"])))
def test_a_pattern_only_adds(candidates, rate, must_run):
    """
    Must-run patterns, unknown to calibration, add tests and drop none, so the bound stays.
    """
    without = select(candidates, MissRate(rate=rate), table=TABLE)
    chosen = select(candidates, MissRate(rate=rate), table=TABLE, must_run=must_run)

    assert set(without.selected.tolist()) <= set(chosen.selected.tolist())


@given(many, st.floats(0, 500), st.sampled_from([None, True, False]))
def test_a_budget_is_kept(candidates, seconds, per_cost):
    """
    Chosen tests fit into the seconds given, unless those always in do not, which is said.
    """
    chosen = select(candidates, Budget(seconds=seconds), table=TABLE, per_cost=per_cost)

    assert chosen.run_all or chosen.remark or chosen.selected_s <= seconds * (1 + 1e-6)


@given(many, targets, st.text(min_size=1))
def test_run_all_runs_all(candidates, target, reason):
    """
    With a reason to run everything nothing is skipped, and recall is certain.
    """
    chosen = select(candidates, target, table=None, run_all_reason=reason)

    assert chosen.run_all
    assert chosen.skipped.size == 0
    assert chosen.expected_recall == 1.0
    assert chosen.saved_s == 0


def test_ties_are_broken_on_purpose():
    """
    Of tests with equal probability the cheaper comes first, then the name.
    """
    candidates = plain([0.1, 0.1, 0.1, 0.5], [2, 1, 1, 9])

    chosen = select(candidates, Confidence(recall=0.99), table=TABLE)

    assert [*chosen.selected_tests, *chosen.skipped_tests] == ["t3", "t1", "t2", "t0"]


def test_time_is_spent_where_it_counts():
    """
    With a budget, a cheap test goes before a dear one that is only slightly likelier to fail.
    """
    candidates = plain([0.11, 0.10], [100, 1])

    assert select(candidates, Budget(seconds=50), table=TABLE).selected_tests == ["t1"]
    assert select(candidates, Budget(seconds=50), table=TABLE, per_cost=False).selected_tests == []


@pytest.mark.parametrize(
    ("table", "recall", "said"),
    [
        (None, 0.9, "never measured"),
        (RecallTable(claim=GRID, recall=GRID, builds=0), 0.9, "never measured"),
        (RecallTable(claim=GRID, recall=GRID, builds=9), 0.95, "promise 90.0% at most, not 95.0%"),
        (TABLE, 1.0, "only all tests catch every failure"),
    ],
)
def test_too_thin_a_calibration_runs_all(table, recall, said):
    """
    A confidence that past builds cannot vouch for runs everything and says why.
    """
    chosen = select(plain([0.5, 0.1]), Confidence(recall=recall), table=table)

    assert said in chosen.run_all_reason
    assert chosen.skipped.size == 0


@pytest.mark.parametrize(
    ("table", "rate", "project", "said"),
    [
        (None, 0.1, "", "a miss rate of 10% takes 9 past failing builds .*, 0 were measured"),
        (TABLE, 0.03, "thin", "a miss rate of 3% takes 33 .*, 31 were"),
        (TABLE, 0.05, "nobody", "a miss rate of 5% takes 19 .*, 0 were measured"),
        (TABLE, 0.001, "", "a miss rate of 0.1% takes 999 .*, 200 were measured"),
    ],
)
def test_too_few_failing_builds_run_all(table, rate, project, said):
    """
    A miss rate that the project's own past cannot promise runs everything, with both numbers.
    """
    chosen = select(plain([0.5, 0.1]), MissRate(rate=rate), table=table, project=project)

    assert re.search(said, chosen.run_all_reason)
    assert chosen.skipped.size == 0
    assert chosen.expected_miss_rate == 0.0


def test_a_stated_rate_comes_with_the_realised_one():
    """
    The answer says what the stated rate came to on the project's past failing builds.
    """
    candidates = plain([0.5, 0.3, 0.1, 0.1])

    chosen = select(candidates, MissRate(rate=0.6), table=TABLE)
    realised = TABLE.misses.realised("", 0.6)

    assert chosen.selected_tests == ["t0", "t1"]
    assert chosen.expected_miss_rate == realised.rate
    assert chosen.failing_builds == realised.builds
    assert chosen.remark == (
        "at most 60% of the failing builds slip through; "
        f"{per_cent(realised.rate)} did on the {realised.builds} past failing builds"
    )


def test_other_targets_say_what_slips_through():
    """
    Whatever the target, the answer says how many failing builds such a subset would have missed.
    """
    candidates = plain([0.5, 0.3, 0.1, 0.1])

    some = select(candidates, Budget(seconds=1), table=TABLE)
    everything = select(candidates, Budget(seconds=4), table=TABLE)
    unmeasured = select(candidates, Budget(seconds=1), table=TABLE, project="nobody")

    assert some.expected_miss_rate == pytest.approx(0.5)
    assert some.failing_builds == 200
    assert everything.expected_miss_rate == 0.0
    assert unmeasured.expected_miss_rate is None


def test_a_time_target_needs_no_table():
    """
    A budget can be kept without measured recall; then recall is unknown, not invented.
    """
    chosen = select(plain([0.5, 0.1]), Budget(seconds=1), table=None)

    assert chosen.selected_tests == ["t0"]
    assert chosen.expected_recall is None


@pytest.mark.parametrize(
    ("changed", "history", "loaded", "said"),
    [
        (["src/a.py"], 50, True, ""),
        (["src/a.py"], 50, False, "no model is loaded"),
        (["src/a.py"], 4, True, "4 test reports, 20 are needed"),
        ([], 50, True, "no changed files"),
        (["src/a.py", "web/package-lock.json"], 50, True, "package-lock.json changed, and depend"),
        ([".github/workflows/ci.yml"], 50, True, "the definition of the CI"),
        (["CMakeLists.txt"], 50, True, "the definition of the build"),
    ],
)
def test_when_everything_runs(changed, history, loaded, said):
    """
    Everything runs without a model, with thin history, or when the change decides everything.
    """
    reason = reason_to_run_all(changed, history=history, needed=20, model_loaded=loaded)

    assert said in reason
    assert bool(said) == bool(reason)


@pytest.mark.parametrize(
    "target",
    [
        Confidence(recall=0.0),
        Confidence(recall=1.01),
        Confidence(recall=np.nan),
        MissRate(rate=0.0),
        MissRate(rate=1.0),
        MissRate(rate=np.nan),
        TimeShare(share=-0.1),
        Budget(seconds=-1.0),
        Budget(seconds=np.inf),
    ],
)
def test_an_odd_target_is_refused(target):
    """
    A target outside its range is the caller's mistake, and the value is in the message.
    """
    with pytest.raises(InvalidInput, match="target"):
        select(plain([0.5]), target, table=TABLE)


def test_no_tests_are_no_error():
    """
    Without candidates there is nothing to select and nothing to fail on.
    """
    chosen = select(plain([]), Confidence(recall=0.9), table=TABLE)

    assert (chosen.selected_tests, chosen.skipped_tests, chosen.saved_share) == ([], [], 0.0)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"new": np.array([True])}, Cause.NEW),
        ({"failed_runs_ago": np.array([1.0])}, Cause.FAILED_RECENTLY),
        ({"failed_runs_ago": np.array([9.0])}, Cause.LEFT_OUT),
        ({"names": ["smoke/x"]}, Cause.MUST_RUN),
        ({"probability": np.array([np.nan])}, Cause.UNKNOWN),
    ],
)
def test_causes(change, cause):
    """
    Each rule that keeps a test in is named as its cause.
    """
    rest = plain([0.2, 0.9])
    columns = {
        name: [*change.get(name, getattr(rest, name)[:1]), getattr(rest, name)[1]]
        for name in ("names", "probability", "expected_s", "new", "failed_runs_ago")
    }
    arrays = {name: np.array(v) if name != "names" else v for name, v in columns.items()}

    chosen = select(Candidates(**arrays), Budget(seconds=0), table=TABLE, must_run=["smoke/*"])

    assert chosen.causes[0] == cause


def simulated(rng, n, sharpness):
    chance = rng.beta(0.3, 4, n)
    failed = rng.random(n) < chance
    said = 1 / (1 + np.exp(-(np.log(chance / (1 - chance)) * sharpness + rng.normal(0, 0.7, n))))
    return PastBuild(probability=said, failed=failed)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 2.0])
def test_measured_recall_holds_on_new_builds(sharpness):
    """
    Whether the model is too sure or not sure enough, the recall promised is realised.
    """
    rng = np.random.default_rng(5)
    table = RecallTable.measure(simulated(rng, 80, sharpness) for _ in range(400))
    claim = table.claim_for(0.9)
    realised, saved = [], []
    for _ in range(400):
        build = simulated(rng, 80, sharpness)
        if build.failed.any():
            chosen = select(plain(build.probability), Confidence(recall=0.9), table=table)
            realised.append(build.failed[chosen.selected].sum() / build.failed.sum())
            saved.append(chosen.saved_share)

    assert claim < 1
    assert np.mean(realised) >= 0.88
    assert np.mean(saved) > 0.05


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 2.0])
def test_a_stated_rate_is_kept_on_new_builds(sharpness):
    """
    Whether the model is too sure or not sure enough, few failing builds go through, and time
    is saved.
    """
    rng = np.random.default_rng(7)
    table = RecallTable.measure(simulated(rng, 80, sharpness) for _ in range(400))
    missed, saved = [], []
    for _ in range(400):
        build = simulated(rng, 80, sharpness)
        if build.failed.any():
            chosen = select(plain(build.probability), MissRate(rate=0.1), table=table)
            missed.append(not build.failed[chosen.selected].any())
            saved.append(chosen.saved_share)

    assert np.mean(missed) <= 0.1
    assert np.mean(saved) > 0.5


def test_flaky_failures_teach_no_recall():
    """
    A failure known to be flaky need not be caught: it counts neither as caught nor as missed.
    """
    flaky = PastBuild(
        probability=np.array([0.9, 0.1]),
        failed=np.array([True, True]),
        flaky=np.array([False, True]),
    )
    only = PastBuild(
        probability=np.array([0.9, 0.1]), failed=np.array([False, True]), flaky=np.array([0, 1]) > 0
    )
    table = RecallTable.measure([flaky, only] * 10)

    assert table.builds == 10
    assert table.misses.builds("") == 10
    assert table.recall[GRID.searchsorted(0.5)] == 1.0


@given(st.integers(0, 1000))
def test_recall_grows_with_the_claim(seed):
    """
    A larger claim never catches less, and everything catches all.
    """
    rng = np.random.default_rng(seed)
    builds = [simulated(rng, int(rng.integers(1, 20)), 1.0) for _ in range(5)]
    table = RecallTable.measure(builds)

    assert (np.diff(table.recall) >= 0).all()
    assert table.recall[-1] == (1.0 if table.builds else 0.0)


def test_a_table_survives_its_manifest():
    """
    What is measured in training is what serving reads.
    """
    table = RecallTable.measure([simulated(np.random.default_rng(1), 50, 1.0)])
    read = RecallTable.from_manifest(manifest(calibration=table.to_calibration()))

    np.testing.assert_array_equal(table.claim, read.claim)
    np.testing.assert_array_equal(table.recall, read.recall)
    assert table.builds == read.builds
    assert table.misses.builds("") == read.misses.builds("") == 1
    assert RecallTable.from_manifest(manifest()) is None


def test_certain_zeros_do_not_promise_everything():
    """
    Leaving out tests that the model gives no chance at all is not called full recall.
    """
    past = [
        PastBuild(probability=np.array([0.9, 0.0]), failed=np.array([i % 2 == 0, i % 2 == 1]))
        for i in range(100)
    ]
    table = RecallTable.measure(past)

    chosen = select(plain([0.9, 0.0]), Budget(seconds=1), table=table)

    assert chosen.selected_tests == ["t0"]
    assert chosen.expected_recall == pytest.approx(0.5, abs=0.01)
