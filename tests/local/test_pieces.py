import fcntl
import os
import socket
import stat
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from devmind.errors import InvalidInput, UnreadableSource
from devmind.local import processes
from devmind.local.children import Child, Children
from devmind.local.commands import Commands
from devmind.local.failures import StepFailed, last_lines
from devmind.local.first_answers import newest
from devmind.local.histories import Histories, Wanted
from devmind.local.layout import LONGEST_RAY_FOLDER, Layout, layout
from devmind.local.narrator import Story
from devmind.local.ports import Ports, any_free, choose_mlflow, need_free
from devmind.local.ray_head import RayHead, ensure_token, environment
from devmind.local.ray_jobs import TrainingJobs
from devmind.local.recorded import NewestBuild, RecordedProject
from devmind.local.remembered import Remembered, fingerprint
from devmind.local.serve_mode import LEAN
from devmind.local.up import Plan, Up, down


class Silent:
    def __init__(self):
        self.steps = []

    def began(self, step):
        self.steps.append(step)

    def says(self, text):
        pass

    def ended(self, step, result, _seconds):
        self.steps.append((step, result))


@pytest.fixture
def place(tmp_path):
    found = Layout(root=tmp_path, home=tmp_path / "var")
    found.make()
    return found


@pytest.fixture
def taken():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_taken_port_is_named_with_its_owner(taken):
    """
    A port that somebody has is refused with who that is and how to choose another.
    """
    with pytest.raises(InvalidInput, match=rf"port {taken} is taken by .*choose another: --port"):
        need_free(taken, "--port")


def test_mlflow_takes_its_own_port_or_the_wished_one(taken):
    """
    A wish is kept or refused, never silently replaced.
    """
    with pytest.raises(InvalidInput, match="--mlflow-port"):
        choose_mlflow(taken)
    (free,) = any_free(1)
    assert choose_mlflow(free) == free


def test_free_ports_differ():
    """
    Ports that are asked for together are different, and none is one that Linux lends to outgoing
    connections: it could be taken before it is used.
    """
    found = any_free(20)

    assert len(set(found)) == 20
    assert max(found) < 32_768


def test_the_secret_is_for_its_user_alone(place):
    """
    The token is made once, long, and readable by its owner only.
    """
    token = ensure_token(place)

    assert ensure_token(place) == token
    assert len(token) >= 43
    assert stat.S_IMODE(place.token.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.run.stat().st_mode) == 0o700


def test_traces_are_made_where_they_can_be_sent(place):
    """
    Serve's proxies continue traces where a receiver is named, and what the user says goes first.
    """
    without = environment(place, {})
    named = environment(place, {"JAEGER_ENDPOINT": "http://jaeger:4317"})
    chosen = environment(
        place,
        {"JAEGER_ENDPOINT": "http://jaeger:4317", "RAY_SERVE_TRACING_SAMPLING_RATIO": "1.0"},
    )

    assert "RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH" not in without
    assert named["RAY_SERVE_TRACING_EXPORTER_IMPORT_PATH"] == "deployments.tracing:exporter"
    assert named["RAY_SERVE_TRACING_SAMPLING_RATIO"] == "0.0"
    assert chosen["RAY_SERVE_TRACING_SAMPLING_RATIO"] == "1.0"


def test_the_environment_of_the_children(place):
    """
    Children find the checkout, the state and the token; never another cluster, never a secret.
    """
    env = environment(place, {"PATH": "/bin", "RAY_ADDRESS": "elsewhere", "RAY_AUTH_TOKEN": "x"})

    assert env["RAY_AUTH_MODE"] == "token"
    assert env["RAY_AUTH_TOKEN_PATH"] == str(place.token)
    assert env["DEVMIND_HOME"] == str(place.home)
    assert env["PYTHONPATH"] == f"{place.root}:{place.root / LEAN}"
    assert env["PATH"].endswith(":/bin")
    assert not {"RAY_ADDRESS", "RAY_AUTH_TOKEN"} & env.keys()


@pytest.mark.parametrize("depth", [1, 200])
def test_rays_folder_is_short_enough_for_sockets(tmp_path, depth):
    """
    However deep the checkout lies, Ray's folder leaves room for the names of its sockets.
    """
    place = Layout(root=tmp_path, home=tmp_path / ("x" * depth))
    other = Layout(root=tmp_path, home=tmp_path / ("y" * depth))

    assert len(str(place.ray)) <= LONGEST_RAY_FOLDER
    assert place.ray != other.ray


def test_a_client_alone_is_no_service(tmp_path):
    """
    Where only the client is installed, the error says where the service comes from.
    """
    with pytest.raises(UnreadableSource, match=r"only the client.*make up"):
        layout({}, package=tmp_path / "site-packages" / "devmind")


