import numpy as np
import pytest

from models.ranking import apfd
from training.fit_forest import apfd_weights


def test_a_weight_is_a_share_of_apfd():
    """
    In a build with both verdicts, failing rows together weigh as much as passing rows.
    """
    build, failed = np.array([0, 0, 0, 0]), np.array([True, False, False, False])

    weight = apfd_weights(build, failed)

    assert pytest.approx(weight[failed].sum()) == 0.75
    assert pytest.approx(weight[~failed].sum()) == 0.75
    assert pytest.approx(apfd(failed, [3, 2, 1, 0]) - apfd(failed, [0, 3, 2, 1])) == 0.75


def test_a_build_with_one_verdict_weighs_nothing():
    """
    Where all tests passed, or all failed, no order is better than another.
    """
    build = np.array([0, 0, 1, 1])

    assert apfd_weights(build, np.array([True, True, False, False])).tolist() == [0, 0, 0, 0]
