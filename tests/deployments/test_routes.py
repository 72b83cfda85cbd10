"""Ray Serve names each request by its route: rules and dashboards tell routes apart by that."""

import pytest
from ray.serve._private.thirdparty.get_asgi_route_name import (
    extract_route_patterns,
    get_asgi_route_name,
)

from deployments.auth import Keys
from deployments.http import examples
from tests.deployments.fakes import ask, make_app

ASKED = [
    "/api/v1/build-optimizer/predict",
    "/api/v1/build-optimizer/remaining",
    "/api/v1/build-optimizer/optimize",
    "/api/v1/failure-predictor/predict",
    "/api/v1/test-intelligence/select",
    "/api/v1/assess",
]


def named(path, *, method="POST", root_path=""):
    """What Serve calls a request in its metrics and logs."""
    scope = {"type": "http", "method": method, "path": path, "root_path": root_path, "headers": []}
    return get_asgi_route_name(make_app(Keys()), scope)


@pytest.mark.parametrize("path", [*ASKED, "/api/v1/builds", "/models/retrain/all"])
def test_serve_names_a_request_by_its_route(path):
    """
    Questions, which have routes of their own, are named as all other requests are.
    """
    expected = "/models/retrain/{model}" if path.startswith("/models") else path

    assert named(path) == expected


def test_serve_knows_every_route_with_its_methods():
    """
    Serve's proxy hears of all routes, questions among them.
    """
    found = {(each.path, *each.methods) for each in extract_route_patterns(make_app(Keys()))}

    assert {(path, "POST") for path in ASKED} <= found
    assert ("/ready", "GET") in found


def test_what_is_no_question_is_not_named_as_one():
    """
    Another method, an unknown path and a path that only ends alike have other names, or none.
    """
    assert named("/v2/api/v1/assess") is None
    assert named("/nowhere") is None
    assert ask(make_app(Keys()), "GET", "/api/v1/assess").status_code == 405
    assert ask(make_app(Keys()), "POST", "/v2/api/v1/assess", json={}).status_code == 404
    assert ask(make_app(Keys()), "POST", "/api/v1/assess", json=examples.ASSESS).is_success
