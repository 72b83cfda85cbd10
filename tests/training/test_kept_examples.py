"""Kept examples say what one pass over the whole history says, whatever happened in between."""

import socket
import subprocess
import sys
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import dataset
from structlog.testing import capture_logs

from devmind.errors import FolderUnwritable, InvalidInput
from devmind.events import Finished, Queued, in_order_of_time
from devmind.readers import open_source
from history.load import load
from history.open import open_history
from tests.conftest import ROOT
from tests.factories import finished, queued, report
from tests.features.histories import told_events
from tests.training.builders import examples
from tests.training.kept import assert_same, in_one_pass, of_project, shards_of, up_to_date
from training import example_shards, kept_examples, replay_project, replay_slices
from training.example_store import ProjectFolder, locked
from training.examples import from_parquet
from training.replay_slices import Slice
from training.replayed_rows import newest

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


def history_of(url, project, *, builds=14, tests=4):
    """A project whose builds run a few tests; returns how many events it has."""
    told = []
    for number in range(builds):
        build = queued(str(number), at_s=86_400.0 * number, project=project, commit=f"c{number}")
        verdicts = {
            f"t{test}": "failed" if test == number % 7 else "passed" for test in range(tests)
        }
        done = finished(build, duration_s=600, reports=[report(**verdicts)])
        told += in_order_of_time([done])
    with open_history(url) as store:
        store.append(project, told)
    return len(told)


@pytest.fixture
def project(url):
    name = f"project {next(names)}"
    history_of(url, name)
    return name


def test_nothing_new_is_nothing_to_do(url, project, tmp_path):
    """
    A second run replays no slice and leaves every file as it was.
    """
    first, _, some = up_to_date(url, tmp_path, [project], kind="tests")
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "_lock"}

    again, _, none = up_to_date(url, tmp_path, [project], kind="tests")

    assert some > 0
    assert none == 0
    assert_same(again, first)
    assert files == {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "_lock"
    }


def test_a_build_that_was_running_gets_its_example_when_it_ends(url, tmp_path):
    """
    A build that was queued in one run and ended before the next one is learned from in the next.
    """
    name = f"project {next(names)}"
    slow = queued("slow", project=name)
    with open_history(url) as store:
        store.append(name, [Queued(build=slow)])
        history_of(url, name)
        before, _, _ = up_to_date(url, tmp_path, [name], kind="builds")
        end = finished(slow, duration_s=9_000).outcome
        store.append(name, [Finished(build_id=slow.build_id, outcome=end)])
    after, _, done = up_to_date(url, tmp_path, [name], kind="builds")

    assert 1 not in before.sequence
    assert after.sequence[0] == 1
    assert after.duration_s[0] == 9_000.0
    assert 2 <= done < len(replay_slices.slices_of(43))


@pytest.mark.parametrize("harm", ["missing", "truncated", "altered"])
def test_a_damaged_shard_is_replayed_and_named(url, project, tmp_path, harm):
    """
    A shard that is gone, cut short or altered is replayed again; a warning names it.
    """
    whole, _, _ = up_to_date(url, tmp_path, [project], kind="tests")
    shard = shards_of(tmp_path, project)[2]
    body = shard.read_bytes()
    if harm == "missing":
        shard.unlink()
    else:
        shard.write_bytes(body[:40] if harm == "truncated" else body[:-9] + b"x" + body[-8:])

    with capture_logs() as logs:
        mended, _, done = up_to_date(url, tmp_path, [project], kind="tests")

    assert done == 1
    assert_same(mended, whole)
    assert body == shard.read_bytes()
    assert str(shard) in {line.get("path") for line in logs if line["log_level"] == "warning"}


@pytest.mark.parametrize("file", ["_manifest.json", "_states/*.zst", "_commits/*"])
def test_other_damaged_files_cost_time_alone(url, project, tmp_path, file):
    """
    A damaged manifest, state or list of commits changes no row and no commit.
    """
    first, commits, _ = up_to_date(url, tmp_path, [project], kind="builds")
    for path in ProjectFolder(tmp_path, project).folder.glob(file):
        path.write_bytes(path.read_bytes()[:7])
    with open_history(url) as store:
        store.append(project, [Queued(build=queued("new", project=project, commit="new"))])

    again, now, _ = up_to_date(url, tmp_path, [project], kind="builds")

    assert_same(again, first)
    assert now[project] == commits[project] | {"new"}


def test_other_code_replays_everything(url, project, tmp_path, monkeypatch):
    """
    Examples of other features, or of other code, are not mixed with those of this code.
    """
    _, _, every = up_to_date(url, tmp_path, [project], kind="builds")
    monkeypatch.setattr(kept_examples, "code_version", lambda _: "another")

    _, _, done = up_to_date(url, tmp_path, [project], kind="builds")
    _, _, none = up_to_date(url, tmp_path, [project], kind="builds")

    assert (done, none) == (every, 0)


def test_another_history_replays_everything(url, project, tmp_path):
    """
    A database that was put back, or is another one with a project of the same name, is noticed.
    """
    up_to_date(url, tmp_path / "kept", [project], kind="builds")
    other = f"sqlite:///{tmp_path / 'other.db'}"
    history_of(other, project, builds=9)

    found, _, _ = up_to_date(other, tmp_path / "kept", [project], kind="builds")

    assert_same(found, in_one_pass(other, project, kind="builds"))


def test_only_the_newest_rows_are_read(url, project, tmp_path):
    """
    With a bound on rows the newest whole builds are read, from no more files than hold them.
    """
    every, _, _ = up_to_date(url, tmp_path, [project], kind="tests")
    few, _, _ = up_to_date(url, tmp_path, [project], kind="tests", max_rows=10)

    assert_same(few, newest(every, 10))
    assert 0 < len(few) <= 10


