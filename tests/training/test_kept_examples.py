"""Kept examples say what one pass over the whole history says, whatever happened in between."""

from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from history.open import open_history
from tests.features.histories import told_events
from tests.training.kept import assert_same, in_one_pass, of_project, up_to_date
from training import example_shards, replay_project, replay_slices
from training.example_store import ProjectFolder

FEW = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
names = count()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    found = f"sqlite:///{tmp_path_factory.mktemp('history') / 'history.db'}"
    open_history(found).close()
    return found


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch):
    monkeypatch.setattr(replay_slices, "LARGEST", 8)
    monkeypatch.setattr(replay_slices, "SMALLEST", 2)
    monkeypatch.setattr(replay_slices, "_STATES_KEPT", 1)
    monkeypatch.setattr(replay_slices, "_EVERY", 2)
    monkeypatch.setattr(replay_project, "GROUP_ROWS", 3)
    monkeypatch.setattr(example_shards, "GROUP_ROWS", 3)


@pytest.mark.parametrize("kind", ["builds", "tests"])
@FEW
@given(told=told_events(max_builds=9), data=st.data())
def test_nights_add_up_to_one_pass(url, tmp_path, kind, told, data):
    """
    Examples kept night by night are, every morning, those of one pass over all events so far;
    and in the end the files are those of a store that is made anew.
    """
    project = f"project {next(names)}"
    events = of_project(told, project)
    cuts = data.draw(st.lists(st.integers(1, len(events)), max_size=2, unique=True).map(sorted))
    root, afresh = tmp_path / project, tmp_path / f"{project} anew"
    start = 0
    with open_history(url) as store:
        for cut in [*cuts, len(events)]:
            store.append(project, events[start:cut])
            start = cut
            found, commits, _ = up_to_date(url, root, [project], kind=kind)
            assert_same(found, in_one_pass(url, project, kind=kind))
    anew, same_commits, _ = up_to_date(url, afresh, [project], kind=kind)

    assert_same(found, anew)
    assert commits == same_commits
    kept, made = (ProjectFolder(where, project).manifest() for where in (root, afresh))
    assert kept == made
    assert {file.relative_to(root) for file in root.rglob("*")} == {
        file.relative_to(afresh) for file in afresh.rglob("*")
    }
