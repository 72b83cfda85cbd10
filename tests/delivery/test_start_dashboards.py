"""scripts/start-dashboards.sh, against a stand-in for kubectl."""

import os
import signal
import socket
import subprocess
import time

import pytest

from tests.conftest import ROOT
from tests.delivery.programs import Machine

SCRIPT = ROOT / "scripts" / "start-dashboards.sh"
FREE = ("api", "ray", "grafana", "prometheus", "mlflow", "argocd")


@pytest.fixture(name="machine")
def _machine(tmp_path):
    return Machine(tmp_path, ["kubectl"])


@pytest.fixture(name="ports", scope="module")
def _ports():
    """Options that choose free ports: this machine may have a service of its own."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in FREE]
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return [f"--port={name}={number}" for name, number in zip(FREE, numbers, strict=True)]


def options(ports):
    return [word for each in ports for word in each.split("=", 1)]


def start(machine, *arguments):
    """Start it as a terminal would: programs that a shell starts beside it have lost Ctrl-C."""
    return subprocess.Popen(
        ["/usr/bin/env", "--default-signal=INT", "/bin/bash", str(SCRIPT), *arguments],
        env=machine.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(found, seconds=20):
    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        time.sleep(0.05)
    return found()


def forwards(machine):
    return {int(f.name.partition("-")[2]): f.read_text() for f in machine.state.glob("forward-*")}


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - no file of ours
            return stat.read().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_all_dashboards_close_together(machine, ports, how):
    """
    Ctrl-C, or a signal to the script alone, ends every connection; what is absent is named.
    """
    machine.remember("absent", "mlflow")
    script = start(machine, *options(ports))
    opened = until(lambda: forwards(machine) if len(forwards(machine)) == 5 else None)
    shown = [script.stdout.readline() for _ in range(8)]
    script.send_signal(how)
    said = "".join(shown) + script.communicate(timeout=20)[0]

    assert set(opened.values()) >= {"service/devmind-ml-service", "service/argocd-server"}
    assert script.returncode == 0
    assert until(lambda: not any(map(alive, opened)))
    assert "cluster minikube" in said
    assert "mlflow      not installed" in said
    assert f"https://127.0.0.1:{ports[-1].rpartition('=')[2]}" in said
    assert said.endswith("closed\n")


def test_a_connection_that_breaks_is_opened_again(machine, ports):
    """
    When a pod is replaced its dashboard comes back.
    """
    script = start(machine, "--only", "api", *options(ports))
    (first,) = until(lambda: forwards(machine))
    os.kill(first, signal.SIGTERM)
    both = until(lambda: forwards(machine) if len(forwards(machine)) == 2 else None)
    script.terminate()
    script.communicate(timeout=20)

    assert both is not None
    assert until(lambda: not any(map(alive, both)))


def test_a_connection_that_never_comes_is_given_up(machine, ports):
    """
    No address is said that does not answer; after ten failures it ends with what kubectl says.
    """
    (machine.bin / "sleep").unlink()
    machine.script("sleep", f'#!/bin/sh\necho "$1" >>{machine.state}/slept\n')
    machine.rules("port-forward=1")
    script = start(machine, "--only", "api", *options(ports))
    said, _ = script.communicate(timeout=60)
    slept = (machine.state / "slept").read_text().split()
    pauses = [each for each in slept if each != "0.2"]

    assert script.returncode == 1
    assert "given up: stand-in: port-forward" in said
    assert "http://" not in said
    assert "no connection is left" in said
    assert pauses == "1 2 4 8 16 30 30 30 30 30".split()


def test_a_port_that_is_taken_is_named(machine, ports):
    """
    What listens there already is not shown as ours; another port can be chosen.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        ended = machine.run(SCRIPT.name, *options(ports), "--port", f"ray={number}")

    assert ended.returncode == 2
    assert f"--port ray=N ({number})" in ended.stderr
    assert forwards(machine) == {}


def test_the_context_goes_with_every_call(machine):
    """
    --context names the cluster, whichever is the current one.
    """
    machine.remember("absent", "devmind-ml-service")
    machine.run(SCRIPT.name, "--only", "api", "--context", "kind-dev")

    assert [each.split()[:6] for each in machine.calls] == [
        "kubectl --context kind-dev --namespace devmind-pipeline get".split()
    ]


def test_nothing_to_open(machine):
    """
    Without any of the services it ends and asks whether anything is deployed.
    """
    machine.remember("absent", "devmind-ml-service")
    ended = machine.run(SCRIPT.name, "--only", "api")

    assert (ended.returncode, "nothing to open" in ended.stderr) == (1, True)


def test_a_cluster_that_does_not_answer(machine):
    """
    What kubectl says is shown, and not that nothing is installed.
    """
    machine.rules("get service=1")
    ended = machine.run(SCRIPT.name)

    assert ended.returncode == 1
    assert "stand-in: get service" in ended.stderr
    assert "not installed" not in ended.stdout


WRONG = (
    ["--only", "jaeger"],
    ["--only"],
    ["--all"],
    ["--port", "api"],
    ["--port", "jaeger=1"],
    ["--port", "api=x"],
)


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_use(machine, arguments):
    """
    Unknown names, ports and options are refused with those there are.
    """
    ended = machine.run(SCRIPT.name, *arguments)

    assert ended.returncode == 2
    assert {"mlflow", "--help", "port,"} & set(ended.stderr.replace(";", "").split())
    assert machine.calls == []


def test_without_kubectl(tmp_path):
    """
    Without kubectl it says so.
    """
    ended = Machine(tmp_path, []).run(SCRIPT.name)

    assert (ended.returncode, "not found: kubectl" in ended.stderr) == (2, True)
