import json
import os
import signal
import subprocess
import sys
import time

import pytest

from devmind.local import processes
from devmind.local.children import Children

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
IGNORE = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
STUBBORN = [sys.executable, "-c", f"{IGNORE}; print('up', flush=True); time.sleep(60)"]
SPAWN = f"import subprocess; subprocess.Popen({SLEEP!r}, start_new_session=True)"
PARENT = [sys.executable, "-c", SPAWN]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are looked at by /proc, on Linux only"
)


@pytest.fixture
def children(tmp_path):
    for name in ("run", "logs"):
        (tmp_path / name).mkdir()
    found = Children(run=tmp_path / "run", logs=tmp_path / "logs")
    yield found
    found.stop_all()


@pytest.fixture
def stranger():
    process = subprocess.Popen(SLEEP)
    time.sleep(0.05)  # the system counts starts in hundredths of a second
    yield process
    process.kill()
    process.wait()


def start(children, name="one", command=SLEEP):
    return children.start(name, command, env=os.environ, cwd="/", facts={"port": "1"})


def wait(done):
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def test_a_child_is_found_again(children, tmp_path):
    """
    What was started is found by another process that knows the folder, and stopped by it.
    """
    child = start(children)
    other = Children(run=tmp_path / "run", logs=tmp_path / "logs")

    assert other.find("one") == child
    assert other.find("one").facts == {"port": "1"}
    assert other.stop("one")
    assert not child.alive
    assert other.find("one") is None


def test_a_reused_number_is_left_alone(children, stranger, tmp_path):
    """
    A record whose number belongs to another process now stops nobody.
    """
    child = start(children)
    children.stop("one")
    record = {
        "name": "one",
        "pid": stranger.pid,
        "started": child.started,
        "log": child.log,
        "facts": {},
    }
    (tmp_path / "run" / "one.json").write_text(json.dumps(record))

    assert children.find("one") is None
    assert not children.stop("one")
    assert stranger.poll() is None


def test_stopping_all_leaves_strangers_alone(children, stranger):
    """
    Only what carries this service's mark is stopped.
    """
    start(children, "one")
    start(children, "two")

    assert set(children.stop_all()) == {"one", "two"}
    assert children.pids() == []
    assert stranger.poll() is None


def test_descendants_in_their_own_session_are_stopped(children):
    """
    A process whose parent has died, in a session of its own, still belongs to the service.
    """
    start(children, "one", PARENT)
    wait(lambda: children.find("one") is None and len(children.pids()) == 1)

    assert children.stop_all() == ["one"]
    assert children.pids() == []


def test_a_stubborn_child_is_killed(children, tmp_path):
    """
    A child that does not end when asked is killed after the time of grace.
    """
    child = start(children, "one", STUBBORN)
    wait(lambda: "up" in (tmp_path / "logs" / "one.log").read_text())

    assert children.stop("one", grace_s=0.2)
    assert not child.alive


def test_a_dead_child_is_not_running(children):
    """
    A child that was killed from outside is noticed, its record notwithstanding.
    """
    child = start(children)
    os.kill(child.pid, signal.SIGKILL)
    wait(lambda: not child.alive)

    assert children.find("one") is None
    assert children.running() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_record_is_as_good_as_none(children, tmp_path, text):
    """
    A record that cannot be read hinders neither finding nor stopping.
    """
    (tmp_path / "run" / "one.json").write_text(text)

    assert children.find("one") is None
    assert children.stop_all() == []
    assert not (tmp_path / "run" / "one.json").exists()


def test_a_lost_record_is_made_up_for(children, tmp_path):
    """
    A child whose record is lost is still stopped, by its mark.
    """
    child = start(children)
    (tmp_path / "run" / "one.json").unlink()

    assert children.stop_all() == ["one"]
    assert not child.alive


def test_memory_is_seen():
    """
    A process has memory of its own, and some that it shares; one that is gone has none.
    """
    use = processes.memory_use(os.getpid())

    assert use.pss_bytes >= use.uss_bytes > 2**20
    assert processes.memory_use(2**22 + 1) is None


def test_signals_go_to_whom_they_are_meant(stranger):
    """
    A process that is not ours gets no signal, and a number without a process is no error.
    """
    assert not processes.send(stranger.pid, signal.SIGKILL, if_ours=lambda _: False)
    assert not processes.send(2**22 + 1, signal.SIGKILL, if_ours=lambda _: True)
    assert stranger.poll() is None
