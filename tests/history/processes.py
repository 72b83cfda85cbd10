"""Other processes that write to a history: what tests start, and sometimes kill."""

from __future__ import annotations

import multiprocessing
import os
import time
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess

from devmind.events import Queued
from history.jobs import JobStore, TrainingJob
from history.open import open_history, open_jobs
from tests.history.builders import build, report, story


def start(work, *arguments) -> BaseProcess:
    """Start *work* in a process of its own, from a server that has imported all it needs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.history.processes", "history.migrate"])
    process = context.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def write_and_tell(url, writer, acknowledged):
    """Append one build after the other until killed; tell each by its number once it is durable."""
    with open_history(url) as store:
        for number in range(100_000):
            queued = build(f"{writer}-{number}")
            names = [f"test-{writer}-{number}-{test}" for test in range(number % 7)]
            store.append("shop", story(queued, report("always", *names)))
            acknowledged.send_bytes(f"{queued.build_id} ".encode())


def append_builds(url, project, writer, count):
    """Append *count* builds one by one, half of their tests shared with the other writers."""
    with open_history(url) as store:
        for number in range(count):
            names = [f"shared-{number}", f"own-{writer}-{number}", "always"]
            store.append(
                project, story(build(f"{writer}-{number}", project=project), report(*names))
            )


def open_only(url, ready, answers):
    """Open the history together with the others, and answer with what went wrong."""
    ready.wait()
    try:
        with open_history(url) as store:
            store.append("shop", [Queued(build=build(os.getpid()))])
    except Exception as error:  # noqa: BLE001 - the test shows whatever it is
        answers.put(repr(error))
    else:
        answers.put("")


def hold_job(url, job_id, lease_s, told):
    """Hold a training job, renewing its lease, until killed."""
    jobs = JobStore(open_jobs(url)._database, lease_s=lease_s)
    at = datetime.now(UTC)
    jobs.create(TrainingJob(job_id=job_id, model="build_optimizer", created_at=at, updated_at=at))
    jobs.take(job_id, "holder", now=datetime.now(UTC))
    told.send("held")
    while True:
        jobs.update(job_id, now=datetime.now(UTC), holder="holder")
        time.sleep(0.1)
