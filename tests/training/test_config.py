import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import InvalidInput
from devmind.settings import ServerSettings
from training.config import Workers, joined_on_one_node, seeds, workers_for
from training.run import wanted_workers


@given(st.floats(0.05, 64), st.integers(1, 8), st.floats(0.1, 4))
def test_workers_fit_into_what_is_free(free, count, cpus):
    """
    Workers never claim more than the cluster has free, and never more than was wanted.
    """
    found = workers_for(free, Workers(count=count, cpus_each=cpus))

    assert found.count * found.cpus_each <= free + 1e-9
    assert 1 <= found.count <= count
    assert found.cpus_each > 0


def test_a_full_cluster_is_refused_with_the_number():
    """
    With nothing free a fit would wait for ever, so it is refused.
    """
    with pytest.raises(InvalidInput, match="free CPUs"):
        workers_for(0.0, Workers())


def test_seeds_do_not_depend_on_how_many_there_are():
    """
    The first seeds stay the same when more are asked for, and all differ.
    """
    assert seeds(3, 5) == seeds(3, 50)[:5]
    assert len(set(seeds(3, 50))) == 50


@pytest.mark.parametrize(
    ("count", "cpus_each", "nodes", "expected"),
    [
        (4, 2.0, 1, (1, 8.0)),
        (4, 2.0, 2, (4, 2.0)),
        (2, 0.5, 1, (2, 0.5)),
        (2, 1.5, 1, (1, 3.0)),
        (3, 1.5, 1, (3, 1.5)),
        (1, 0.5, 1, (1, 0.5)),
    ],
)
def test_one_node_needs_one_process_of_many_threads(count, cpus_each, nodes, expected):
    """
    On one node whole CPUs become threads of one process; on several, and where a CPU is shared,
    workers stay as they were asked for.
    """
    workers = Workers(count=count, cpus_each=cpus_each, boosting="ray_train")

    found = joined_on_one_node(workers, nodes)

    assert (found.count, found.cpus_each) == expected
    assert found.boosting == "ray_train"


def test_workers_are_what_the_environment_says(monkeypatch, tmp_path):
    """
    Number, CPUs and backend of the workers come from the environment; a backend that does not
    exist is refused.
    """
    monkeypatch.setenv("DEVMIND_HOME", str(tmp_path))
    monkeypatch.setenv("DEVMIND_TRAINING_WORKERS", "8")
    monkeypatch.setenv("DEVMIND_TRAINING_CPUS_EACH", "2")
    monkeypatch.setenv("DEVMIND_XGBOOST_BACKEND", "ray_train")

    wanted = Workers(count=8, cpus_each=2.0, boosting="ray_train")
    assert wanted_workers(ServerSettings()) == wanted
    assert workers_for(4.0, wanted) == Workers(count=8, cpus_each=0.5, boosting="ray_train")

    monkeypatch.setenv("DEVMIND_XGBOOST_BACKEND", "horovod")
    with pytest.raises(ValueError, match="xgboost_ray"):
        ServerSettings()
