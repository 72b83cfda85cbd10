import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from devmind.errors import CorruptBundle, ModelUnavailable, NotFound
from models.bundle import read_bundle, write_bundle
from models.gate import Decision
from models.registry import Registry
from models.tracking_address import TrackingAddress
from tests.models.examples import manifest, scorecard

CARD = scorecard(metrics={"mae_s": 10.0, "auc": None}, baselines={"last": {"mae_s": 12.0}})
MODEL = "build_optimizer"


@pytest.fixture(name="address", scope="module")
def _address(tmp_path_factory):
    return tmp_path_factory.mktemp("mlflow")


def make_registry(address):
    return Registry(f"sqlite:///{address}/mlflow.db", address / "artifacts")


@pytest.fixture(name="registry", scope="module")
def _registry(address):
    return make_registry(address)


def make_bundle(folder: Path, model=MODEL, body=b"trees"):
    return write_bundle(
        folder, manifest(model, config={"depth": 6, "rate": 0.1}), {"model.ubj": body}
    )


def test_nothing_registered_is_no_error(registry):
    """
    Before anything is registered there is no champion, no version, and rollback says why.
    """
    assert registry.champion("test_intelligence") is None
    assert registry.versions("test_intelligence") == []
    with pytest.raises(NotFound):
        registry.rollback("test_intelligence")


def test_a_version_goes_its_way(registry, tmp_path, address):
    """
    Register, promote, promote another, roll back: aliases move, versions stay as they were.
    """
    first = registry.register(MODEL, make_bundle(tmp_path / "one"), CARD)
    assert registry.champion(MODEL) is None

    registry.promote(MODEL, first)
    decision = Decision(promote=True, reasons=("mae_s 9 is better than the champion's 10",))
    second = registry.register(
        MODEL, make_bundle(tmp_path / "two", body=b"forest"), CARD, decision=decision
    )
    registry.promote(MODEL, second)
    assert (registry.champion(MODEL), registry.previous(MODEL)) == (second, first)

    assert registry.rollback(MODEL) == first
    assert (registry.champion(MODEL), registry.previous(MODEL)) == (first, second)

    elsewhere = make_registry(address)
    newest, oldest = elsewhere.versions(MODEL)
    assert (newest.version, newest.aliases, newest.decision) == (second, ("previous",), decision)
    assert (oldest.version, oldest.aliases, oldest.decision) == (first, ("champion",), None)
    assert elsewhere.scorecard(MODEL, second) == CARD

    fetched = read_bundle(elsewhere.fetch(MODEL, second, tmp_path / "cache" / "two"))
    assert fetched.files == {"model.ubj": b"forest"}
    assert fetched.seal == newest.seal


def test_promoting_the_champion_changes_nothing(registry, tmp_path):
    """
    The previous version survives when the champion is promoted again.
    """
    model = "failure_predictor"
    card = scorecard(model, metrics={"auc": 0.8})
    one, two = (
        registry.register(model, make_bundle(tmp_path / name, model), card) for name in "ab"
    )
    registry.promote(model, one)
    registry.promote(model, two)
    registry.promote(model, two)

    assert registry.previous(model) == one


def test_a_decision_can_follow(registry, tmp_path):
    """
    The gate's decision can be recorded after registering.
    """
    version = registry.register(MODEL, make_bundle(tmp_path / "b"), CARD)
    decision = Decision(promote=False, reasons=("worse", "much worse"))
    registry.record_decision(MODEL, version, decision)

    assert registry.versions(MODEL)[0].decision == decision


