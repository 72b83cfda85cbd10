"""Load beside, then swap; keep the old version whatever is wrong with the new one."""

import asyncio

import pytest

from deployments.metrics import Metrics
from deployments.model_slot import RETRY_S, ModelSlot
from devmind.errors import (
    CorruptBundle,
    FeatureSchemaMismatch,
    HistoryUnavailable,
    InvalidInput,
    ModelUnavailable,
)
from tests.deployments.fakes import Clock, Instruments

NAME = "build_optimizer"
EXACT = "devmind_exact_predictor"


class Versions:
    """Versions by number; an exception in the place of a body is raised."""

    def __init__(self, **bodies):
        self.bodies = {name.strip("v"): body for name, body in bodies.items()}
        self.promoted = None
        self.fetched = []

    async def champion(self, _model):
        if isinstance(self.promoted, Exception):
            raise self.promoted
        return self.promoted

    async def bundle(self, _model, version):
        self.fetched.append(version)
        if isinstance(self.bodies[version], Exception):
            raise self.bodies[version]
        return self.bodies[version]


class Trees:
    def __init__(self, **by_library):
        self.by_library = by_library


def load(body, name):
    if body == b"broken":
        raise RuntimeError("secret path /srv/models")
    if body.startswith(b"trees"):
        return Trees() if body == b"trees" else Trees(shop="not equal")
    return f"{name} loaded"


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="instruments")
def _instruments():
    return Instruments()


@pytest.fixture(name="slot")
def _slot(clock, instruments):
    versions = Versions(v1=b"one", v2=b"two", v3=b"broken")
    slot = ModelSlot(
        name=NAME, versions=versions, load=load, metrics=Metrics(instruments), clock=clock
    )
    slot.versions = versions
    return slot


def follow(slot, promoted):
    slot.versions.promoted = promoted
    asyncio.run(slot.follow())


def test_nothing_is_served_before_a_promotion(slot):
    """
    Without a champion the slot is empty and says what to do.
    """
    follow(slot, None)

    with pytest.raises(ModelUnavailable, match="train and promote"):
        slot.current()


def test_the_champion_is_followed(slot, instruments):
    """
    A promotion swaps the model, and the metrics say which version is served.
    """
    follow(slot, "1")
    follow(slot, "2")

    assert slot.current().model == "build_optimizer/2 loaded"
    assert (slot.serving, slot.reason) == ("2", "")
    assert instruments.get("devmind_model_loaded", model=NAME, version="1") == 0
    assert instruments.get("devmind_model_loaded", model=NAME, version="2") == 1


def test_the_library_in_the_place_of_packed_trees_is_told(slot, instruments):
    """
    Of a model of trees the metrics say whether they are packed; of another one, nothing.
    """
    slot.versions.bodies |= {"8": b"trees", "9": b"trees that differ"}
    told = []

    for version in ("1", "8", "9"):
        follow(slot, version)
        told.append(instruments.values.get((EXACT, (("model", NAME),))))

    assert told == [None, 1.0, 0.0]


def test_what_is_served_is_not_loaded_again(slot):
    """
    Looking again costs no transfer.
    """
    for _ in range(3):
        follow(slot, "1")

    assert slot.versions.fetched == ["1"]


REJECTED = {
    "does not load": b"broken",
    "damaged": CorruptBundle("b", "altered"),
    "other features": FeatureSchemaMismatch("b", ("gone",), ()),
    "vanished": KeyError("3"),
}


@pytest.mark.parametrize("body", REJECTED.values(), ids=REJECTED)
def test_a_version_that_cannot_be_loaded_changes_nothing(slot, instruments, body):
    """
    The old version goes on serving; the failure is counted, and its text reveals no path.
    """
    slot.versions.bodies["3"] = body
    follow(slot, "1")
    follow(slot, "3")

    assert slot.current().version == "1"
    assert "version 3 was rejected" in slot.reason
    assert "/root" not in slot.reason
    assert instruments.get("devmind_model_load_failures_total", model=NAME) == 1


def test_a_rejected_version_is_tried_again_later(slot, clock):
    """
    A broken version is not fetched at every look, but may be mended; another one is tried at once.
    """
    follow(slot, "3")
    follow(slot, "3")
    clock.seconds += RETRY_S + 1
    slot.versions.bodies["3"] = b"mended"
    follow(slot, "3")

    assert slot.versions.fetched == ["3", "3"]
    assert slot.serving == "3"


def test_a_rollback_clears_the_reason(slot):
    """
    Back on a version that serves, nothing is wrong any more.
    """
    for promoted in ("1", "3", "1"):
        follow(slot, promoted)

    assert (slot.serving, slot.reason) == ("1", "")


def test_a_registry_that_is_away_says_nothing_about_a_version(slot, instruments):
    """
    While versions cannot be fetched the old one serves, and nothing is held against the new one.
    """
    follow(slot, "1")
    slot.versions.bodies["2"] = HistoryUnavailable("away")
    follow(slot, "2")
    follow(slot, HistoryUnavailable("away"))
    slot.versions.bodies["2"] = b"two"
    follow(slot, "2")

    assert slot.serving == "2"
    assert instruments.get("devmind_model_load_failures_total", model=NAME) == 0


def test_a_version_can_be_pinned(slot):
    """
    A number in the configuration wins over the champion, until the champion is wanted again.
    """
    slot.want({"version": "2"})
    follow(slot, "1")
    pinned = slot.serving
    slot.want({"version": "champion"})
    follow(slot, "1")

    assert (pinned, slot.serving) == ("2", "1")


@pytest.mark.parametrize("config", [None, {}, {"version": 7}, {"version": "1", "x": "y"}, "1"])
def test_a_wrong_configuration_never_takes_a_serving_replica_down(slot, config):
    """
    It is refused while nothing is served, and only noted when something is.
    """
    with pytest.raises(InvalidInput):
        slot.want(config)
    follow(slot, "1")
    slot.want(config)

    assert slot.serving == "1"


def test_looking_twice_at_once_is_looking_once(slot):
    """
    A look that is under way is not started again, so a slow registry piles nothing up.
    """

    async def story():
        slot.versions.promoted = "1"
        first, second = slot.follow_soon(), slot.follow_soon()
        await first
        return first is second

    assert asyncio.run(story())
