"""Whatever is sent, the answer is one of those that are documented."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.auth import Keys
from deployments.http import examples
from tests.deployments.fakes import ask, make_app, records

EXPECTED = {200, 201, 202, 404, 409, 413, 415, 422}
ROUTES = {
    "/api/v1/builds": examples.BUILD,
    f"/api/v1/builds/{examples.BUILD_ID}/finish": examples.FINISH,
    f"/api/v1/builds/{examples.BUILD_ID}/tests": examples.REPORT,
    "/api/v1/projects/acme/shop/events": examples.EVENTS,
    "/api/v1/build-optimizer/predict": examples.DURATION,
    "/api/v1/build-optimizer/remaining": examples.REMAINING,
    "/api/v1/build-optimizer/optimize": examples.OPTIMIZE,
    "/api/v1/failure-predictor/predict": examples.FAILURE,
    "/api/v1/test-intelligence/select": examples.SELECT,
    "/api/v1/assess": examples.ASSESS,
    "/models/retrain/build-optimizer": examples.RETRAIN,
    "/models/build-optimizer/promote": examples.PROMOTE,
}
odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["\0", "1e999", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "../.."]
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["path", "project", "build", "", "x"]), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def spoilt(draw, body):
    """The example with one place, at any depth, replaced by something odd."""
    copy = json.loads(json.dumps(body))
    place = copy
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        deeper = isinstance(place[key], (dict, list)) and place[key]
        if not deeper or draw(st.booleans()):
            place[key] = draw(odd)
            return copy
        place = place[key]


@pytest.fixture(name="app")
def _app(store):
    return make_app(Keys(), records=records(store))


@pytest.mark.parametrize("path", ROUTES)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=st.data())
def test_nothing_that_is_sent_breaks_the_service(app, path, drawn):
    """
    A documented request with anything in one of its places gets a documented answer.
    """
    content = json.dumps(drawn.draw(spoilt(ROUTES[path])))
    headers = {"content-type": "application/json"}

    answered = ask(app, "POST", path, content=content, headers=headers)

    assert answered.status_code in EXPECTED, answered.text


@pytest.mark.parametrize(
    "path", ["/%00", "/api/v1/builds/%00/finish", "/api/v1/projects/%ff%fe/events", "/docs/../x"]
)
def test_odd_paths_are_answered(app, path):
    """
    A path with anything in it is an ordinary refusal.
    """
    assert ask(app, "POST", path, json=examples.FINISH).status_code in {404, 405, 422}
