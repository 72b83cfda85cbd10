import json
import shutil
from pathlib import Path

import pytest

from devmind.errors import InvalidInput, UnreadableSource
from devmind.readers import KINDS, open_source
from devmind.readers.records import Record

PROJECT = Path(__file__).parent.parent / "dialects" / "github" / "hello-world"
VERDICTS = "Id;Name;Duration;LastRun;Verdict;Cycle\n1;a;1;2024-02-01 10:00:00;0;1\n"


def test_a_folder_of_projects_is_one_history(tmp_path):
    """
    A folder with several projects is read as one, in order of time.
    """
    for name, year in (("one", "2024"), ("two", "2023")):
        folder = tmp_path / name
        shutil.copytree(PROJECT, folder)
        for page in (folder / "runs").glob("*.json"):
            text = page.read_text().replace("octo-org/hello-world", f"octo-org/{name}")
            page.write_text(text.replace("2024-0", f"{year}-0"))
        shutil.rmtree(folder / "jobs")

    source = open_source(tmp_path)
    builds = list(source.builds())

    times = [one.build.queued_at for one in builds]
    assert sorted(times) == times
    assert [b.build.project for b in builds] == ["octo-org/two"] * 4 + ["octo-org/one"] * 4
    assert (len(source.skipped), source.estimate) == (2, 10)


def test_reading_twice_gives_the_same():
    """
    A source can be read again, and what was skipped is not counted twice.
    """
    source = open_source(PROJECT)

    assert list(source.builds()) == list(source.builds())
    assert len(source.skipped) == 1


def test_one_project_name_for_several_sources_is_refused(tmp_path):
    """
    project= names one source, never several.
    """
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(VERDICTS)

    with pytest.raises(InvalidInput, match="2 sources"):
        open_source(tmp_path, project="mine")


def test_several_kinds_need_a_choice(tmp_path):
    """
    A folder with sources of several kinds is refused, until the kind is named.
    """
    (tmp_path / "a.csv").write_text(VERDICTS)
    shutil.copytree(PROJECT, tmp_path / "hello-world")

    with pytest.raises(UnreadableSource, match="github and verdicts"):
        open_source(tmp_path)
    assert len(list(open_source(tmp_path, kind="verdicts").builds())) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_read(tmp_path, kind):
    """
    A path that is not there is refused, for every kind.
    """
    with pytest.raises(UnreadableSource, match="no such file or folder"):
        open_source(tmp_path / "nothing", kind=kind)


def test_an_unknown_kind_is_refused(tmp_path):
    """
    A kind that does not exist is refused with those that do.
    """
    with pytest.raises(
        InvalidInput,
        match="github, github-steps, ghaminer, verdicts, lrts, lrts-stages, tekton, git",
    ):
        open_source(tmp_path, kind="travis")


def test_a_repository_is_not_a_history(tmp_path):
    """
    A git repository is told apart from a CI history.
    """
    (tmp_path / ".git").mkdir()

    with pytest.raises(UnreadableSource, match="changes, but no builds"):
        open_source(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04\xff\xfe", b"{", b"a,b\n1,2\n"])
@pytest.mark.parametrize("name", ["x.csv", "x.json"])
def test_a_file_of_another_kind_is_refused(tmp_path, name, contents):
    """
    Files of no known kind are refused, empty and binary ones included.
    """
    (tmp_path / name).write_bytes(contents)

    with pytest.raises(UnreadableSource):
        open_source(tmp_path / name)


@pytest.mark.parametrize("kind", ["github", "github-steps", "verdicts"])
@pytest.mark.parametrize("contents", [b"", b"\xff\xfe\x00", b"[1]", b'{"a": 1}', b"null"])
def test_a_kind_by_force_is_refused_as_clearly(tmp_path, kind, contents):
    """
    A file that is not of the kind it is said to be is refused with its name.
    """
    path = tmp_path / "file.txt"
    path.write_bytes(contents)

    with pytest.raises(UnreadableSource, match=r"file\.txt"):
        list(open_source(path, kind=kind).builds())


def test_text_that_no_database_keeps_is_replaced():
    """
    NUL and lone surrogates, which JSON can hold and PostgreSQL cannot, are replaced.
    """
    record = Record(json.loads(r'{"name": "a\u0000b\ud800c", "plain": "日本語"}'), "here")

    assert record.text("name") == "a\ufffdb?c"
    assert record.text("plain") == "日本語"
