"""What a path says about a file: test, documentation, configuration, dependency, CI, build."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath


class PathKind(StrEnum):
    """What role a file plays in a build."""

    SOURCE = "source"
    TEST = "test"
    DOC = "doc"
    CONFIG = "config"
    DEPENDENCY = "dependency"
    CI = "ci"
    BUILD = "build"


_DEPENDENCY = frozenset(
    "package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock"
    " poetry.lock uv.lock pdm.lock pipfile pipfile.lock pyproject.toml setup.py setup.cfg"
    " cargo.toml cargo.lock go.mod go.sum gemfile gemfile.lock composer.json composer.lock pom.xml"
    " build.gradle build.gradle.kts gradle.lockfile libs.versions.toml packages.lock.json"
    " mix.exs mix.lock pubspec.yaml pubspec.lock conanfile.txt conanfile.py vcpkg.json"
    " flake.lock".split()
)
_BUILD = frozenset(
    "makefile gnumakefile cmakelists.txt dockerfile containerfile docker-compose.yml compose.yaml"
    " docker-compose.yaml compose.yml build meson.build build.bazel workspace workspace.bazel"
    " module.bazel settings.gradle settings.gradle.kts gradle.properties justfile rakefile tox.ini"
    " noxfile.py configure.ac makefile.am build.xml webpack.config.js vite.config.ts".split()
)
_CI = re.compile(
    r"^(\.github/(workflows|actions)/|\.circleci/|\.buildkite/|\.tekton/|\.gitlab/ci)"
    r"|^(\.gitlab-ci\.yml|\.travis\.yml|jenkinsfile|azure-pipelines\.ya?ml|appveyor\.yml"
    r"|bitbucket-pipelines\.yml|\.cirrus\.yml)$"
)
_TEST = re.compile(
    r"(^|/)(tests?|spec|specs|__tests__|testing|e2e|src/test|it)/"
    r"|(^|/)(test_[^/]*|conftest|[^/]*[_.-](test|tests|spec|it))\.[a-z0-9]+$"
    r"|(^|/)[^/]*(tests?|testcase|it)\.(java|kt|scala|cs|groovy|swift)$"
)
_DOC = frozenset(".md .rst .adoc .txt .pdf .png .jpg .jpeg .gif .svg".split())
_CONFIG = frozenset(
    ".yml .yaml .toml .ini .cfg .conf .json .json5 .properties .xml .env .tf .tfvars".split()
)
_REQUIREMENTS = re.compile(r"^(requirements|constraints)[^/]*\.(txt|in)$")


def extension(path: str) -> str:
    """Return the extension in lower case with its dot, or the bare name of a file without one.

    Example:
        >>> extension("src/App.TSX"), extension("docker/Dockerfile"), extension(".gitignore")
        ('.tsx', 'Dockerfile', '.gitignore')
    """
    file = PurePosixPath(path)
    return file.suffix.lower() or file.name


def kind(path: str) -> PathKind:
    """Classify *path* by name alone; the first rule that fits wins.

    Example:
        >>> [str(kind(p)) for p in ("web/package-lock.json", "tests/test_cart.py", "README.md")]
        ['dependency', 'test', 'doc']
    """
    lower = path.lower()
    name = lower.rpartition("/")[2]
    if _CI.search(lower):
        return PathKind.CI
    if name in _DEPENDENCY or _REQUIREMENTS.match(name):
        return PathKind.DEPENDENCY
    if name in _BUILD or name.endswith((".cmake", ".mk", ".bzl")):
        return PathKind.BUILD
    if _TEST.search(lower):
        return PathKind.TEST
    return _by_extension(extension(lower))


def _by_extension(suffix: str) -> PathKind:
    if suffix in _DOC:
        return PathKind.DOC
    return PathKind.CONFIG if suffix in _CONFIG else PathKind.SOURCE


def decides_everything(path: str) -> bool:
    """Whether a change to *path* can break any test: dependencies, CI and build definitions."""
    return kind(path) in (PathKind.DEPENDENCY, PathKind.CI, PathKind.BUILD)