@pytest.mark.parametrize("version", ["999", "none", ""])
def test_a_version_that_is_not_there(registry, tmp_path, version):
    """
    Every question about an unknown version is answered with NotFound.
    """
    registry.register(MODEL, make_bundle(tmp_path / "b"), CARD)

    for ask in (registry.promote, registry.scorecard):
        with pytest.raises(NotFound):
            ask(MODEL, version)
    with pytest.raises(NotFound):
        registry.fetch(MODEL, version, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_model_that_is_not_there(registry):
    """
    A misspelt model is NotFound and names the three there are.
    """
    with pytest.raises(NotFound, match="failure_predictor"):
        registry.champion("failure-predictor")


def test_what_does_not_belong_together_is_refused(registry, tmp_path):
    """
    A bundle of one model cannot be registered as another.
    """
    with pytest.raises(CorruptBundle, match="registered as test_intelligence"):
        registry.register("test_intelligence", make_bundle(tmp_path / "b"), CARD)


def test_tampered_artifacts_are_not_served(registry, tmp_path, address):
    """
    A bundle swapped for another whole one in the artifact store is noticed.
    """
    version = registry.register(MODEL, make_bundle(tmp_path / "good"), CARD)
    evil = make_bundle(tmp_path / "evil", body=b"evil")
    stored = max(
        (address / "artifacts").rglob("model.ubj"), key=lambda path: path.stat().st_mtime
    ).parent
    for path in evil.iterdir():
        (stored / path.name).write_bytes(path.read_bytes())

    with pytest.raises(CorruptBundle, match="not the bundle that was registered"):
        registry.fetch(MODEL, version, tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_very_long_scorecard_fits(registry, tmp_path):
    """
    A scorecard over thousands of projects is registered; its totals are kept.
    """
    projects = {f"project-{number:05}": {"mae_s": 1 / 3, "rmse_s": 2 / 3} for number in range(3000)}
    card = scorecard(metrics={"mae_s": 1.0}, per_project=projects)
    version = registry.register(MODEL, make_bundle(tmp_path / "b"), card)

    assert registry.scorecard(MODEL, version).metrics == {"mae_s": 1.0}


def test_an_absent_server_is_said_without_its_password(tmp_path):
    """
    Unreachable MLflow is ModelUnavailable, quickly, and its credentials appear nowhere.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    registry = Registry(f"http://ann:hunter2@127.0.0.1:{port}", tmp_path)

    with pytest.raises(ModelUnavailable) as caught:
        registry.champion(MODEL)

    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_broken_database_is_said(tmp_path):
    """
    A file that is no database is ModelUnavailable, not a stack trace.
    """
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(ModelUnavailable):
        make_registry(tmp_path).champion(MODEL)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sqlite:////var/lib/mlflow.db", "sqlite database"),
        ("postgresql://ann:secret@db:5432/mlflow", "postgresql://db:5432"),
        ("https://ann:secret@mlflow.example/path?token=1", "https://mlflow.example"),
    ],
)
def test_an_address_shows_no_secret(tmp_path, uri, shown):
    """
    What is shown of a tracking URI is its scheme and host.
    """
    assert TrackingAddress(uri, tmp_path).shown() == shown


AT_ONCE = """
import sys
from pathlib import Path
from models.registry import Registry
from tests.models.test_registry import CARD, MODEL, make_bundle, make_registry
store, own = Path(sys.argv[1]), Path(sys.argv[2])
make_registry(store).register(MODEL, make_bundle(own), CARD)
"""


def test_two_processes_start_at_once_and_in_silence(tmp_path):
    """
    A job and a service may open a new store at the same moment; neither fails or prints.
    """
    both = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(tmp_path / "store"), str(tmp_path / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for name in ("one", "two")
    ]
    said = [process.communicate(timeout=120)[0].decode() for process in both]

    assert said == ["", ""]
    assert len(make_registry(tmp_path / "store").versions(MODEL)) == 2


@pytest.fixture(name="server")
def _server(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    artifacts = ["--artifacts-destination", str(tmp_path / "stored"), "--serve-artifacts"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *arguments, *stores, *artifacts],
            stdout=log,
            stderr=log,
            cwd=tmp_path,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},  # starts sooner
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(f"{url}/health", process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # its workers too: the session is the server's own
        process.wait(30)


def wait_until_up(url, process):
    for _ in range(600):
        assert process.poll() is None, "mlflow server ended"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("mlflow server did not come up in a minute")


@pytest.mark.end_to_end
def test_a_tracking_server_works_as_well(server, tmp_path):
    """
    With a real MLflow server, bundles travel through its artifact proxy.
    """
    registry = Registry(server, tmp_path / "unused")
    version = registry.register(MODEL, make_bundle(tmp_path / "b"), CARD)
    registry.promote(MODEL, version)
    fetched = registry.fetch(MODEL, version, tmp_path / "cache")

    assert registry.champion(MODEL) == version
    assert read_bundle(fetched).files == {"model.ubj": b"trees"}
    assert not (tmp_path / "unused").exists()
