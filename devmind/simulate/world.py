"""Making the projects of a simulated company, before anything happens in them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from random import Random
from statistics import fmean

from devmind.simulate.chance import happens, make_rng
from devmind.simulate.names import (
    ASPECTS,
    CORE,
    LOGINS,
    MODULES,
    OWNER,
    PROJECTS,
    STACKS,
    SUBJECTS,
    WEB,
    Stack,
)
from devmind.simulate.truth import Author, Habits, ProjectTruth, SimulatedTest, SourceFile

UNIT_REPORTS = ("unit-1", "unit-2")
E2E_REPORT = "e2e"

_FILES_PER_MODULE = 6
_UNBORN_SHARE = 0.1
_FLAKY_TESTS = 5


def make_project(*, seed: int, index: int, builds: int, start: datetime) -> ProjectTruth:
    """Make up a project.

    Args:
        seed: The company's.
        index: Which of its projects.
        builds: How many builds it will have.
        start: When its history begins.
    """
    key = f"{seed}/{index}"
    rng = make_rng(key)
    stack = STACKS[index % len(STACKS)]
    modules = (CORE, *sorted(rng.sample(MODULES[1:-1], 5)), WEB)
    files = tuple(_files(rng, stack, modules))
    authors = tuple(_authors(rng))
    tests = tuple(_with_flaky_ones(rng, _tests(rng, stack, modules, files)))
    names = [test.name for test in tests]
    number = "" if index < len(PROJECTS) else f"-{index // len(PROJECTS) + 1}"
    return ProjectTruth(
        name=f"{OWNER}/{PROJECTS[index % len(PROJECTS)]}{number}",
        seed=key,
        builds=builds,
        start=start,
        stack=stack,
        modules=modules,
        files=files,
        unborn=frozenset(
            file.path for file in files if file.module != CORE and happens(rng, _UNBORN_SHARE)
        ),
        tests=tests,
        authors=authors,
        dependencies=tuple(frozenset(rng.sample(names, rng.randint(4, 12))) for _ in range(5)),
        habits=_habits(rng, index, usual_risk=_usual_risk(authors, files)),
    )


def _habits(rng: Random, index: int, *, usual_risk: float) -> Habits:
    return Habits(
        caches=index % 3 != 1,
        retries=index % 3 == 2,  # noqa: PLR2004 - every third project
        compile_s=rng.uniform(40, 160),
        compile_growth=rng.uniform(0.2, 0.5),
        install_s=rng.uniform(50, 130),
        creeping_from=rng.uniform(0.4, 0.65),
        creeping_s=rng.uniform(60, 150),
        break_rate=rng.uniform(0.85, 1.2) / usual_risk,
        infrastructure_rate=rng.uniform(0.008, 0.02),
    )


def _usual_risk(authors: tuple[Author, ...], files: tuple[SourceFile, ...]) -> float:
    """Return the risk of the mean author in the mean file, for projects that fail about alike."""
    return fmean(author.risk for author in authors) * fmean(file.risk for file in files)


def _authors(rng: Random) -> list[Author]:
    logins = rng.sample(LOGINS, rng.randint(5, 7))
    return [
        Author(
            login=login,
            risk=round(math.exp(rng.gauss(-0.3, 0.9)), 2),
            hours_east=rng.choice((0, 1, 1, 2, 2, 5)),
        )
        for login in logins
    ]


def _files(rng: Random, stack: Stack, modules: tuple[str, ...]) -> list[SourceFile]:
    files = []
    for module in modules:
        for subject in rng.sample(SUBJECTS, _FILES_PER_MODULE):
            path = stack.source.format(m=module, s=_spelled(stack, subject))
            risk = min(6.0, max(0.02, rng.gammavariate(0.5, 2.0)))
            files.append(SourceFile(path=path, module=module, risk=round(risk, 3)))
    return files


def _tests(
    rng: Random, stack: Stack, modules: tuple[str, ...], files: tuple[SourceFile, ...]
) -> list[SimulatedTest]:
    core = [file.path for file in files if file.module == CORE]
    tests = []
    for file in files:
        siblings = [one.path for one in files if one.module == file.module and one != file]
        for aspect in rng.sample(ASPECTS, rng.choice((2, 2, 3, 3, 4))):
            covers = {file.path}
            covers.update(rng.sample(siblings, rng.choice((0, 0, 1, 2))))
            covers.update(rng.sample(core, 1) if happens(rng, 0.15) else ())
            tests.append(_unit_test(rng, stack, file, aspect, frozenset(covers)))
    return [*tests, *_e2e_tests(rng, modules, files)]


def _with_flaky_ones(rng: Random, tests: list[SimulatedTest]) -> list[SimulatedTest]:
    """Return *tests*, some of them flaky, the slow ones more likely."""
    able = [test for test in tests if not test.always_skipped]
    picked = rng.choices(able, [test.duration_s for test in able], k=_FLAKY_TESTS)
    flaky = {test.name: rng.uniform(0.003, 0.012) for test in picked}
    return [replace(test, flaky_probability=flaky.get(test.name, 0.0)) for test in tests]


def _unit_test(
    rng: Random, stack: Stack, file: SourceFile, aspect: str, covers: frozenset[str]
) -> SimulatedTest:
    subject = file.path.rpartition("/")[2].partition(".")[0]
    return SimulatedTest(
        classname=stack.classname.format(m=file.module, s=subject),
        case=stack.case.format(a=aspect),
        file=stack.test.format(m=file.module, s=subject),
        covers=covers,
        duration_s=round(min(40.0, math.exp(rng.gauss(0.3, 1.0))), 3),
        report=rng.choice(UNIT_REPORTS),
        always_skipped=happens(rng, 0.015),
    )


def _e2e_tests(
    rng: Random, modules: tuple[str, ...], files: tuple[SourceFile, ...]
) -> list[SimulatedTest]:
    web = [file.path for file in files if file.module == WEB]
    tests = []
    for module in modules:
        if module in (CORE, WEB):
            continue
        own = [file.path for file in files if file.module == module]
        covers = frozenset([*rng.sample(web, 2), *rng.sample(own, 2)])
        tests.append(
            SimulatedTest(
                classname=f"e2e {module}",
                case="journey",
                file=f"e2e/{module}.spec.ts",
                covers=covers,
                duration_s=round(rng.uniform(12, 45), 3),
                report=E2E_REPORT,
            )
        )
    return tests


def _spelled(stack: Stack, subject: str) -> str:
    return subject.capitalize() if stack.language == "java" else subject
