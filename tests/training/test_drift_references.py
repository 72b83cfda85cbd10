"""What a trained bundle remembers of its rows, to tell later how far they have moved."""

import numpy as np

from models.drift import DRIFT as FILE
from models.drift import drift, outcome_columns, outcome_drift, read_references
from tests.training.builders import random_builds, random_cycles
from training.drift_references import reference_file
from training.examples import concatenate


def test_a_bundle_remembers_each_large_project():
    """
    Projects with enough builds have a reference, against which builds like theirs have not moved;
    a project with few has none.
    """
    shop = random_builds(600, seed=1, project="shop")
    learned = concatenate([shop, random_builds(60, seed=2, project="small")])
    found = read_references(reference_file(learned)[FILE])
    again = random_builds(200, seed=3)
    names = (*again.names, "duration_s", "failed")
    came = outcome_columns(again.duration_s, again.failed)

    assert set(found) == {"shop"}
    assert drift(found["shop"], np.hstack([again.rows, came]), names).psi < 0.1
    assert outcome_drift(_outcomes(found["shop"]), came).psi < 0.1
    slower = outcome_columns(4 * again.duration_s, again.failed)
    assert outcome_drift(_outcomes(found["shop"]), slower).psi > 0.25


def _outcomes(whole):
    return type(whole)(edges=whole.edges[-2:], counts=whole.counts[-2:])


def test_rows_of_tests_have_no_reference():
    """
    A bundle that has learned from rows of tests keeps no reference.
    """
    assert reference_file(random_cycles(40, 6, seed=1)) == {}
