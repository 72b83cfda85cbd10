from concurrent.futures import ThreadPoolExecutor

from devmind.events import Queued
from history.events import BuildQueued, TestsReported
from history.open import open_history
from tests.history import processes
from tests.history.builders import build, report, story

WRITERS, BUILDS = 4, 12


def join(workers):
    for worker in workers:
        worker.join(timeout=120)

    assert [0] * len(workers) == [worker.exitcode for worker in workers]


def check_shared_project(store, project):
    events = list(store.read(project))
    tests = store.test_names(project)
    assert list(range(1, 3 * WRITERS * BUILDS + 1)) == [event.sequence for event in events]
    assert list(range(len(tests))) == [test.number for test in tests]
    expected = {f"shared-{number}" for number in range(BUILDS)} | {"always"}
    expected |= {f"own-{w}-{number}" for w in range(WRITERS) for number in range(BUILDS)}
    assert sorted(expected) == sorted(test.name for test in tests)
    folded = [t for e in events if isinstance(e, TestsReported) for t in e.new_tests]
    assert tests == folded
    builds = {e.build_id: e.build.external_id for e in events if isinstance(e, BuildQueued)}
    for event in events:
        if isinstance(event, TestsReported):
            writer, number = builds[event.build_id].split("-")
            names = [tests[test].name for test in event.tests]
            assert [f"shared-{number}", f"own-{writer}-{number}", "always"] == names


def test_processes_share_a_project(database_url):
    """
    Processes that append to one project leave a dense sequence and one number a test name.
    """
    with open_history(database_url) as store:
        join(
            [
                processes.start(processes.append_builds, database_url, "shop", writer, BUILDS)
                for writer in range(WRITERS)
            ]
        )

        check_shared_project(store, "shop")


def test_processes_with_projects_of_their_own(database_url):
    """
    Processes that append to different projects do not get into each other's sequences.
    """
    projects = [f"project-{writer}" for writer in range(WRITERS)]
    join(
        [
            processes.start(processes.append_builds, database_url, project, 0, BUILDS)
            for project in projects
        ]
    )

    with open_history(database_url) as store:
        assert [store.last_sequence(project) for project in projects] == [3 * BUILDS] * WRITERS


def test_threads_share_a_store(store):
    """
    Threads that append through one store leave a dense sequence and one number a test name.
    """

    def write(writer):
        for number in range(BUILDS):
            names = [f"shared-{number}", f"own-{writer}-{number}", "always"]
            store.append("shop", story(build(f"{writer}-{number}"), report(*names)))

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(write, range(WRITERS)))

    check_shared_project(store, "shop")


def test_threads_send_the_same_event(store):
    """
    Of many senders of one event exactly one records it, and all get the same sequence number.
    """
    event = Queued(build=build())

    with ThreadPoolExecutor(8) as threads:
        receipts = [r for (r,) in threads.map(lambda _: store.append("shop", [event]), range(8))]

    assert {1} == {receipt.sequence for receipt in receipts}
    assert sorted(receipt.repeated for receipt in receipts) == [False] + [True] * 7


def test_tail_reader_misses_nothing(store):
    """
    A reader that follows the tail while others write sees each event once, in order.
    """
    writers = ThreadPoolExecutor(WRITERS)
    for writer in range(WRITERS):
        events = [[Queued(build=build(f"{writer}-{n}"))] for n in range(BUILDS)]
        writers.submit(lambda batches=events: [store.append("shop", batch) for batch in batches])
    seen = []

    while len(seen) < WRITERS * BUILDS:
        seen += (e.sequence for e in store.tail("shop", after=seen[-1] if seen else 0, limit=5))
    writers.shutdown()

    assert list(range(1, WRITERS * BUILDS + 1)) == seen
