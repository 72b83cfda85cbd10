import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving.accounting import Used, maps, part_of, snapshot, spent, uss_bytes

PARTS = ("ingress", "proxy", "ray")
histories = st.dictionaries(
    st.integers(1, 50),
    st.tuples(st.sampled_from(PARTS), st.floats(0, 100), st.floats(0, 100)),
)


@given(histories)
def test_only_what_was_used_in_between_counts(processes):
    """
    CPU time of processes that live on is the difference, part by part.
    """
    before = {pid: Used(part=part, cpu_s=then) for pid, (part, then, _) in processes.items()}
    after = {pid: Used(part=p, cpu_s=then + more) for pid, (p, then, more) in processes.items()}

    found = spent(before, after)

    for part in {part for part, *_ in processes.values()}:
        expected = sum(more for p, _, more in processes.values() if p == part)
        assert found[part] == pytest.approx(expected, abs=1e-9)


def test_a_new_process_counts_whole_and_an_ended_one_by_its_parent():
    """
    What a child used before the first look is not counted when its parent inherits its time.
    """
    before = {1: Used(part="ray", cpu_s=10.0), 2: Used(part="ray", cpu_s=4.0)}
    after = {1: Used(part="ray", cpu_s=15.0), 3: Used(part="ingress", cpu_s=0.5)}

    assert spent(before, after) == {"ray": 1.0, "ingress": 0.5}


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("ray::ServeReplica:devmind:build-optimizer", "build-optimizer"),
        ("ray::ServeReplica:devmind:ingress.handle_request_with_rejection", "ingress"),
        ("ray::ProxyActor.ready", "proxy"),
        ("ray::HAProxyManager", "haproxy"),
        ("/x/haproxy -f /tmp/haproxy.cfg", "haproxy"),
        ("ray::ServeController.listen_for_change", "controller"),
        ("/x/ray/core/src/ray/raylet/raylet --store=/tmp/s", "raylet"),
        ("/x/ray/core/src/ray/gcs/gcs_server --port=1", "gcs"),
        ("/x/python /x/ray/dashboard/agent.py", "ray"),
        ("/x/bentoml serve", "server"),
    ],
)
def test_processes_are_known_by_their_command(command, part):
    """
    Every process of a server plays a part.
    """
    assert part_of(command) == part


def test_a_real_process_is_accounted_for():
    """
    A process that computes has used CPU time and memory; one that is gone is left out.
    """
    code = "import sys, time\nwhile time.process_time() < 0.2: pass\nprint(1, flush=True)\ninput()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        found, memory = snapshot([process.pid]), uss_bytes([process.pid])
        process.communicate(b"\n")

    assert 0.15 <= found[process.pid].cpu_s < 5
    assert memory["server"] > 2**20
    assert snapshot([process.pid]) == {}


def test_a_library_in_memory_is_found():
    """
    A part counts as having a library once one of its processes maps a file of it.
    """
    import numpy as np  # noqa: PLC0415 - loads what is looked for

    assert np.zeros(1).sum() == 0
    assert maps([os.getpid()], "numpy")
    assert maps([os.getpid()], "no_such_library") == []
