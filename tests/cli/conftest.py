import os
import subprocess
from dataclasses import dataclass

import pytest

from devmind.cli import main
from tests.cli.service import Service

_OF_CI = ("GITHUB_", "GITLAB_", "CI", "JENKINS_", "TEKTON_", "DEVMIND_", "BUILD_", "JOB_", "GIT_")


@pytest.fixture
def service():
    running = Service()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch, tmp_path):
    """Every test starts outside of CI and of any checkout."""
    for name in list(os.environ):
        if name.startswith(_OF_CI):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)


@dataclass
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def devmind(service, capsys, monkeypatch):
    """Runs the command line in this process, against the service."""
    monkeypatch.setenv("DEVMIND_URL", service.url)

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        out, err = capsys.readouterr()
        return Ended(left.value.code or 0, out, err)

    return run


class Repository:
    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments):
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        command = ["git", "-C", str(self.folder), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message, **files):
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "checkout")