def test_home_is_where_it_is_told(tmp_path, monkeypatch):
    """
    `DEVMIND_HOME` moves the state; a relative one is meant from the current folder.
    """
    (tmp_path / "serve_config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "devmind"

    assert layout({}, package=package).home == tmp_path / "var"
    assert layout({"DEVMIND_HOME": "state"}, package=package).home == tmp_path / "state"


def test_a_change_in_a_folder_shows(tmp_path):
    """
    The fingerprint stays while the files stay, and changes with any of them.
    """
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_text("1")
    first, again = fingerprint(tmp_path), fingerprint(tmp_path)
    (tmp_path / "deep" / "b").write_text("2")

    assert first == again != fingerprint(tmp_path)


@pytest.mark.parametrize("text", [None, "", "[]", '{"an_older_field": 1}'])
def test_lost_memory_costs_no_more_than_time(tmp_path, text):
    """
    Without its file, or with a damaged one, `up` remembers nothing and goes on.
    """
    path = tmp_path / "up.json"
    if text is not None:
        path.write_text(text)

    remembered = Remembered.load(path)
    remembered.trained_on["build_optimizer"] = 7
    remembered.save(path)

    assert Remembered.load(path).trained_on == {"build_optimizer": 7}


def test_a_failing_program_shows_its_last_words(place):
    """
    A step that fails says which program, its last lines, and where the whole log is.
    """
    commands = Commands(root=place.root, logs=place.logs, env=os.environ)
    script = "import sys; print('first'); print('why', file=sys.stderr); sys.exit(3)"
    heard = []

    with pytest.raises(StepFailed) as raised:
        commands.run("a step", [sys.executable, "-c", script], on_line=heard.append)

    assert raised.value.code == 3
    assert "| why" in str(raised.value)
    assert str(place.logs / "a-step.log") in str(raised.value)
    assert heard == ["first"]


def test_a_missing_program_is_named(place):
    """
    A program that is not installed is a failed step, not a traceback.
    """
    commands = Commands(root=place.root, logs=place.logs, env=os.environ)

    with pytest.raises(StepFailed, match="/no/such/program cannot be started"):
        commands.run("a step", ["/no/such/program"])


def test_only_the_end_of_a_log_is_read(tmp_path):
    """
    Of an enormous log the last lines are shown, empty ones left out.
    """
    log = tmp_path / "log"
    log.write_text("x" * 10**6 + "\n" + "\n\n".join(str(n) for n in range(100)) + "\n")

    assert last_lines(log, 3) == ("97", "98", "99")
    assert last_lines(tmp_path / "none") == ()


def test_a_story_tells_its_times():
    """
    Each step is told when it begins and ends, and its seconds are kept.
    """
    ticks = iter(range(100))
    narrator = Silent()
    story = Story(narrator, clock=lambda: next(ticks))

    assert story.step("bake", lambda: ("bread", "crusty")) == "bread"
    assert narrator.steps == ["bake", ("bake", "crusty")]
    assert story.seconds == {"bake": 1}


def project(name, at, tests=0, finished=100):
    build = NewestBuild(build_id=f"{name}-{at}", pipeline="ci", queued_at=f"2026-01-{at:02d}")
    counts = {"last_sequence": 1, "builds": 1, "finished": finished, "tests": tests}
    return RecordedProject(project=name, newest=build, **counts)


@pytest.mark.parametrize(
    ("recorded", "with_tests", "chosen"),
    [
        ([], False, None),
        ([project("a", 1), project("b", 2)], False, "b"),
        ([project("a", 1), project("sim", 9)], False, "a"),
        ([project("sim", 9, tests=5), project("a", 1)], True, "sim"),
        ([project("a", 1)], True, None),
        ([project("new", 9, finished=1), project("a", 1)], False, "a"),
        ([project("new", 9, finished=1)], False, "new"),
    ],
)
def test_the_change_that_is_asked_about(recorded, with_tests, chosen):
    """
    The newest real change is asked about, where there is some history; a simulated one only
    when there is no other.
    """
    asked = newest(recorded, {"sim"}, with_tests=with_tests)

    assert (asked and asked.project) == chosen
    assert asked is None or asked.simulated == (chosen == "sim")


PROGRAMS = {
    "scripts/recorded.py": (
        "import json, pathlib\n"
        "events = pathlib.Path('history').read_text().split() if pathlib.Path('history').exists()"
        " else []\n"
        "counts = dict(last_sequence=len(events), builds=len(events), finished=0, tests=0)\n"
        "print(json.dumps([dict(project='p', newest=None, **counts)] if events else []))\n"
    ),
    "history/__init__.py": "",
    "history/load.py": (
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "if path.name == 'broken': print('it is half written', file=sys.stderr); sys.exit(3)\n"
        "names = [file.name for file in path.iterdir()]\n"
        "file = pathlib.Path('history')\n"
        "known = file.read_text().split() if file.is_file() else []\n"
        "pathlib.Path('loads').open('a').write('x')\n"
        "file.write_text(' '.join(sorted({*known, *names})))\n"
    ),
    "devmind/__init__.py": "",
    "devmind/simulate.py": (
        "import pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1]); folder.mkdir(parents=True)\n"
        "(folder / ('seed' + sys.argv[3])).touch()\n"
    ),
}


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose programs do as the real ones, with a word for an event."""
    root = tmp_path / "checkout"
    for name, text in PROGRAMS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def ensure(checkout):
    place = Layout(root=checkout, home=checkout / "var")
    place.make()
    env = {**os.environ, "PYTHONPATH": str(checkout)}
    commands = Commands(root=checkout / "store", logs=place.logs, env=env)

    def run(path=None):
        (checkout / "store").mkdir(exist_ok=True)
        (checkout / "store" / "scripts").is_dir() or (checkout / "store" / "scripts").symlink_to(
            checkout / "scripts"
        )
        remembered = Remembered.load(place.memory_of_steps)
        wanted = Wanted(path=path, simulate_seed=4)
        recorded, words = Histories(place, commands, remembered).ensure(wanted, lambda _: None)
        loads = checkout / "store" / "loads"
        done = len(loads.read_text()) if loads.exists() else 0
        return sum(one.builds for one in recorded), words, done

    return run


def test_a_first_history_is_simulated_and_kept(ensure, checkout):
    """
    Without a path a company is simulated once, called simulated, and not touched again.
    """
    first, again = ensure(), ensure()

    assert (first[0], first[2]) == (1, 1)
    assert "simulated" in first[1]
    assert (again[0], again[2]) == (1, 1)
    assert Remembered.load(checkout / "var" / "up.json").simulated == ["p"]


def test_real_files_are_imported_once(ensure, tmp_path):
    """
    Files are imported when they are new or have changed, and join the history that is there.
    """
    ensure()
    real = tmp_path / "real"
    real.mkdir()
    (real / "run1").touch()

    first, again = ensure(real), ensure(real)
    (real / "run2").touch()
    changed = ensure(real)

    assert (first[0], first[2]) == (2, 2)
    assert (again[0], again[2]) == (2, 2)
    assert "imported before" in again[1]
    assert (changed[0], changed[2]) == (3, 3)


def test_files_that_cannot_be_read_are_bad_input(ensure, tmp_path):
    """
    What the importer cannot use, or what is not there, is named as bad input.
    """
    (tmp_path / "broken").mkdir()

    with pytest.raises(InvalidInput, match="it is half written"):
        ensure(tmp_path / "broken")
    with pytest.raises(UnreadableSource, match="nowhere"):
        ensure(tmp_path / "nowhere")


def test_a_second_up_waits_outside(place):
    """
    While one `up` works, a second one and a `down` are refused.
    """
    plan = Plan(wanted=Wanted(), ports=Ports(), size=None)
    with (place.run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(InvalidInput, match="at work"):
            Up(place, {}, Silent()).run(plan)
        with pytest.raises(InvalidInput, match="at work"):
            down(place, Silent())


def test_down_without_up(tmp_path):
    """
    Stopping what never ran is no error and makes no folder.
    """
    place = Layout(root=tmp_path, home=tmp_path / "var")

    assert down(place, Silent()) == []
    assert not place.home.exists()


class Unsteady(BaseHTTPRequestHandler):
    """A dashboard that hangs up on the first requests, and is not ready for the next."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        if len(self.asked) <= 2:
            self.close_connection = True
            return
        self.send_response(503 if len(self.asked) == 3 else 200)
        self.end_headers()
        if self.path == "/api/jobs/":
            self.wfile.write(b"[]")
        elif self.path.endswith("/logs"):
            self.wfile.write(b'{"logs": "version 1"}')
        else:
            self.wfile.write(b'{"status": "SUCCEEDED"}')

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"submission_id": "one"}')

    def log_message(self, *_):
        pass


def test_a_dashboard_that_hangs_up_is_asked_again(place):
    """
    Following a job survives a dashboard that is busy, and ends with the job's last words.
    """
    ensure_token(place)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unsteady)
    Thread(target=server.serve_forever, daemon=True).start()
    me = os.getpid()
    facts = {"dashboard_port": str(server.server_port)}
    started = processes.start_time(me)
    child = Child(name="ray", pid=me, started=started, log="", facts=facts)
    waits = []
    head = RayHead(place, Children(run=place.run, logs=place.logs), {})
    jobs = TrainingJobs(head, child, place.logs, sleep=waits.append)

    said = jobs.train("build_optimizer", lambda _line: None)
    server.shutdown()

    assert said == "version 1"
    assert len(waits) == 3
