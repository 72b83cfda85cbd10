"""Projects that share commits lend each other nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.training.builders import examples
from training.config import ForestConfig
from training.examples import concatenate
from training.forest_rows import rows_for
from training.kinship import kin_of

commits = st.sets(st.sampled_from("abcdef"), max_size=3)


@given(st.dictionaries(st.sampled_from(["shop", "fork", "docs", "wiki"]), commits))
def test_kinship_is_a_shared_commit(built):
    """
    Two projects are kin if and only if both have built one commit; an unknown commit is none.
    """
    kin = kin_of({project: {*found, ""} for project, found in built.items()})

    for one in built:
        for other in built:
            shared = one != other and bool(built[one] & built[other])
            assert (other in kin.get(one, ())) == shared


def test_kin_lend_no_rows():
    """
    A forest of one project learns from strangers, and never from a fork of it.
    """
    parts = [
        examples(project=name, sequence=[1, 1, 3, 3], failed=[True, False] * 2, test=[0, 1] * 2)
        for name in ("shop", "fork", "docs")
    ]
    known = concatenate(parts)
    weight = np.ones(len(known))

    alone = rows_for(known, weight, "shop", ForestConfig(), kin={"fork"})
    all_of_them = rows_for(known, weight, "shop", ForestConfig())

    assert set(known.project[alone.index]) == {"shop", "docs"}
    assert set(known.project[all_of_them.index]) == {"shop", "fork", "docs"}
