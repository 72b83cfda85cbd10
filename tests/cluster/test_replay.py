"""History to examples on a real cluster: workers die, domain errors come through as themselves."""

from contextlib import suppress

import psutil
import pytest

from devmind.errors import FolderUnwritable
from devmind.readers import open_source
from history.load import load
from history.open import open_history
from tests.cluster.local_ray import local_ray
from tests.training.kept import assert_same, in_one_pass, up_to_date
from training.config import Workers
from training.example_store import ProjectFolder
from training.kept_examples import Replaying
from training.replay import replay_history

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

WORKERS = Workers(count=2, cpus_each=0.5)


@pytest.fixture(scope="module")
def cluster():
    with local_ray():
        yield


@pytest.fixture(scope="module")
def url(ci_data, tmp_path_factory):
    found = f"sqlite:///{tmp_path_factory.mktemp('history') / 'history.db'}"
    with open_history(found) as store:
        for source in ("iofrol/iofrol.csv", "dune/debian_11_gcc-10-20.csv"):
            load(store, open_source(ci_data / source).builds(), on_progress=lambda _: None)
    return found


def projects_in(url):
    with open_history(url) as store:
        return sorted(summary.project for summary in store.projects())


def killed_worker():
    """Kill one of this cluster's processes that is replaying; say whether there was one."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # others of its processes come and go
            if "FlatMap" in " ".join(process.cmdline()):
                process.kill()
                return True
    return False


def test_a_killed_worker_loses_no_row(cluster, url, tmp_path):
    """
    A worker killed between slices is replaced; rows and files are those of an undisturbed replay.
    """
    projects = projects_in(url)
    told, killed = [], []

    def on_progress(done, total):
        told.append((done, total))
        if not killed and done >= 1 and killed_worker():
            killed.append(done)

    replaying = Replaying(root=tmp_path / "kept", kind="tests", max_rows=10**9)
    found, commits = replay_history(
        url, projects, replaying, workers=WORKERS, on_progress=on_progress
    )
    alone, same_commits, slices = up_to_date(url, tmp_path / "alone", projects, kind="tests")

    assert killed
    assert told[-1] == (slices, slices)
    assert_same(found, alone)
    assert commits == same_commits
    for project in projects:
        kept, made = (
            ProjectFolder(tmp_path / where, project).manifest() for where in ("kept", "alone")
        )
        assert kept == made
        assert_same(found.where(found.project == project), in_one_pass(url, project, kind="tests"))


def test_what_a_worker_meets_reaches_the_caller(cluster, url, tmp_path, monkeypatch):
    """
    A worker that cannot write says so in one sentence, not in Ray's traceback.
    """
    root = tmp_path / "kept"
    root.mkdir()
    project = projects_in(url)[0]
    (root / ProjectFolder(root, project).folder.name).write_text("a file where a folder should be")
    replaying = Replaying(root=root, kind="builds", max_rows=10**9)

    with pytest.raises(FolderUnwritable, match="DEVMIND_EXAMPLES") as caught:
        replay_history(url, [project], replaying, workers=WORKERS, on_progress=lambda *_: None)

    assert "Traceback" not in str(caught.value)
