"""Times that cannot be true are refused, with the value and what to do."""

from datetime import UTC, datetime, timedelta

import pytest

from devmind.ci import BuildOutcome, BuildStatus, Job, QueuedBuild, Step
from devmind.errors import InvalidInput
from devmind.times import CLOCK_SKEW, check_outcome, check_queued

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def queued(at):
    return QueuedBuild(project="shop", pipeline="ci", external_id="1", queued_at=at)


def outcome(finished_at, started_at=None, jobs=()):
    return BuildOutcome(
        status=BuildStatus.PASSED, finished_at=finished_at, started_at=started_at, jobs=jobs
    )


def test_a_build_cannot_be_queued_tomorrow():
    """
    A queue time in the future is named together with the service's own clock.
    """
    with pytest.raises(InvalidInput, match=r"queued_at lies in the future.*2026-03-02T13:00"):
        check_queued(queued(NOW + HOUR), now=NOW)


def test_clocks_may_differ_a_little():
    """
    A CI machine whose clock runs ahead within the allowance is believed.
    """
    check_queued(queued(NOW + CLOCK_SKEW), now=NOW)


@pytest.mark.parametrize(
    ("impossible", "said"),
    [
        (outcome(NOW - 3 * HOUR), "before queued_at"),
        (outcome(NOW + HOUR), "in the future"),
        (outcome(NOW - HOUR, started_at=NOW), "before started_at"),
        (
            outcome(
                NOW,
                jobs=(
                    Job(
                        name="unit",
                        status=BuildStatus.PASSED,
                        started_at=NOW,
                        finished_at=NOW - HOUR,
                    ),
                ),
            ),
            "job 'unit' finishes before it starts",
        ),
        (
            outcome(
                NOW,
                jobs=(
                    Job(
                        name="unit",
                        status=BuildStatus.PASSED,
                        steps=(
                            Step(
                                name="install",
                                status=BuildStatus.PASSED,
                                started_at=NOW,
                                finished_at=NOW - HOUR,
                            ),
                        ),
                    ),
                ),
            ),
            "step 'install' of 'unit' finishes before it starts",
        ),
    ],
)
def test_an_outcome_follows_its_build(impossible, said):
    """
    An outcome out of order is refused and says which times disagree.
    """
    with pytest.raises(InvalidInput, match=said):
        check_outcome(impossible, queued_at=NOW - 2 * HOUR, now=NOW)


def test_job_times_win_over_a_rerun_months_later():
    """
    The duration of a build is the work of its jobs, whatever its record's last update says.
    """
    work = Job(
        name="unit",
        status=BuildStatus.PASSED,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=90),
    )

    assert outcome(NOW + timedelta(days=200), jobs=(work,)).duration_s(NOW) == 90.0
