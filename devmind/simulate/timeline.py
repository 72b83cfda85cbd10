"""The history of a simulated project: branches, commits, merges, reruns and nightly builds."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from devmind.ci import Change, ChangedFile, FileChange, QueuedBuild
from devmind.simulate.branch import Branch
from devmind.simulate.chance import happens, make_rng
from devmind.simulate.commits import Breakage, Developer
from devmind.simulate.hours import night_after, working_time
from devmind.simulate.pipeline import CI, NIGHTLY, Pipeline
from devmind.simulate.steps import Request
from devmind.simulate.truth import Author, Cause, ProjectTruth, SimulatedBuild, SimulatedTest

MAIN = "main"

_MENDED_BY_DEVELOPERS = (Cause.TESTS, Cause.COMPILE, Cause.LINT, Cause.INSTALL)
_MENDED_BY_RERUN = (Cause.FLAKY, Cause.INFRASTRUCTURE, Cause.HANG)
_PATIENCE = 6


Action = Callable[[datetime], SimulatedBuild | None]


class Timeline:
    """Lets a project live, one event after the other.

    Args:
        truth: The project.
    """

    def __init__(self, truth: ProjectTruth) -> None:
        self._truth = truth
        self._rng = make_rng(f"{truth.seed}/timeline")
        self._developer = Developer(truth, self._rng)
        self._pipeline = Pipeline(truth, self._rng)
        self._unborn = set(truth.unborn)
        self._main: list[Breakage] = []
        self._main_lock = self._hash()
        self._main_tip = self._hash()
        self._cached = {self._main_lock}
        self._hotfix_open = False
        self._events: list[tuple[datetime, int, Action]] = []
        self._ticket = count()
        self._run_ids = count(10**9 * (1 + sum(map(ord, truth.name)) % 89))
        self._numbers = count(1)
        self._built = 0

    def builds(self) -> Iterator[SimulatedBuild]:
        """Yield the project's builds in the order in which they were queued."""
        for author in self._truth.authors:
            first = self._truth.start + timedelta(hours=self._rng.uniform(0, 30))
            self._at(working_time(self._rng, author, first), self._starts(author))
        self._at(self._truth.start + timedelta(hours=self._rng.uniform(5, 40)), self._starts(None))
        self._at(night_after(self._truth.start), self._nightly)
        while self._built < self._truth.builds:
            at, _, action = heapq.heappop(self._events)
            build = action(at.replace(microsecond=0))
            if build is not None:
                self._built += 1
                yield build

    def _at(self, at: datetime, action: Action) -> None:
        heapq.heappush(self._events, (at, next(self._ticket), action))

    def _later(self, branch: Branch, at: datetime, least_min: float, most_min: float) -> datetime:
        wish = at + timedelta(minutes=self._rng.uniform(least_min, most_min))
        return working_time(self._rng, branch.author, wish) if branch.author else wish

    def _starts(self, author: Author | None, *, hotfix: bool = False) -> Action:
        def start(at: datetime) -> SimulatedBuild | None:
            branch = self._branch(author, hotfix=hotfix)
            return self._commit(branch, at, repairs=hotfix)

        return start

    def _branch(self, author: Author | None, *, hotfix: bool) -> Branch:
        number = next(self._numbers)
        module = self._rng.choice(self._truth.modules)
        kind = "docs" if happens(self._rng, 0.13) else "feature"
        kind = "hotfix" if hotfix else "dependencies" if author is None else kind
        longer = kind == "feature"
        return Branch(
            name=f"{kind}/{module}-{number}",
            number=number,
            author=author,
            kind=kind,
            module=module,
            remaining=min(7, int(self._rng.expovariate(0.7))) if longer else 0,
            lock=self._main_lock,
        )

    def _commit(self, branch: Branch, at: datetime, *, repairs: bool) -> SimulatedBuild:
        wrong = branch.wrong(self._main)
        files = self._files(branch, wrong if repairs else [])
        branch.add(files)
        if repairs:
            branch.mend([one for one in wrong if self._developer.mends()])
        tests = self._tests(files)
        branch.own += self._developer.breakages(branch.author, files, tests)
        if self._truth.stack.lock in (file.path for file in files):
            branch.lock = self._hash()
        message = self._developer.message(branch.author, branch.module, repairs=repairs)
        build = QueuedBuild(
            project=self._truth.name,
            pipeline=CI,
            external_id=str(next(self._run_ids)),
            queued_at=at,
            trigger="pull_request",
            change=Change(
                commit=self._hash(),
                author=branch.login,
                branch=branch.name,
                base=MAIN,
                pull_request=str(branch.number),
                message=message,
                files=tuple(branch.files.values()),
            ),
        )
        return self._run(branch, build)

    def _files(self, branch: Branch, wrong: list[Breakage]) -> list[ChangedFile]:
        if wrong:
            return self._developer.repair(wrong)
        if branch.kind == "docs":
            return self._developer.documentation(branch.module)
        if branch.kind == "dependencies":
            return self._developer.dependencies()
        return self._developer.feature(branch.module, self._unborn)

    def _tests(self, files: list[ChangedFile]) -> tuple[SimulatedTest, ...]:
        """Return the tests there are, after *files* may have added some."""
        self._unborn.difference_update(f.path for f in files if f.kind is FileChange.ADDED)
        return tuple(one for one in self._truth.tests if not self._unborn & one.covers)

    def _run(self, branch: Branch, build: QueuedBuild) -> SimulatedBuild:
        superseded = build.attempt == 1 and branch.remaining > 0 and happens(self._rng, 0.1)
        wait_s = round(self._rng.uniform(45, 500))
        simulated = self._pipeline.run(
            Request(
                build=build,
                breakages=tuple(branch.wrong(self._main)),
                tests=self._tests([]),
                age=self._built / self._truth.builds,
                cold=self._is_cold(branch.lock),
                superseded_at=build.queued_at + timedelta(seconds=wait_s) if superseded else None,
            )
        )
        self._follow(branch, simulated)
        return simulated

    def _follow(self, branch: Branch, simulated: SimulatedBuild) -> None:
        """Let the author react to how a build of a branch ended."""
        end = simulated.finished.outcome.finished_at
        if simulated.cause is Cause.SUPERSEDED:
            branch.remaining -= 1
            self._at(end, self._commits(branch, repairs=False))
        elif simulated.cause in _MENDED_BY_DEVELOPERS:
            self._after_failure(branch, end)
        elif simulated.cause in _MENDED_BY_RERUN and happens(self._rng, 0.7):
            again = end + timedelta(minutes=self._rng.uniform(1, 20))
            self._at(again, self._reruns(branch, simulated.finished.build))
        elif branch.remaining > 0:
            branch.remaining -= 1
            self._at(self._later(branch, end, 20, 700), self._commits(branch, repairs=False))
        else:
            soon = (2, 25) if branch.kind == "hotfix" else (20, 1200)
            self._at(self._later(branch, end, *soon), self._merges(branch))

    def _after_failure(self, branch: Branch, end: datetime) -> None:
        branch.failures += 1
        mendable = bool(branch.own) or branch.kind == "hotfix"
        if branch.failures >= _PATIENCE or (mendable and happens(self._rng, 0.03)):
            self._at(self._later(branch, end, 5, 60), self._merges(branch))
        elif mendable:
            self._at(self._later(branch, end, 6, 100), self._commits(branch, repairs=True))
        else:
            branch.remaining = max(0, branch.remaining - 1)
            self._at(self._later(branch, end, 60, 300), self._commits(branch, repairs=False))

    def _commits(self, branch: Branch, *, repairs: bool) -> Action:
        return lambda at: self._commit(branch, at, repairs=repairs)

    def _reruns(self, branch: Branch, build: QueuedBuild) -> Action:
        again = replace(build, attempt=build.attempt + 1)
        return lambda at: self._run(branch, replace(again, queued_at=at))

    def _merges(self, branch: Branch) -> Action:
        return lambda at: self._merge(branch, at)

    def _merge(self, branch: Branch, at: datetime) -> SimulatedBuild:
        """Build main with a branch in it, which now and then does not get on with main."""
        self._main = [one for one in self._main if one not in branch.mended] + branch.own
        if branch.kind == "feature" and happens(self._rng, 0.12):
            files = list(branch.files.values())
            self._main += self._developer.breakages(branch.author, files, self._tests([]))
        self._hotfix_open = self._hotfix_open and branch.kind != "hotfix"
        if branch.lock != self._main_lock and self._truth.stack.lock in branch.files:
            self._main_lock = self._hash()
        self._main_tip = self._hash()
        message = f"Merge pull request #{branch.number} from {branch.name}"
        change = Change(
            commit=self._main_tip,
            author=branch.login,
            branch=MAIN,
            message=message,
            files=tuple(branch.files.values()),
        )
        simulated = self._on_main(CI, "push", change, at)
        end = simulated.finished.outcome.finished_at
        if simulated.cause in _MENDED_BY_DEVELOPERS and not self._hotfix_open:
            self._hotfix_open = True
            author = branch.author or self._truth.authors[0]
            soon = end + timedelta(minutes=self._rng.uniform(4, 50))
            self._at(working_time(self._rng, author, soon), self._starts(author, hotfix=True))
        if branch.kind != "hotfix":
            minutes = (1500.0, 6000.0) if branch.author is None else (60.0, 4000.0)
            self._at(self._later(branch, end, *minutes), self._starts(branch.author))
        return simulated

    def _nightly(self, at: datetime) -> SimulatedBuild:
        self._at(night_after(at), self._nightly)
        author = self._truth.authors[0].login
        change = Change(commit=self._main_tip, author=author, branch=MAIN, message="Nightly")
        return self._on_main(NIGHTLY, "schedule", change, at)

    def _on_main(self, pipeline: str, trigger: str, change: Change, at: datetime) -> SimulatedBuild:
        build = QueuedBuild(
            project=self._truth.name,
            pipeline=pipeline,
            external_id=str(next(self._run_ids)),
            queued_at=at,
            trigger=trigger,
            change=change,
        )
        return self._pipeline.run(
            Request(
                build=build,
                breakages=tuple(self._main),
                tests=self._tests([]),
                age=self._built / self._truth.builds,
                cold=self._is_cold(self._main_lock),
            )
        )

    def _is_cold(self, lock: str) -> bool:
        cold = lock not in self._cached
        self._cached.add(lock)
        return cold

    def _hash(self) -> str:
        return f"{self._rng.getrandbits(160):040x}"