def test_other_tools_can_read_the_examples(url, project, tmp_path):
    """
    The folder is partitioned Parquet by project and month, as pyarrow, pandas or DuckDB read it.
    """
    every, _, _ = up_to_date(url, tmp_path, [project], kind="tests")

    table = dataset.dataset(tmp_path, partitioning="hive").to_table()

    assert len(every) == table.num_rows
    assert {"2026-01"} == set(table["month"].to_pylist())
    assert set(every.names) <= set(table.column_names)


@pytest.mark.parametrize(
    "file",
    ["month=2026-01/0000000040-0000000044-*.parquet", "_states/0000000044-*.zst", "_manifest.json"],
)
def test_a_full_disk_is_said_and_loses_nothing(url, project, tmp_path, file):
    """
    When the disk takes no more, the error names folder and setting, and what was kept is usable.
    """
    up_to_date(url, tmp_path, [project], kind="tests")
    new = finished(queued("new", project=project), reports=[report(t1="failed", t2="passed")])
    with open_history(url) as store:
        store.append(project, list(in_order_of_time([new])))
    folder = ProjectFolder(tmp_path, project)
    manifest = folder.manifest()
    folder.draft(file).symlink_to("/dev/full")

    with pytest.raises(FolderUnwritable, match="DEVMIND_EXAMPLES") as caught:
        up_to_date(url, tmp_path, [project], kind="tests")

    assert f"{tmp_path} cannot be written to (No space left on device)" in str(caught.value)
    assert list(tmp_path.rglob("*.draft")) == []
    assert manifest == folder.manifest()
    after, _, _ = up_to_date(url, tmp_path, [project], kind="tests")
    assert_same(after, in_one_pass(url, project, kind="tests"))


def test_a_project_of_too_many_tests_is_refused_with_advice(url, project, monkeypatch, tmp_path):
    """
    A project whose tests do not fit into a worker is left out; alone, it is refused with a number
    that would do.
    """
    other = f"project {next(names)}"
    history_of(url, other, tests=2)
    monkeypatch.setattr(kept_examples, "OF_A_TEST_BYTES", 400 * 2**20)

    left, _, _ = up_to_date(url, tmp_path, [project, other], kind="tests", memory_mb=1_200)
    with pytest.raises(InvalidInput, match="DEVMIND_REPLAY_MEMORY_MB allows 1200"):
        up_to_date(url, tmp_path, [project], kind="tests", memory_mb=1_200)

    assert left.projects == (other,)
    assert len(up_to_date(url, tmp_path, [project], kind="builds", memory_mb=300)[0]) > 0


def test_two_jobs_take_turns(tmp_path):
    """
    A second job waits for the first one, is told who has the folder, and gets it when that dies.
    """
    code = (
        "import sys, time; from pathlib import Path; from training.example_store import locked\n"
        "with locked(Path(sys.argv[1]), on_wait=print):\n print('mine', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "mine\n"
    owners = []

    def on_wait(owner):
        owners.append(owner)
        holder.kill()
        holder.wait()

    with locked(tmp_path, on_wait=on_wait):
        assert owners == [f"process {holder.pid} on {socket.gethostname()}"]


def test_a_duration_that_is_no_number_is_left_out(tmp_path):
    """
    A row without a finite duration is not learned from; NaN among features stays.
    """
    rows = examples(
        sequence=[1, 2, 3, 4],
        duration_s=[1.0, float("nan"), float("inf"), 2.0],
        rows=[[float("nan"), 1.0]] * 4,
    )
    with example_shards.ShardWriter(ProjectFolder(tmp_path, "shop"), Slice(start=0, end=4)) as to:
        to.add(rows)
        [file] = to.close()

    kept = from_parquet((tmp_path / "project=shop" / file.path).read_bytes(), "shard")
    assert (file.rows, to.left_out) == (2, 2)
    assert kept.sequence.tolist() == [1, 4]
    assert np.isnan(kept.rows[:, 0]).all()


@given(st.integers(1, 500), st.integers(1, 500))
def test_a_grown_history_keeps_its_older_cuts(short, more):
    """
    Slices follow each other without gaps, and each of a longer history starts where one of the
    shorter history starts, if the shorter one reaches that far.
    """
    slices, longer = replay_slices.slices_of(short), replay_slices.slices_of(short + more)

    assert [one.start for one in longer] == [0, *(one.end for one in longer[:-1])]
    assert longer[-1].end == short + more
    assert {one.start for one in longer if one.start < short} <= {one.start for one in slices}


def test_real_verdicts_survive_nights(ci_data, tmp_path, monkeypatch):
    """
    A real history kept in four nights is the one kept at once, and the one in one pass.
    """
    monkeypatch.setattr(replay_slices, "LARGEST", 64)
    monkeypatch.setattr(replay_project, "GROUP_ROWS", 500)
    monkeypatch.setattr(example_shards, "GROUP_ROWS", 500)
    url = f"sqlite:///{tmp_path / 'history.db'}"
    builds = list(open_source(ci_data / "iofrol" / "iofrol.csv").builds())[:24]
    quarter = len(builds) // 4
    with open_history(url) as store:
        for night in range(4):
            tonight = builds[night * quarter : (night + 1) * quarter]
            load(store, tonight, on_progress=lambda _: None)
            name = store.projects()[0].project
            found, _, _ = up_to_date(url, tmp_path / "kept", [name], kind="tests")

    assert_same(found, in_one_pass(url, name, kind="tests"))
