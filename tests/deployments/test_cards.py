"""Model cards over HTTP: whole, alone, and only where there is one."""

import shutil

import pytest

from deployments.auth import Keys
from deployments.lifecycle import Lifecycle
from devmind.errors import NotFound
from models.bundle import write_bundle
from models.card import CARD, PAGE
from tests.deployments.fakes import ask, make_app
from tests.models.examples import manifest

BODY, PAGE_BODY = b'{"model": "build_optimizer"}\n', b"<!DOCTYPE html><title>card</title>"


class Registry:
    """Version 1 has no card, version 2 has one and is champion."""

    def __init__(self, folder):
        cards = {CARD: BODY, PAGE: PAGE_BODY}
        self.bundles = {
            "1": write_bundle(folder / "1", manifest(), {"model.ubj": b"1"}),
            "2": write_bundle(folder / "2", manifest(), {"model.ubj": b"2", **cards}),
        }

    def champion(self, model):
        return "2" if model == "build_optimizer" else None

    def fetch(self, _model, version, into):
        if version not in self.bundles:
            raise NotFound("version", version)
        return shutil.copytree(self.bundles[version], into)


@pytest.fixture(name="lifecycle")
def _lifecycle(tmp_path):
    return Lifecycle(versions=Registry(tmp_path), training=None, now=lambda: None)


@pytest.mark.parametrize("version", ["2", "champion"])
@pytest.mark.parametrize(("page", "body"), [(False, BODY), (True, PAGE_BODY)])
def test_a_card_is_given_as_it_was_registered(lifecycle, version, page, body):
    """
    By number or as the champion, the card is the one that lies in the bundle.
    """
    assert lifecycle.card("build-optimizer", version, page=page) == body


@pytest.mark.parametrize(
    ("model", "version", "said"),
    [
        ("build-optimizer", "1", "without one"),
        ("build-optimizer", "9", "9"),
        ("failure-predictor", "champion", "Train and promote"),
        ("crystal-ball", "1", "crystal-ball"),
    ],
)
def test_no_card_is_a_clear_answer(lifecycle, model, version, said):
    """
    A version without a card, no version and no model are told apart.
    """
    with pytest.raises(NotFound, match=said):
        lifecycle.card(model, version, page=False)


def test_the_page_may_load_nothing():
    """
    A card's page is HTML that the browser lets load nothing; the card is JSON.
    """
    path = "/models/build-optimizer/versions/champion/card"
    card, page = (ask(make_app(Keys()), "GET", path + ending) for ending in ("", ".html"))

    assert card.json() == {"model": "build_optimizer"}
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.text.startswith("<!DOCTYPE html>")


def test_a_card_of_no_version_is_a_problem_like_any_other():
    """
    An unknown version is a 404 with the service's one shape of errors.
    """
    found = ask(make_app(Keys()), "GET", "/models/build-optimizer/versions/77/card")

    assert found.status_code == 404
    assert "77" in found.json()["detail"]
