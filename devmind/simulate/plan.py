"""Which jobs a simulated change sets off, by the paths it touches."""

from __future__ import annotations

from dataclasses import dataclass

from devmind.ci import QueuedBuild
from devmind.paths import PathKind, decides_everything, kind
from devmind.simulate.names import WEB


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which jobs a build has, by the paths of its change."""

    tests: bool
    e2e: bool
    docs: bool
    deploys: bool

    @classmethod
    def of(cls, build: QueuedBuild) -> Plan:
        """Plan a build: a pull request runs what its paths ask for, everything else all."""
        paths = [file.path for file in build.change.files]
        everything = build.trigger != "pull_request" or any(map(decides_everything, paths))
        docs = [kind(path) is PathKind.DOC for path in paths]
        tests = build.trigger == "schedule" or not all(docs)
        return cls(
            tests=tests,
            e2e=tests and (everything or any(_is_web(path) for path in paths)),
            docs=any(docs),
            deploys=build.trigger == "push" and tests,
        )


def _is_web(path: str) -> bool:
    return path.startswith("e2e/") or WEB in path.split("/")
