import subprocess
from datetime import datetime

import pytest

from devmind.ci import ChangedFile, FileChange
from devmind.errors import InvalidInput, UnreadableSource
from devmind.readers.git import change_between, current_change, read_changes
from devmind.readers.git_program import Git

WHO = ("-c", "user.name=Ünï Çødé", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


class Repository:
    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments, at=None):
        when = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at} if at else {}
        command = ["git", *WHO, *arguments]
        environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(self.path), **when}
        result = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, check=True
        )
        return result.stdout.decode().strip()

    def commit(self, message, files=None, at=None):
        for name, contents in (files or {}).items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message, at=at)
        return self.git("rev-parse", "HEAD")


@pytest.fixture(name="repo")
def _repo(tmp_path):
    return Repository(tmp_path / "repo")


def clone(repo, path, *options):
    source = f"file://{repo.path}"
    subprocess.run(["git", "clone", "-q", *options, source, str(path)], check=True)
    return path


def test_commits_with_their_files(repo):
    """
    Commits come newest first, with author, whole message, and every file with its lines.
    """
    first = repo.commit("Add\n\nwith a body", {"a.py": b"1\n2\n", "gone.py": b"x\n"})
    (repo.path / "gone.py").unlink()
    second = repo.commit("Change", {"a.py": b"1\n3\n4\n"})

    changes = list(read_changes(repo.path))

    assert [second, first] == [change.commit for change in changes]
    assert [change.message for change in changes] == ["Change", "Add\n\nwith a body"]
    assert {"Ünï Çødé"} == {change.author for change in changes}
    assert changes[0].files == (
        ChangedFile(path="a.py", lines_added=2, lines_deleted=1),
        ChangedFile(path="gone.py", lines_deleted=1, kind=FileChange.DELETED),
    )


def test_paths_that_git_would_quote(repo):
    """
    Spaces, quotes, tabs, line breaks, other scripts and other encodings come through.
    """
    names = ["a b.txt", 'c"d.txt', "tab\there/x", "line\nbreak", "日本語.md", "=> {x}"]
    repo.commit("odd", dict.fromkeys(names, b"1\n"))
    (repo.path / b"lat\xe9.txt".decode("utf-8", "surrogateescape")).write_bytes(b"1\n")
    repo.commit("latin")

    latin, odd = read_changes(repo.path)

    assert set(names) == {file.path for file in odd.files}
    assert [file.path for file in latin.files] == ["lat\\xe9.txt"]


def test_renames(repo):
    """
    A renamed file has its new path, and only the lines that changed.
    """
    repo.commit("one", {"old name.py": b"".join(b"%d\n" % i for i in range(30))})
    repo.git("mv", "old name.py", "new name.py")
    with (repo.path / "new name.py").open("ab") as file:
        file.write(b"more\n")
    repo.commit("two")

    change = next(read_changes(repo.path))

    assert change.files == (
        ChangedFile(path="new name.py", lines_added=1, kind=FileChange.RENAMED),
    )


def test_binary_files_and_modes(repo):
    """
    A binary file has no lines, and a changed mode is a modification.
    """
    repo.commit("one", {"a.bin": b"\0\1\2", "run.sh": b"x\n"})
    (repo.path / "run.sh").chmod(0o755)
    repo.commit("two", {"a.bin": b"\0\1\2\3"})

    change = next(read_changes(repo.path))

    assert change.files == (ChangedFile(path="a.bin"), ChangedFile(path="run.sh"))


