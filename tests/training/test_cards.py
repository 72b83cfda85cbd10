# ruff: noqa: PLR0913, PLR0917 - a case has a recipe, its history, its knobs and its fit
"""Model cards: what they say is what was measured, and what they draw is what happened."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import read_bundle, write_bundle
from models.card import CARD, PAGE, card_of
from tests.models.examples import manifest, scorecard
from tests.training.builders import examples
from tests.training.test_recipes import IDS, RECIPES, reports
from tests.training.test_recipes import _setting as setting_of_recipes  # noqa: F401 - a fixture
from tests.training.test_recipes import _stages as stages_of_recipes  # noqa: F401 - a fixture
from training.cards import making
from training.cards.charts import charts, interval_coverage, recall_against_cost, reliability
from training.cards.held_out import HeldOut
from training.cards.importance import weigh, within_projects
from training.cards.limits import limits
from training.cards.making import with_card


class Page(HTMLParser):
    """Everything that a page would load, and the text it shows."""

    def __init__(self, body):
        super().__init__()
        self.loads, self.text, self.tags = [], [], []
        self.feed(body)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        named = dict(attrs)
        found = [named.get(name) or "" for name in ("src", "href", "xlink:href")]
        self.loads += [one for one in found if one and not one.startswith("#")]

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize(("recipe", "history", "config", "fit", "metric"), RECIPES, ids=IDS)
def test_a_version_carries_its_card(recipe, history, config, fit, metric, setting, tmp_path):
    """
    The card in a bundle repeats the scorecard it was registered with, and its page stands alone.
    """
    trained = with_card(recipe.train(history, config, setting, fit=fit), history, setting)
    bundle = read_bundle(write_bundle(tmp_path / "bundle", trained.manifest, trained.files))
    card, page = card_of(bundle), Page(bundle.file(PAGE).decode())

    assert card.metrics == trained.scorecard.metrics
    assert card.metrics[metric] is not None
    assert card.measured_on == trained.scorecard.measured_on
    assert card.trained_on == trained.manifest.trained_on
    assert card.groups
    assert card.limits
    assert set(card.limits) <= set(page.text)
    assert page.loads == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == (1 if recipe.__name__.endswith("failure_predictor") else 2)


def test_a_card_that_cannot_be_made_costs_nobody_the_model(setting, monkeypatch):
    """
    When drawing fails the version is registered as it would have been without a card.
    """
    recipe, history, config, fit, _ = RECIPES[0]
    trained = recipe.train(history, config, setting, fit=fit)

    def broken(*_arguments):
        raise RuntimeError("no fonts")

    monkeypatch.setattr(making, "charts", broken)

    assert with_card(trained, history, setting) is trained
    assert CARD not in trained.files


def test_names_of_projects_are_shown_and_not_obeyed(setting):
    """
    A project's name is text in the page, whatever it holds.
    """
    recipe, history, config, fit, _ = RECIPES[0]
    hostile = "<img src=x onerror=alert(1)>"
    named = np.full(len(history), hostile, dtype=object)
    history = replace(history, project=named)

    trained = with_card(recipe.train(history, config, setting, fit=fit), history, setting)

    page = Page(trained.files[PAGE].decode())
    assert "img" not in page.tags
    assert hostile in page.text


def durations(n=200, *, inside=160, seed=0):
    """Builds, so many of which lie inside the interval from 10 to 20 seconds."""
    rng = np.random.default_rng(seed)
    actual = np.where(np.arange(n) < inside, 15.0, 30.0)
    rng.shuffle(actual)
    rows = examples(
        sequence=np.arange(n),
        known_at=np.arange(n) + 1,
        rows=np.zeros((n, 2), np.float32),
        names=("a", "b"),
        duration_s=actual,
        failed=np.zeros(n, np.bool_),
    )
    return HeldOut(rows=rows, said=np.tile([10.0, 15.0, 20.0], (n, 1)), loss=None, loss_name="none")


@given(st.integers(0, 200))
def test_the_coverage_that_is_drawn_is_the_one_that_was(inside):
    """
    The title says the share that was inside, and no window of the chart leaves 0 to 100 %.
    """
    [panel] = interval_coverage(durations(inside=inside)).panels
    model = next(line for line in panel.lines if line.label == "model")

    assert panel.title == f"{inside / 200:.1%} of 200 builds inside"
    assert 0 <= min(model.y) <= max(model.y) <= 1


def test_a_calibrated_model_lies_on_the_line():
    """
    Where failures come as often as said, each point of the chart is near the diagonal.
    """
    rng = np.random.default_rng(3)
    said = rng.random(20_000) ** 3
    found = durations(20_000)
    found = replace(found, rows=replace(found.rows, failed=rng.random(20_000) < said), said=said)

    [panel] = reliability(found, "build").panels
    model = next(line for line in panel.lines if line.label.startswith("model"))

    assert np.abs(np.array(model.x) - np.array(model.y)).max() < 0.05
    assert len(model.x) == 10


def test_a_perfect_order_finds_everything_first():
    """
    An oracle's curve reaches all failing tests before a random order does.
    """
    rows = reports()
    found = HeldOut(rows=rows, said=rows.failed.astype(float), loss=None, loss_name="none")

    [panel] = recall_against_cost(found).panels
    oracle = next(line for line in panel.lines if line.label.startswith("model"))
    rule = next(line for line in panel.lines if line.label.startswith("ewma"))

    assert np.trapezoid(oracle.y, oracle.x) > np.trapezoid(rule.y, rule.x)
    assert max(oracle.y) == 1


def test_a_chart_without_failures_is_still_a_chart():
    """
    A history in which nothing failed gives charts, not an error.
    """
    rows = replace(reports(), failed=np.zeros(len(reports()), np.bool_))
    found = HeldOut(rows=rows, said=np.full(len(rows), 0.1), loss=None, loss_name="none")

    assert [chart.panels[0].title for chart in charts("test_intelligence", found)]


def leaning(n=600):
    """Held-out rows of a model that listens to feature `heard` alone."""
    rng = np.random.default_rng(1)
    rows = examples(
        sequence=np.arange(n),
        known_at=np.arange(n) + 1,
        rows=rng.random((n, 3)).astype(np.float32),
        names=("heard", "deaf", "mute"),
        duration_s=np.ones(n),
        failed=np.zeros(n, np.bool_),
    )
    truth = rows.rows[:, 0].copy()

    def loss(asked):
        return np.abs(asked.rows[:, 0].astype(float) - truth)

    return HeldOut(rows=rows, said=truth, loss=loss, loss_name="distance")


def test_only_what_is_listened_to_weighs():
    """
    Shuffling a feature that a model does not use adds no loss; the one it uses comes first.
    """
    weights = weigh(leaning(), {"used": ("heard",), "unused": ("deaf", "mute")}, seed=0)

    assert [one.name for one in weights.groups] == ["used", "unused"]
    assert weights.groups[0].loss > 0.2
    assert weights.groups[1].loss == 0
    assert weights.features[0].name == "heard"
    assert weights == weigh(leaning(), {"used": ("heard",), "unused": ("deaf", "mute")}, seed=0)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=50), st.integers(0, 9))
def test_values_change_places_within_their_project(projects, seed):
    """
    A shuffle is a permutation that takes every row to a row of the same project.
    """
    project = np.array(projects, dtype=object)

    order = within_projects(project, np.random.default_rng(seed))

    assert sorted(order.tolist()) == list(range(len(project)))
    assert (project[order] == project).all()


def scored(metrics, baselines=None, **more):
    return scorecard(
        "failure_predictor", metrics=metrics, baselines=baselines, rows=400, **more
    ), manifest("failure_predictor", ("a",))


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (
            scored({"auc": 0.7}, {"previous_outcome": {"auc": 0.75}}),
            "The simple rule previous_outcome is better on the scored builds: auc 0.75 against 0.7",
        ),
        (scored({"auc": 0.7}, positives=12), "Only 12 of 400 scored rows failed"),
        (
            scored({"auc": 0.7}, per_project={"shop": {"ece": 0.2}}, rows_per_project={"shop": 90}),
            "Probabilities are off in shop (ece 0.20)",
        ),
        (
            scored({"auc": 0.7}, per_project={"shop": {}}, rows_per_project={"shop": 9}),
            "1 of 1 scored projects have fewer than 50 scored rows",
        ),
    ],
    ids=["beaten by a rule", "few failures", "badly calibrated", "small project"],
)
def test_a_weakness_is_said_with_its_number(card, said):
    """
    What a scorecard shows against a version stands among its limits.
    """
    scorecard, about = card

    assert any(said in limit for limit in limits(scorecard, about))
