import multiprocessing
import random
import time

from history.events import BuildFinished, BuildQueued, TestsReported
from history.open import open_history
from tests.history import processes

ROUNDS = 9
LONGEST_S = 0.5


def test_acknowledged_is_durable(durable_url):
    """
    Whatever a writer acknowledged before SIGKILL is there, whole; nothing is there by halves.
    """
    chance = random.Random(7)
    open_history(durable_url).close()
    acknowledged = []

    for writer in range(ROUNDS):
        acknowledged += write_and_kill(durable_url, writer, after_s=chance.uniform(0, LONGEST_S))

    with open_history(durable_url) as store:
        check_whole(store, set(acknowledged))
    assert len(acknowledged) > ROUNDS


def write_and_kill(url, writer, after_s):
    """Let a process write, kill it *after_s* its first answer, and return what it acknowledged."""
    reader, told = multiprocessing.Pipe(duplex=False)
    process = processes.start(processes.write_and_tell, url, writer, told)
    told.close()
    heard = [reader.recv_bytes()]
    deadline = time.monotonic() + after_s
    while (left := deadline - time.monotonic()) > 0:
        if reader.poll(left):
            heard.append(reader.recv_bytes())
    process.kill()
    process.join()
    try:
        while True:
            heard.append(reader.recv_bytes())
    except (EOFError, OSError):  # the last message may be cut off: it was not acknowledged
        return [word.decode().strip() for word in heard]


def check_whole(store, acknowledged):
    events = list(store.read("shop"))
    assert list(range(1, len(events) + 1)) == [event.sequence for event in events]
    queued, reported, finished = (
        [event.build_id for event in events if isinstance(event, kind)]
        for kind in (BuildQueued, TestsReported, BuildFinished)
    )
    assert queued == reported == finished
    assert acknowledged <= set(queued)
    assert len(queued) <= len(acknowledged) + ROUNDS
    tests = store.test_names("shop")
    assert tests == [t for e in events if isinstance(e, TestsReported) for t in e.new_tests]
    (summary,) = store.projects()
    assert (len(events), len(queued), len(tests)) == (
        summary.last_sequence,
        summary.finished,
        summary.tests,
    )