def test_a_merge_brings_what_its_branch_brought(repo):
    """
    A merge commit is compared with its first parent.
    """
    repo.commit("base", {"a": b"1\n"})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("topic", {"topic": b"1\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("main", {"main": b"1\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")

    changes = {change.message: change for change in read_changes(repo.path)}

    assert len(changes) == 4
    assert [file.path for file in changes["Merge topic"].files] == ["topic"]


def test_commits_without_files_or_message(repo):
    """
    Empty commits and empty messages do not confuse the commits around them.
    """
    repo.commit("one", {"a": b"1\n"})
    repo.commit("")
    repo.commit("a" * 40)
    repo.commit("last", {"b": b"1\n"})

    changes = list(read_changes(repo.path))

    assert [change.message for change in changes] == ["last", "a" * 40, "", "one"]
    assert [len(change.files) for change in changes] == [1, 0, 0, 1]


def test_limit_and_since(repo):
    """
    Limit and since take the newest commits only.
    """
    repo.commit("old", {"a": b"1\n"}, at="2020-01-01T00:00:00Z")
    repo.commit("new", {"a": b"2\n"}, at="2024-01-01T00:00:00Z")
    since = datetime.fromisoformat("2023-01-01T00:00:00+00:00")

    assert [change.message for change in read_changes(repo.path, limit=1)] == ["new"]
    assert [change.message for change in read_changes(repo.path, since=since)] == ["new"]
    assert list(read_changes(repo.path, limit=0)) == []
    with pytest.raises(InvalidInput, match="limit"):
        read_changes(repo.path, limit=-1)


def test_a_subfolder_and_a_bare_clone_are_repositories(repo, tmp_path):
    """
    A folder within a repository and a bare clone are read like the repository.
    """
    repo.commit("one", {"sub/a": b"1\n"})
    bare = clone(repo, tmp_path / "bare.git", "--bare")

    assert [f.path for c in read_changes(repo.path / "sub") for f in c.files] == ["sub/a"]
    assert len(list(read_changes(bare))) == 1


def test_a_shallow_clone_says_what_to_do(repo, tmp_path):
    """
    A shallow clone is refused with the setting that mends it; all but the files can be told.
    """
    repo.commit("one", {"a": b"1\n"})
    head = repo.commit("two", {"a": b"2\n"})
    shallow = clone(repo, tmp_path / "shallow", "--depth", "1")

    for question in (read_changes, current_change):
        with pytest.raises(UnreadableSource, match=r"shallow clone.*fetch-depth: 0"):
            question(shallow)
    with pytest.raises(UnreadableSource, match="fetch-depth: 0"):
        change_between(shallow, "v1.0")
    assert (head, "two", "main") == (
        (change := current_change(shallow, files=False)).commit,
        change.message,
        change.branch,
    )


def test_a_clone_two_deep_knows_its_newest_change(repo, tmp_path):
    """
    With the commit before it in the clone, the newest change is known.
    """
    repo.commit("one", {"a": b"1\n"})
    repo.commit("two", {"b": b"1\n"})
    repo.commit("three", {"c": b"1\n"})
    shallow = clone(repo, tmp_path / "shallow", "--depth", "2")

    assert [file.path for file in current_change(shallow).files] == ["c"]


def test_what_is_no_repository_says_so(tmp_path):
    """
    A folder that is no repository, one without commits, and none at all each say which.
    """
    (tmp_path / "plain").mkdir()
    empty = Repository(tmp_path / "empty").path

    with pytest.raises(UnreadableSource, match="not a git repository"):
        read_changes(tmp_path / "plain")
    with pytest.raises(UnreadableSource, match="no commits yet"):
        read_changes(empty)
    with pytest.raises(UnreadableSource, match="no commits yet"):
        current_change(empty)
    with pytest.raises(UnreadableSource, match="no such folder"):
        read_changes(tmp_path / "nothing")


def test_missing_git_says_so(repo):
    """
    Without the program git, the message says to install it.
    """
    with pytest.raises(UnreadableSource, match="Install git"):
        Git(repo.path, program="no-such-git")


def test_change_between(repo):
    """
    The change between two branches is what the second changed since they parted.
    """
    repo.commit("base", {"a": b"1\n", "b": b"1\n"})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("one", {"a": b"2\n"})
    head = repo.commit("two", {"c": b"1\n2\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("elsewhere", {"b": b"2\n"})

    change = change_between(repo.path, "main", "topic")

    assert (head, "two", "main") == (change.commit, change.message, change.base)
    assert change.files == (
        ChangedFile(path="a", lines_added=1, lines_deleted=1),
        ChangedFile(path="c", lines_added=2, kind=FileChange.ADDED),
    )


@pytest.mark.parametrize("name", ["nowhere", "--output=x", "-p"])
def test_an_unknown_base_is_refused(repo, name):
    """
    A base that is no revision is refused, and never taken for an option of git.
    """
    repo.commit("one", {"a": b"1\n"})

    with pytest.raises(UnreadableSource, match="no branch, tag or commit"):
        change_between(repo.path, name)
    assert not (repo.path / "x").exists()


def test_histories_without_a_common_commit_are_refused(repo):
    """
    Two histories that never met have no change between them.
    """
    repo.commit("one", {"a": b"1\n"})
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit("two", {"b": b"1\n"})

    with pytest.raises(UnreadableSource, match="no commit in common"):
        change_between(repo.path, "main", "other")


def test_the_current_change_on_a_branch(repo):
    """
    On a branch it is the newest commit, or everything since it left its base.
    """
    repo.commit("base", {"a": b"1\n"})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("one", {"b": b"1\n"})
    repo.commit("two", {"c": b"1\n"})

    alone, against = current_change(repo.path), current_change(repo.path, base="main")

    assert (alone.branch, alone.base) == ("topic", "")
    assert [file.path for file in alone.files] == ["c"]
    assert (against.branch, against.base) == ("topic", "main")
    assert [file.path for file in against.files] == ["b", "c"]


def test_the_first_commit_of_all(repo):
    """
    The very first commit added all its files.
    """
    repo.commit("first", {"a": b"1\n"})

    assert tuple(file.kind for file in current_change(repo.path).files) == (FileChange.ADDED,)


def test_a_detached_checkout_asks_the_environment(repo, tmp_path):
    """
    Detached, as CI systems check out, branch and base come from the job's variables, and a base
    that is only known as origin's is found.
    """
    repo.commit("base", {"a": b"1\n"})
    repo.git("checkout", "-q", "-b", "topic")
    head = repo.commit("one", {"b": b"1\n"})
    checkout = clone(repo, tmp_path / "checkout", "-b", "topic")
    subprocess.run(["git", "-C", str(checkout), "checkout", "-q", "--detach"], check=True)
    variables = {"GITHUB_HEAD_REF": "topic", "GITHUB_BASE_REF": "main"}

    change = current_change(checkout, environment=variables)

    assert (head, "topic", "main") == (change.commit, change.branch, change.base)
    assert [file.path for file in change.files] == ["b"]


def test_the_merge_that_github_makes_to_test_is_seen_through(repo):
    """
    Of GitHub's own merge of a pull request into its base, the change is the pull request's.
    """
    base = repo.commit("base", {"a": b"1\n"})
    repo.git("checkout", "-q", "-b", "topic")
    head = repo.commit("Add b", {"b": b"1\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", f"Merge {head} into {base}", "topic")
    repo.git("checkout", "-q", "--detach")

    change = current_change(repo.path)

    assert (head, "Add b") == (change.commit, change.message)
    assert [file.path for file in change.files] == ["b"]


def test_a_log_may_be_left_early(repo):
    """
    Whoever needs one commit of thousands may stop, and git stops too.
    """
    for number in range(5):
        repo.commit(str(number), {f"{number}/{i}": b"1\n" for i in range(40)})

    changes = read_changes(repo.path)

    assert next(changes).message == "4"
    changes.close()
