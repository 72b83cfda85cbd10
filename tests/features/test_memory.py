import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import UnusableSnapshot
from features.build_state import BuildState
from features.frozen import pack, unpack
from features.recent import LIMIT, Recent, key
from features.verdict_state import TestState
from tests.factories import finished, queued, report, stored
from tests.features.asking import fold


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers())), st.integers(1, 4))
def test_recent_keeps_the_newest_keys(writes, limit):
    """
    What is remembered are the last written distinct keys, with their last values.
    """
    recent = Recent(limit=limit)
    for name, value in writes:
        recent.put(name, value)

    newest = list(dict.fromkeys(name for name, _ in reversed(writes)))[:limit]
    assert newest == list(recent)[::-1]
    assert [dict(writes)[name] for name in newest] == list(recent.newest_first())


def test_reading_does_not_save_a_key():
    """
    Only writing makes a key recent, so that readers cannot change what is forgotten.
    """
    recent = Recent(limit=2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)

    assert list(recent) == ["b", "c"]


def test_keys_are_bounded():
    """
    A path of 10,000 characters costs no more memory than its digest, and stays itself.
    """
    long = "x" * 10_000

    assert len(key("pipeline", long)) < 200
    assert key("pipeline", long) != key("pipeline", long + "y")


def test_a_project_with_endless_branches_is_forgotten_at_the_limit():
    """
    Memory by key ends at the documented limit, whatever a team calls its branches.
    """
    builds = [
        finished(queued(str(i), at_s=60.0 * i, branch=f"topic-{i}"), duration_s=30)
        for i in range(LIMIT + 10)
    ]
    state = fold(BuildState(), stored(builds))
    row = dict(zip(state.names, state.read(queued("n", at_s=1e6, branch="topic-0")), strict=True))
    late = queued("n", at_s=1e6, branch=f"topic-{LIMIT}")
    newer = dict(zip(state.names, state.read(late), strict=True))

    assert np.isnan(row["branch_last_s"])
    assert newer["branch_last_s"] == 30.0


def test_arrays_survive_freezing_with_type_and_shape():
    """
    Every kind of array comes back equal, writable and of the same type.
    """
    for dtype in (bool, np.int8, np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64):
        array = np.arange(6).astype(dtype).reshape(2, 3)
        back = unpack(pack([array]))[0]

        assert dtype == back.dtype
        assert back.flags.writeable
        np.testing.assert_array_equal(array, back)


def test_objects_are_never_frozen():
    """
    What is neither plain nor a plain array is refused, as nothing may be pickled.
    """
    for value in (object(), np.array([object()])):
        with pytest.raises(TypeError, match="cannot freeze"):
            pack(value)


def _body(kind):
    builds = [finished(queued(files=("a.py",)), reports=[report(a="failed", b="passed")])]
    return fold(kind(), stored(builds)).freeze()


@pytest.mark.parametrize("kind", [BuildState, TestState])
@pytest.mark.parametrize("cut", [0, 1, 10, 100, -1])
def test_a_truncated_snapshot_is_refused(kind, cut):
    """
    A half-written snapshot raises the error that says to fold the events again.
    """
    with pytest.raises(UnusableSnapshot, match="fold the events again"):
        kind.thaw(_body(kind)[:cut])


@pytest.mark.parametrize("kind", [BuildState, TestState])
def test_a_snapshot_of_other_code_is_refused(kind):
    """
    A state frozen under another name, as by code with other columns, is not thawed.
    """
    tree = unpack(_body(kind))
    with pytest.raises(UnusableSnapshot, match="frozen as 'build/0'"):
        kind.thaw(pack({**tree, "state": "build/0"}))


@pytest.mark.parametrize("kind", [BuildState, TestState])
def test_a_damaged_snapshot_is_refused(kind):
    """
    Bytes that are well-formed but not a state raise the same error, whatever is missing.
    """
    tree = unpack(_body(kind))
    for name in set(tree) - {"state", "as_of"}:
        with pytest.raises(UnusableSnapshot, match="damaged"):
            kind.thaw(pack({**tree, name: 7}))
        with pytest.raises(UnusableSnapshot, match="damaged"):
            kind.thaw(pack({k: v for k, v in tree.items() if k != name}))


def test_the_snapshots_of_the_two_states_are_not_mixed_up():
    """
    Each state says what it is, in `STATE` and in its bytes.
    """
    assert BuildState.STATE.startswith("build/")
    assert TestState.STATE.startswith("tests/")
    with pytest.raises(UnusableSnapshot):
        BuildState.thaw(_body(TestState))
