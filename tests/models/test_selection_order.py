"""The order of tests puts names in order only where it must, and is the same."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.claims import by_probability
from models.selection import _order

few = st.sampled_from([0.0, 0.25, 0.5])


@given(st.lists(st.tuples(few, few, st.text(max_size=3)), unique_by=lambda test: test[2]))
def test_ties_are_broken_by_cost_then_name(tests):
    """
    Whatever ties there are, the order is that of score, cost and name.
    """
    score = np.array([test[0] for test in tests])
    costs = np.array([test[1] for test in tests])
    names = [test[2] for test in tests]
    place = np.empty(len(names), dtype=np.intp)
    place[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))

    assert _order(score, costs, names).tolist() == by_probability(score, costs, place).tolist()
