"""A simulated company, for trying DevMind without a history of one's own, and for evaluations.

It has projects with modules and files, authors who break more or less, tests that cover files,
flaky tests, failing machines, caches, and durations that drift. `write_company` writes its history
as GitHub's REST payloads and JUnit XML, which the readers of real histories read. Everything about
it is called simulated, and the same seed gives the same company.
"""

from devmind.simulate.timeline import Timeline
from devmind.simulate.truth import (
    Author,
    Cause,
    Company,
    ProjectTruth,
    SimulatedBuild,
    SimulatedTest,
    SourceFile,
    Written,
)
from devmind.simulate.write import WriteProgress, make_company, write_company

__all__ = [
    "Author",
    "Cause",
    "Company",
    "ProjectTruth",
    "SimulatedBuild",
    "SimulatedTest",
    "SourceFile",
    "Timeline",
    "WriteProgress",
    "Written",
    "make_company",
    "write_company",
]
