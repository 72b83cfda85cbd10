import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from devmind.errors import CorruptBundle
from models.bundle import Bundle
from models.calibration import logit, platt
from models.intelligence import OWN_FORESTS, RULE, TestIntelligence, files, mixed
from tests.models.examples import manifest

NAMES = ("x", *RULE)


def stump(share):
    """Return a tree that says *share* of every row."""
    rows, failed = np.zeros((100, len(NAMES)), np.float32), np.arange(100) < 100 * share
    return DecisionTreeClassifier().fit(rows, failed)


def bundle(own=None, **calibration):
    about = manifest("test_intelligence", NAMES, calibration=calibration)
    return Bundle(name="t", manifest=about, files=files([stump(0.5)], own), seal="")


def ask(found, project=""):
    rows = np.zeros((1, len(NAMES)), np.float32)
    return float(TestIntelligence.load(found, NAMES).predict(rows, project=project)[0])


def test_a_project_is_answered_by_its_own_forest():
    """
    Projects with a forest of their own get its answer, all others that of the shared one.
    """
    found = bundle({"shop": [stump(0.9)], "bank": [stump(0.1)]})

    assert ask(found, "shop") == pytest.approx(0.9)
    assert ask(found, "bank") == pytest.approx(0.1)
    assert ask(found, "new") == pytest.approx(ask(found)) == pytest.approx(0.5)


def test_a_project_is_calibrated_by_its_own_past():
    """
    A project's own scaling goes before that of all.
    """
    scaling = {"platt_a": 1.0, "platt_b": 0.0, "platt_a:shop": 2.0, "platt_b:shop": -1.0}
    found = bundle({"shop": [stump(0.9)]}, **scaling)

    assert ask(found, "shop") == pytest.approx(float(platt(logit(0.9), 2.0, -1.0)))
    assert ask(found, "new") == pytest.approx(0.5)


@given(
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
    st.floats(0.01, 1.0),
)
def test_a_mixed_score_lies_between_forest_and_rule(share, one, other, rule_share):
    """
    Mixing never leaves the range of the two scores.
    """
    rows = np.array([[7.0, one, other]], dtype=np.float32)
    ends = [float(logit(share)), float(logit((one + other) / 2))]
    score = mixed(np.array([share]), rows, NAMES, rule_share)[0]

    assert min(ends) - 1e-4 <= score <= max(ends) + 1e-4


@pytest.mark.parametrize(("rule", "rule_share"), [(np.nan, 0.5), (0.9, 0.0)])
def test_without_a_rule_the_forest_answers_alone(rule, rule_share):
    """
    A rule that knows nothing, or has no say, changes nothing.
    """
    rows = np.array([[0.0, rule, 0.2]], dtype=np.float32)

    assert mixed(np.array([0.3]), rows, NAMES, rule_share) == pytest.approx(logit([0.3]))


@pytest.mark.parametrize(
    "change", [{OWN_FORESTS: b"["}, {OWN_FORESTS: b'{"shop":"gone.npz"}'}, {"forest.npz": b"no"}]
)
def test_a_damaged_bundle_is_refused(change):
    """
    Missing or unreadable forests are an error when a bundle is loaded, not when it is asked.
    """
    whole = bundle()
    broken = Bundle(name="t", manifest=whole.manifest, files={**whole.files, **change}, seal="")

    with pytest.raises(CorruptBundle):
        TestIntelligence.load(broken, NAMES)
