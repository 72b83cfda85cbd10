"""Who may do what."""

from hashlib import sha256

import pytest

from deployments.auth import Keys, load_keys, refuse_open
from devmind.api_keys import make_key
from devmind.errors import InvalidInput, NotAllowed, NotAuthenticated
from devmind.settings import ServerSettings
from tests.deployments.fakes import ask, make_app

LINE = f"ci:record+predict:{sha256(b'ci-key').hexdigest()}"
ADMIN = f"ops:admin:{sha256(b'ops-key').hexdigest()}"
KEYS = Keys.parse(f"# keys\n\n{LINE}\n  {ADMIN}  \n")


@pytest.mark.parametrize("scope", ["record", "predict", "admin"])
def test_admin_may_do_everything(scope):
    """
    The scope admin implies all others.
    """
    assert KEYS.check("ops-key", scope) == "ops"


def test_a_key_may_do_what_its_scopes_say():
    """
    A known key without the scope is not allowed; which one is missing is said.
    """
    assert KEYS.check("ci-key", "record") == "ci"
    with pytest.raises(NotAllowed, match="admin"):
        KEYS.check("ci-key", "admin")


@pytest.mark.parametrize("presented", [None, "", "wrong", "ci-key ", LINE, "\ud800"])
def test_an_unknown_key_is_not_authenticated(presented):
    """
    No key, a wrong one, or the stored line itself opens nothing.
    """
    with pytest.raises(NotAuthenticated):
        KEYS.check(presented, "record")


@pytest.mark.parametrize("line", ["ci", "ci:record", "ci:fly:" + "0" * 64, "ci:record:abc", "::"])
def test_a_malformed_line_is_named_by_its_number_only(line):
    """
    What is wrong with the keys is said without repeating them.
    """
    with pytest.raises(InvalidInput, match="line 2") as error:
        Keys.parse(f"{LINE}\n{line}")
    assert sha256(b"ci-key").hexdigest() not in str(error.value)


def test_a_new_key_fits_its_line():
    """
    A key that the command line makes is let in by the line made with it, and is never repeated.
    """
    key, line = make_key("ci", ["record", "predict"])

    assert Keys.parse(line).check(key, "predict") == "ci"
    assert make_key("ci", ["record"])[0] != key


def test_keys_come_from_variable_and_file(tmp_path):
    """
    Both places count; a file that is not there is an error, not an open door.
    """
    file = tmp_path / "keys"
    file.write_text(ADMIN)
    keys = load_keys(ServerSettings(api_keys=f"{LINE},", api_keys_file=file))

    assert len(keys) == 2
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_keys(ServerSettings(api_keys_file=tmp_path / "absent"))


OPEN = {
    "loopback": ("development", "127.0.0.1", None, False),
    "loopback by name": ("development", "localhost", "::1", False),
    "production": ("production", "127.0.0.1", None, True),
    "any address": ("development", "0.0.0.0", None, True),  # noqa: S104 - what is refused
    "proxy on any address": ("development", "127.0.0.1", "0.0.0.0", True),  # noqa: S104 - as above
}


@pytest.mark.parametrize(("where", "host", "proxy", "refused"), OPEN.values(), ids=OPEN)
def test_without_keys_only_this_machine_is_served(where, host, proxy, refused):
    """
    In production, or where others can reach it, the service does not start without keys.
    """
    settings = ServerSettings(environment=where, host=host)
    refuse_open(settings, KEYS, listens_on=proxy)

    if refused:
        with pytest.raises(InvalidInput, match="DEVMIND_API_KEYS"):
            refuse_open(settings, Keys(), listens_on=proxy)
    else:
        refuse_open(settings, Keys(), listens_on=proxy)


ROUTES = {
    "recording": ("POST", "/api/v1/builds", "record"),
    "an end": ("POST", "/api/v1/builds/x/finish", "record"),
    "tests": ("POST", "/api/v1/builds/x/tests", "record"),
    "events": ("POST", "/api/v1/projects/a/b/events", "record"),
    "projects": ("GET", "/api/v1/projects", "predict"),
    "duration": ("POST", "/api/v1/build-optimizer/predict", "predict"),
    "optimize": ("POST", "/api/v1/build-optimizer/optimize", "predict"),
    "failure": ("POST", "/api/v1/failure-predictor/predict", "predict"),
    "select": ("POST", "/api/v1/test-intelligence/select", "predict"),
    "assess": ("POST", "/api/v1/assess", "predict"),
    "status": ("GET", "/models/status", "predict"),
    "jobs": ("GET", "/models/jobs", "predict"),
    "job": ("GET", "/models/jobs/1", "predict"),
    "job logs": ("GET", "/models/jobs/1/logs", "predict"),
    "cancel": ("POST", "/models/jobs/1/cancel", "admin"),
    "retrain": ("POST", "/models/retrain/build-optimizer", "admin"),
    "promote": ("POST", "/models/build-optimizer/promote", "admin"),
    "rollback": ("POST", "/models/build-optimizer/rollback", "admin"),
}


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES.values(), ids=ROUTES)
def test_every_route_demands_its_scope(method, path, scope):
    """
    Without a key 401, with a key of another scope 403, before a byte of the body is looked at.
    """
    other = {"record": "predict", "predict": "record", "admin": "predict"}[scope]
    app = make_app(Keys.parse(f"x:{other}:{sha256(b'k').hexdigest()}"))
    nobody = ask(app, method, path, content=b"{")
    lesser = ask(app, method, path, content=b"{", headers={"x-api-key": "k"})

    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert (lesser.status_code, scope in lesser.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    "headers", [{"x-api-key": "ci-key"}, {"authorization": "Bearer ci-key"}], ids=["key", "bearer"]
)
def test_a_key_is_taken_from_either_header(headers):
    """
    X-API-Key and a bearer token are the same.
    """
    assert ask(make_app(KEYS), "GET", "/models/status", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/metrics", "/docs", "/openapi.json"])
def test_what_operators_look_at_needs_no_key(path):
    """
    Liveness, readiness, metrics and documentation are open.
    """
    assert ask(make_app(KEYS), "GET", path).status_code == 200
