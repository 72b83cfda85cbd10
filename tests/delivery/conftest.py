"""A service and a checkout for the Tasks of Tekton."""

import socket

import pytest

from tests.cli.conftest import Repository
from tests.cli.service import DURATION, FAILURE, Reply, Service
from tests.delivery.tekton import URL


@pytest.fixture(name="service")
def _service():
    running = Service()
    running.answers("POST", "/api/v1/builds", receipt)
    running.answers("POST", "/api/v1/build-optimizer/predict", DURATION)
    running.answers("POST", "/api/v1/failure-predictor/predict", FAILURE)
    yield running
    running.close()


def receipt(_):
    return Reply({"build_id": "m4gb7wkj", "sequence": 1, "repeated": False}, 201)


@pytest.fixture(name="repository")
def _repository(tmp_path):
    repository = Repository(tmp_path / "source")
    repository.git("remote", "add", "origin", URL)
    repository.commit("One", web__cart_py="1")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.commit("Two", web__cart_py="2")
    return repository


@pytest.fixture(name="source")
def _source(repository):
    return repository.folder


@pytest.fixture(name="dead", scope="session")
def _dead():
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
