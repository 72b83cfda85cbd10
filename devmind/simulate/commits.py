"""What developers change, and what breaks when they do."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from devmind.ci import ChangedFile, FileChange
from devmind.paths import PathKind, kind
from devmind.simulate.chance import happens
from devmind.simulate.names import BOT, TOPICS
from devmind.simulate.truth import Author, Cause, ProjectTruth, SimulatedTest, SourceFile

CI_FILE = ".github/workflows/ci.yml"

_SERIOUS = 0.035
_FIX_PROBABILITY = 0.6
_OTHER_CAUSES = ((0.14, Cause.COMPILE), (0.24, Cause.LINT))
_NOTICED_PROBABILITY = 0.6
_BAD_LOCK_PROBABILITY = 0.06
_BAD_DEPENDENCY_PROBABILITY = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """Something that is wrong until somebody mends it."""

    cause: Cause
    path: str
    tests: frozenset[str] = frozenset()


class Developer:
    """Changes files of a project, and breaks and mends what the truth says can break.

    Args:
        truth: The project.
        rng: Where chance comes from.
    """

    def __init__(self, truth: ProjectTruth, rng: Random) -> None:
        self._truth = truth
        self._rng = rng
        self._files = {file.path: file for file in truth.files}

    def feature(self, module: str, unborn: Collection[str]) -> list[ChangedFile]:
        """Return the files of a commit on a feature in *module*; it may add an unborn file."""
        rng = self._rng
        size = min(8, 1 + int(rng.expovariate(0.55)))
        near = [f for f in self._truth.files if f.module == module and f.path not in unborn]
        far = [f for f in self._truth.files if f.module != module and f.path not in unborn]
        picked = {rng.choice(near if happens(rng, 0.82) else far).path: None for _ in range(size)}
        changed = [self._edited(path) for path in picked]
        changed += [self._edited(path) for path in map(self._test_of, picked) if happens(rng, 0.4)]
        ready = sorted(path for path in unborn if self._files[path].module == module)
        if ready and happens(rng, 0.12):
            changed += [self._added(ready[0]), self._added(self._test_of(ready[0]))]
        return changed + self._beside(module)

    def documentation(self, module: str) -> list[ChangedFile]:
        """Return the files of a commit that only changes documentation."""
        name = f"docs/{module}.md"
        more = [self._edited("README.md")] if happens(self._rng, 0.3) else []
        renamed = FileChange.RENAMED if happens(self._rng, 0.1) else FileChange.MODIFIED
        return [self._edited(name, renamed), *more]

    def dependencies(self) -> list[ChangedFile]:
        """Return the files of a commit that updates a dependency."""
        stack = self._truth.stack
        return [
            self._edited(stack.lock, least=2),
            ChangedFile(path=stack.manifest, lines_added=1, lines_deleted=1),
        ]

    def repair(self, breakages: Collection[Breakage]) -> list[ChangedFile]:
        """Return the files of a commit that tries to mend *breakages*."""
        return [self._edited(path) for path in sorted({one.path for one in breakages})]

    def mends(self) -> bool:
        """Whether the next attempt to mend something succeeds."""
        return happens(self._rng, _FIX_PROBABILITY)

    def breakages(
        self,
        author: Author | None,
        files: Collection[ChangedFile],
        tests: Collection[SimulatedTest],
    ) -> list[Breakage]:
        """Return what a commit breaks.

        Args:
            author: Who wrote it; `None` for the bot.
            files: What it changes.
            tests: The tests there are: what none of them covers breaks unnoticed.
        """
        rate = (author.risk if author else 0.7) * self._truth.habits.break_rate
        found = []
        for file in files:
            source = self._files.get(file.path)
            if source is not None:
                found += self._of_source(source, file, rate, tests)
            elif kind(file.path) is PathKind.DEPENDENCY and file.path == self._truth.stack.lock:
                found += self._of_dependencies(file, tests)
            elif kind(file.path) is PathKind.CI and happens(self._rng, 0.15):
                found.append(Breakage(cause=Cause.INSTALL, path=file.path))
        return found

    def message(self, author: Author | None, module: str, *, repairs: bool) -> str:
        """Return a commit message."""
        if author is None:
            return f"Update {BOT.partition('-')[0]} of {module}"
        return f"Fix {module}" if repairs else f"Make {module} {self._rng.choice(TOPICS)}"

    def _of_source(
        self,
        source: SourceFile,
        file: ChangedFile,
        rate: float,
        tests: Collection[SimulatedTest],
    ) -> list[Breakage]:
        size = ((file.lines_added + file.lines_deleted) / 15) ** 0.6
        chance = 1 - math.exp(-_SERIOUS * rate * source.risk * size)
        if self._rng.random() >= chance:
            return []
        draw = self._rng.random()
        for below, cause in _OTHER_CAUSES:
            if draw < below:
                return [Breakage(cause=cause, path=source.path)]
        covering = [test.name for test in tests if source.path in test.covers]
        return self._failing(source.path, covering)

    def _of_dependencies(
        self, file: ChangedFile, tests: Collection[SimulatedTest]
    ) -> list[Breakage]:
        if happens(self._rng, _BAD_LOCK_PROBABILITY):
            return [Breakage(cause=Cause.INSTALL, path=file.path)]
        if not happens(self._rng, _BAD_DEPENDENCY_PROBABILITY):
            return []
        users = self._rng.choice(self._truth.dependencies)
        return self._failing(file.path, [test.name for test in tests if test.name in users])

    def _failing(self, path: str, covering: list[str]) -> list[Breakage]:
        if not covering:
            return []
        noticed = {name for name in covering if happens(self._rng, _NOTICED_PROBABILITY)}
        noticed = noticed or {self._rng.choice(covering)}
        return [Breakage(cause=Cause.TESTS, path=path, tests=frozenset(noticed))]

    def _beside(self, module: str) -> list[ChangedFile]:
        rng, found = self._rng, []
        if happens(rng, 0.06):
            found += self.dependencies()
        if happens(rng, 0.03):
            found.append(self._edited(CI_FILE))
        if happens(rng, 0.08):
            found.append(self._edited(f"config/{module}.yaml"))
        if happens(rng, 0.1):
            found.append(self._edited(f"docs/{module}.md"))
        return found

    def _edited(
        self, path: str, how: FileChange = FileChange.MODIFIED, least: int = 1
    ) -> ChangedFile:
        lines = least + int(math.exp(self._rng.gauss(2.2, 1.1)))
        gone = int(lines * self._rng.uniform(0, 0.9))
        return ChangedFile(path=path, lines_added=lines, lines_deleted=gone, kind=how)

    def _added(self, path: str) -> ChangedFile:
        lines = 10 + int(math.exp(self._rng.gauss(3.5, 0.6)))
        return ChangedFile(path=path, lines_added=lines, kind=FileChange.ADDED)

    def _test_of(self, path: str) -> str:
        source = self._files[path]
        subject = path.rpartition("/")[2].partition(".")[0]
        return self._truth.stack.test.format(m=source.module, s=subject)
