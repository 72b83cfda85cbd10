"""A simulated pipeline: which jobs a change sets off, and what comes of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from devmind.ci import BuildOutcome, BuildStatus, FinishedBuild, Job
from devmind.simulate.chance import happens
from devmind.simulate.jobs import SET_UP, Machine, Work, cancelled, skipped
from devmind.simulate.plan import Plan
from devmind.simulate.steps import Request, Steps
from devmind.simulate.testing import Tested, run_tests
from devmind.simulate.truth import Cause, ProjectTruth, SimulatedBuild
from devmind.simulate.world import E2E_REPORT, UNIT_REPORTS

CI = "ci.yml"
NIGHTLY = "nightly.yml"

_JOB_OF = {"unit-1": "unit tests (1)", "unit-2": "unit tests (2)", "e2e": "e2e tests"}
_HANG_PROBABILITY = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """What machines and networks do to one job."""

    cause: Cause = Cause.NONE
    job: str = ""


class Pipeline:
    """Runs the builds of a project.

    Args:
        truth: The project.
        rng: Where chance comes from.
    """

    def __init__(self, truth: ProjectTruth, rng: Random) -> None:
        self._truth = truth
        self._rng = rng
        self._machine = Machine(rng)
        self._steps = Steps(truth, rng)

    def run(self, request: Request) -> SimulatedBuild:
        """Run a build."""
        tested: list[Tested] = []
        trouble = self._trouble(request)
        jobs = self._jobs(request, trouble, tested)
        cut = request.superseded_at
        if cut is not None and _is_running(jobs, cut):
            return _built(request, cancelled(jobs, cut), tested, Cause.SUPERSEDED)
        return _built(request, jobs, tested, _cause(request, jobs, tested, trouble))

    def _jobs(self, request: Request, trouble: _Trouble, tested: list[Tested]) -> tuple[Job, ...]:
        now = request.build.queued_at
        plan = Plan.of(request.build)
        lint = self._run("lint", request, trouble, now, self._steps.linting(request))
        docs = self._run("docs", request, trouble, now, [Work(name="Build pages", seconds=35)])
        build = self._run("build", request, trouble, now, self._steps.building(request))
        then = build.finished_at or now
        jobs = [lint, docs if plan.docs else skipped("docs", now)]
        jobs.append(build if plan.tests else skipped("build", now))
        for report in (*UNIT_REPORTS, E2E_REPORT):
            wanted = plan.tests and (plan.e2e or report != E2E_REPORT)
            if wanted and build.status is BuildStatus.PASSED:
                jobs.append(self._testing(request, trouble, then, report, tested))
            else:
                jobs.append(skipped(_JOB_OF[report], then if plan.tests else now))
        if plan.deploys:
            jobs.append(self._deploy(request, trouble, jobs))
        return tuple(jobs)

    def _run(
        self,
        name: str,
        request: Request,
        trouble: _Trouble,
        ready_at: datetime,
        own: list[Work],
    ) -> Job:
        works = [*self._steps.before(request), *own, *self._steps.after(request)]
        if trouble.job == name:
            works = list(self._hit(works, trouble.cause))
        return self._machine.run(name, works, ready_at=ready_at)

    def _testing(
        self,
        request: Request,
        trouble: _Trouble,
        ready_at: datetime,
        report: str,
        tested: list[Tested],
    ) -> Job:
        result = run_tests(
            self._rng,
            request.tests,
            report=report,
            broken=frozenset(name for one in request.breakages for name in one.tests),
            age=request.age,
            retries=self._truth.habits.retries,
        )
        works = [
            Work(name=self._truth.stack.run_tests, seconds=result.duration_s, fails=result.failed),
            Work(name="Upload report", seconds=2),
        ]
        job = self._run(_JOB_OF[report], request, trouble, ready_at, works)
        if trouble.job != job.name and not any(
            one.cause is Cause.INSTALL for one in request.breakages
        ):
            tested.append(result)
        return job

    def _deploy(self, request: Request, trouble: _Trouble, jobs: list[Job]) -> Job:
        end = _end(tuple(jobs))
        if any(job.status is BuildStatus.FAILED for job in jobs):
            return skipped("deploy", end)
        return self._run("deploy", request, trouble, end, [Work(name="Deploy", seconds=30)])

    def _trouble(self, request: Request) -> _Trouble:
        jobs = ("lint", *_JOB_OF.values()) if Plan.of(request.build).tests else ("lint",)
        victim = self._rng.choice(jobs)
        if happens(self._rng, self._truth.habits.infrastructure_rate):
            return _Trouble(cause=Cause.INFRASTRUCTURE, job=victim)
        if victim != "lint" and happens(self._rng, _HANG_PROBABILITY):
            return _Trouble(cause=Cause.HANG, job=victim)
        return _Trouble()

    def _hit(self, works: list[Work], cause: Cause) -> Iterator[Work]:
        """Yield *works* with one of them struck: the machine, the network, or the tests hang."""
        struck = SET_UP if happens(self._rng, 0.4) else self._truth.stack.install
        seconds = self._rng.uniform(20, 200)
        if cause is Cause.HANG:
            struck, seconds = self._truth.stack.run_tests, 3600.0
        for work in works:
            hit = work.name == struck
            yield Work(name=work.name, seconds=seconds, fails=True) if hit else work


def _is_running(jobs: Collection[Job], at: datetime) -> bool:
    return at < _end(jobs) and any(job.started_at and job.started_at < at for job in jobs)


def _end(jobs: Collection[Job]) -> datetime:
    return max(job.finished_at for job in jobs if job.finished_at)


def _built(
    request: Request, jobs: tuple[Job, ...], tested: list[Tested], cause: Cause
) -> SimulatedBuild:
    superseded = cause is Cause.SUPERSEDED
    done = {job.name for job in jobs if job.status in (BuildStatus.PASSED, BuildStatus.FAILED)}
    kept = [one for one in tested if _JOB_OF[one.report.name] in done]
    failed = any(job.status is BuildStatus.FAILED for job in jobs)
    status = BuildStatus.FAILED if failed else BuildStatus.PASSED
    outcome = BuildOutcome(
        status=BuildStatus.CANCELED if superseded else status,
        started_at=min(job.started_at for job in jobs if job.started_at),
        finished_at=_end(jobs),
        jobs=jobs,
    )
    return SimulatedBuild(
        finished=FinishedBuild(
            build=request.build,
            outcome=outcome,
            reports=tuple(sorted((one.report for one in kept), key=lambda report: report.name)),
        ),
        cause=cause,
        broken=frozenset(name for one in kept for name in one.broken),
        flaked=frozenset(name for one in kept for name in one.flaked),
    )


def _cause(
    request: Request, jobs: tuple[Job, ...], tested: list[Tested], trouble: _Trouble
) -> Cause:
    """Return why a build failed: what a developer must mend comes before what a rerun mends."""
    if not any(job.status is BuildStatus.FAILED for job in jobs):
        return Cause.NONE
    causes = {one.cause for one in request.breakages} - {Cause.TESTS}
    for cause in (Cause.INSTALL, Cause.COMPILE, Cause.LINT):
        if cause in causes and _shows(cause, jobs):
            return cause
    if any(one.broken for one in tested):
        return Cause.TESTS
    return trouble.cause if trouble.cause is not Cause.NONE else Cause.FLAKY


def _shows(cause: Cause, jobs: tuple[Job, ...]) -> bool:
    """Whether a job ran that *cause* makes fail; a docs-only change builds nothing."""
    if cause is Cause.COMPILE:
        return any(job.name == "build" and job.status is BuildStatus.FAILED for job in jobs)
    return True
