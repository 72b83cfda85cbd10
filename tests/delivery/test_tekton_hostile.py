"""Code under test writes to the checkout: what it leaves there runs nothing beside our secrets."""

import pytest

from tests.cli.service import selection
from tests.delivery.tekton import PATH, carry_out

KEY = "the-key"
SECRETS = {"DEVMIND_API_KEY": KEY}
SELECT = "/api/v1/test-intelligence/select"


@pytest.fixture(name="thief")
def _thief(tmp_path):
    """A program that notes the secrets it is started with."""
    path = tmp_path / "thief"
    path.write_text(f'#!/bin/sh\nprintf "started: %s" "$DEVMIND_API_KEY" > {tmp_path}/loot\n')
    path.chmod(0o755)
    return path


def signed(repository):
    """Give the newest commit a signature, so that git would have one to verify."""
    text = repository.git("cat-file", "commit", "HEAD")
    head, _, message = text.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    path = repository.folder / "commit"
    path.write_text(f"{head}\n{signature}\n\n{message}\n")
    made = repository.git("hash-object", "-t", "commit", "-w", "commit")
    repository.git("reset", "-q", made)
    path.unlink()


def configured(*pairs):
    def set_up(repository, thief):
        for name, value in pairs:
            repository.git("config", name, value.format(thief=thief))

    return set_up


def signature(repository, thief):
    signed(repository)
    configured(("log.showSignature", "true"), ("gpg.program", "{thief}"))(repository, thief)


def hooks(repository, thief):
    folder = repository.folder / ".git" / "hooks"
    folder.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "post-checkout"):
        (folder / name).symlink_to(thief)


def attributes(repository, thief):
    (repository.folder / ".git" / "info").mkdir(exist_ok=True)
    (repository.folder / ".git" / "info" / "attributes").write_text("* diff=a filter=a\n")
    configured(
        *((f"diff.a.{name}", "{thief}") for name in ("textconv", "command")),
        *((f"filter.a.{name}", "{thief}") for name in ("clean", "smudge", "process")),
    )(repository, thief)


def missing_object(repository, thief):
    """Leave out an object, and name a program that would fetch it."""
    configured(
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", "ext::{thief}"),
        ("protocol.ext.allow", "always"),
    )(repository, thief)
    name = repository.git("rev-parse", "HEAD^:web/cart.py")
    (repository.folder / ".git" / "objects" / name[:2] / name[2:]).unlink()


TRAPS = {
    "signature": signature,
    "hooks": hooks,
    "attributes": attributes,
    "missing object": missing_object,
    "monitor": configured(("core.fsmonitor", "{thief}")),
    "pager": configured(
        ("core.pager", "{thief}"), ("pager.log", "{thief}"), ("pager.diff", "true")
    ),
    "differences": configured(("diff.external", "{thief}")),
    "transport": configured(("core.sshCommand", "{thief}"), ("credential.helper", "!{thief}")),
}
STARTED = {"signature", "missing object"}
"""What starts a program where nothing is done against it."""


@pytest.mark.parametrize(
    "trap",
    [pytest.param(trap, marks=[] if trap in STARTED else [pytest.mark.thorough]) for trap in TRAPS],
)
@pytest.mark.parametrize("task", ["record", "report"])
def test_the_checkout_starts_no_program(service, repository, thief, task, trap):
    """
    No program that a checkout's configuration, attributes or hooks name is started by a Task.
    """
    TRAPS[trap](repository, thief)
    folder = repository.folder / ".devmind"
    folder.mkdir()
    (folder / "a.xml").write_text('<testsuite><testcase classname="a" name="b"/></testsuite>')
    ended = carry_out(
        f"devmind-{task}",
        repository.folder,
        service.url,
        secrets=SECRETS,
        **({"status": "Succeeded Succeeded"} if task == "report" else {}),
    )

    assert ended.code == 0
    assert service.requests
    assert not (thief.parent / "loot").exists()


def test_a_report_does_without_git(service, source, tmp_path):
    """
    After the tests have run git is not called at all: the Task has been told what is needed.
    """
    folder = tmp_path / "programs"
    folder.mkdir()
    git = folder / "git"
    git.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    git.chmod(0o755)
    place = {"path": f"{folder}:{PATH}"}
    carry_out("devmind-report", source, service.url, status="Failed", place=place)

    assert [r.path.rpartition("/")[2] for r in service.requests] == ["finish"]
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("name", ["tests.txt", "folder"])
def test_a_list_that_leads_to_our_secrets_is_none(service, source, name):
    """
    A link from the list of tests to the Task's own variables does not bring them into a list.
    """
    service.answers("POST", SELECT, lambda request: selection(request.json["all_tests"], []))
    if name == "folder":
        (source / ".devmind").symlink_to("/proc/self")
        ended = carry_out(
            "devmind-select", source, service.url, secrets=SECRETS, tests=".devmind/environ"
        )
    else:
        (source / ".devmind").mkdir()
        (source / ".devmind" / name).symlink_to("/proc/self/environ")
        ended = carry_out("devmind-select", source, service.url, secrets=SECRETS)

    assert (ended.code, ended.results["known"]) == (0, "false")
    assert service.requests == []
    assert not (source / ".devmind" / "selected.txt").exists()


def test_a_report_that_leads_to_our_secrets_says_nothing_of_them(service, source):
    """
    A link from a report to the Task's own variables is left out, and the log does not show them.
    """
    (source / ".devmind").mkdir()
    (source / ".devmind" / "a.xml").symlink_to("/proc/self/environ")
    ended = carry_out("devmind-report", source, service.url, secrets=SECRETS, status="Failed")

    assert [r.path.rpartition("/")[2] for r in service.requests] == ["finish"]
    assert KEY not in ended.out + ended.err
