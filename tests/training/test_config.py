import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import InvalidInput
from training.config import Workers, seeds, workers_for


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
