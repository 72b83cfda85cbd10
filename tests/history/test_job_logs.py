from dataclasses import replace

import pytest

from history.job_logs import JobLogs
from history.jobs import TrainingJob
from history.open import open_jobs
from tests.history.builders import NOON


@pytest.fixture(name="jobs")
def _jobs(database_url):
    store = open_jobs(database_url)
    first = TrainingJob(job_id="job-1", model="a", created_at=NOON, updated_at=NOON)
    store.create(first)
    store.create(replace(first, job_id="job-2", model="b"))
    yield store
    store.close()


def test_a_log_is_read_page_by_page(jobs):
    """
    Whatever the size of a page, its pages put together are what was written, line by line.
    """
    written = "".join(f"line {number} of it\n" for number in range(200))
    for begin in range(0, len(written), 137):
        jobs.logs.append("job-1", written[begin : begin + 137])
    jobs.logs.append("job-2", "another job\n")

    pages, offset, more = [], 0, True
    while more:
        page = jobs.logs.read("job-1", offset=offset, most=100)
        pages.append(page.text)
        offset, more = page.next_offset, page.more

    assert "".join(pages) == written
    assert all(page.endswith("\n") for page in pages)
    assert jobs.logs.read("job-1", offset=offset).text == ""


def test_a_log_is_bounded_and_keeps_the_newest(jobs):
    """
    Of a log that grows too long the oldest pieces go, and offsets keep their meaning.
    """
    logs = JobLogs(jobs._database, kept=100)
    for number in range(50):
        logs.append("job-1", f"line number {number:02d}\n")

    page = logs.read("job-1")

    assert page.text.endswith("line number 49\n")
    assert 100 <= len(page.text) <= 115
    assert page.offset == 50 * 15 - len(page.text)
    assert page.next_offset == 50 * 15


@pytest.mark.parametrize("unknown", ["nothing", "\0", "\ud800"])
def test_what_never_wrote_has_an_empty_log(jobs, unknown):
    """
    A job that has written nothing, or does not exist, has an empty log.
    """
    assert jobs.logs.read(unknown).text == ""


def test_any_text_can_be_kept(jobs):
    """
    What a database cannot hold is made harmless.
    """
    jobs.logs.append("job-1", "a\0b\ud800c\n")

    assert jobs.logs.read("job-1").text == "a\ufffdb?c\n"
