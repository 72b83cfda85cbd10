import pytest

from devmind.ci import ChangedFile, FileChange
from devmind.cli.checkout import Checkout
from devmind.cli.describe import Given, describe
from devmind.errors import UnreadableSource
from tests.cli.conftest import Repository


def test_the_last_commit(repository):
    """
    By default the change is the last commit: its files with lines, kinds and renames.
    """
    repository.commit("Start", src__cart_py="a\nb\nc\nd\n", old="x\ny\nz\n", gone="1\n")
    repository.git("mv", "old", "new")
    (repository.folder / "gone").unlink()
    (repository.folder / "picture.bin").write_bytes(b"\0\1\2")
    head = repository.commit("Change", src__cart_py="a\nB\nc\nd\ne\n", src__名_py="q\n")

    checkout = Checkout(folder=repository.folder / "src")

    assert (checkout.commit(), checkout.branch(), checkout.author()) == (head, "main", "Ann")
    assert checkout.message() == "Change"
    assert set(checkout.changed_files()) == {
        ChangedFile(path="src/cart.py", lines_added=2, lines_deleted=1),
        ChangedFile(path="src/名.py", lines_added=1, kind=FileChange.ADDED),
        ChangedFile(path="new", kind=FileChange.RENAMED),
        ChangedFile(path="gone", lines_deleted=1, kind=FileChange.DELETED),
        ChangedFile(path="picture.bin", kind=FileChange.ADDED),
    }


def test_since_the_base(repository):
    """
    With a base, the change is what this branch did since they parted, not what the base did.
    """
    repository.commit("Start", one="1")
    repository.git("switch", "-q", "-c", "feature")
    repository.commit("Mine", two="2")
    repository.commit("Mine too", three="3")
    repository.git("switch", "-q", "main")
    repository.commit("Theirs", four="4")
    repository.git("switch", "-q", "feature")

    changed = Checkout(folder=repository.folder).changed_files(base="main")

    assert [file.path for file in changed] == ["three", "two"]


def test_the_first_commit_of_all(repository):
    """
    The first commit of a repository changes all its files.
    """
    repository.commit("Start", one="1")

    changed = Checkout(folder=repository.folder).changed_files()

    assert [(file.path, file.kind) for file in changed] == [("one", FileChange.ADDED)]


@pytest.fixture
def shallow(repository, tmp_path):
    repository.commit("Start", one="1")
    repository.commit("Second", two="2")
    clone = tmp_path / "shallow"
    url = f"file://{repository.folder}"
    repository.git("clone", "-q", "--depth", "1", url, str(clone))
    return Repository(clone)


def test_a_partial_clone_knows_its_files_by_name(repository, tmp_path):
    """
    Where contents were left out nothing is fetched: files are known, their lines are not.
    """
    repository.commit("Start", one="1\n", old="x\n")
    repository.git("mv", "old", "new")
    repository.commit("Second", one="2\n", two="2\n")
    repository.git("config", "uploadpack.allowFilter", "true")
    clone, url = tmp_path / "partial", f"file://{repository.folder}"
    repository.git("clone", "-q", "--filter=blob:none", url, str(clone))

    assert Checkout(folder=clone).changed_files() == (
        ChangedFile(path="new", kind=FileChange.ADDED),
        ChangedFile(path="old", kind=FileChange.DELETED),
        ChangedFile(path="one", kind=FileChange.MODIFIED),
        ChangedFile(path="two", kind=FileChange.ADDED),
    )


def test_git_is_not_told_our_secrets(repository, monkeypatch):
    """
    What is meant for this program alone is not in the environment of git.
    """
    monkeypatch.setenv("DEVMIND_API_KEY", "the-key")
    repository.commit("Start", one="1")
    repository.git("config", "alias.tell", "!env")

    assert "the-key" not in Checkout(folder=repository.folder)._tell("tell")


@pytest.mark.parametrize("base", [None, "origin/release"])
def test_a_shallow_clone_says_what_to_do(shallow, base):
    """
    A shallow clone is named as the reason, with the setting that fetches enough.
    """
    with pytest.raises(UnreadableSource, match=r"shallow clone.*fetch-depth: 0.*--changed"):
        Checkout(folder=shallow.folder).changed_files(base=base)


def test_a_shallow_clone_still_describes_the_build(shallow):
    """
    Without its files a build is still a build, and why they are unknown is kept.
    """
    described = describe(Given(project="shop/web"), env={}, folder=shallow.folder)

    assert described.change.files == ()
    assert described.change.message == "Second"
    assert "shallow clone" in str(described.unknown_files)


def test_an_unknown_base(repository):
    """
    A base that is not there is named.
    """
    repository.commit("Start", one="1")

    with pytest.raises(UnreadableSource, match="no revision 'origin/nowhere'"):
        Checkout(folder=repository.folder).changed_files(base="origin/nowhere")


def test_no_checkout(tmp_path):
    """
    Outside of a checkout only the files are missing; options say the rest.
    """
    described = describe(
        Given(project="shop/web", branch="main", changed=["a.py"]), env={}, folder=tmp_path
    )

    assert (described.project, described.change.branch) == ("shop/web", "main")
    assert described.change.files == (ChangedFile(path="a.py"),)
    assert described.unknown_files is None


def test_the_remote_names_the_project(repository):
    """
    The project is the remote's owner/name; without a remote, the folder's name.
    """
    repository.commit("Start", one="1")
    before = describe(Given(), env={}, folder=repository.folder).project
    repository.git("remote", "add", "origin", "git@git.example.org:shop/web.git")

    assert before == "checkout"
    assert describe(Given(), env={}, folder=repository.folder).project == "shop/web"


def test_options_win_over_ci_and_ci_over_git(repository):
    """
    What is given counts before what the CI system says, and that before git.
    """
    repository.commit("Start", one="1")
    env = {"GITLAB_CI": "1", "CI_PROJECT_PATH": "shop/web", "GITLAB_USER_LOGIN": "bob"}

    described = describe(Given(author="eve"), env=env, folder=repository.folder)

    assert (described.change.author, described.project) == ("eve", "shop/web")
    assert described.change.branch == "main"


def test_the_base_of_a_pull_request(repository, tmp_path):
    """
    In a pull request the change is compared with the branch it goes into.
    """
    repository.commit("Start", one="1")
    clone = tmp_path / "clone"
    repository.git("clone", "-q", str(repository.folder), str(clone))
    branch = Repository(clone)
    branch.git("switch", "-q", "-c", "feature")
    branch.commit("Mine", two="2")
    branch.commit("Mine too", three="3")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": "feature"}

    described = describe(Given(), env=env, folder=clone)

    assert [file.path for file in described.change.files] == ["three", "two"]
    assert described.change.base == "main"


def test_a_push_of_several_commits(repository):
    """
    A push changes everything since the commit that was there before.
    """
    before = repository.commit("Start", one="1")
    repository.commit("Mine", two="2")
    repository.commit("Mine too", three="3")
    env = {"GITLAB_CI": "1", "CI_COMMIT_BEFORE_SHA": before}

    described = describe(Given(), env=env, folder=repository.folder)

    assert [file.path for file in described.change.files] == ["three", "two"]
