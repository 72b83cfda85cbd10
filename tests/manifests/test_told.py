"""What containers are told: files of ConfigMaps, jobs by hand, and the Secrets that we make."""

from __future__ import annotations

from copy import deepcopy

import pytest

from scripts import make_secrets
from tests.conftest import ROOT
from tests.manifests import mistakes_told, rendering
from tests.manifests.checks import every, keys, scripts, told, variables
from tests.manifests.checks.objects import of_kind

ARGO = ROOT / "k8s/argocd/devmind"
BY_HAND = [
    each
    for path in ("backup/restore.yaml", "backup-artifacts/unpack.yaml")
    for each in rendering.read(ROOT / "k8s/components" / path)
]


def rules(findings):
    return {finding.rule for finding in findings}


def made(place):
    drawn = iter(f"random{number}" for number in range(100))
    return make_secrets.PLACES[place](lambda: next(drawn), "first:admin:0")


@pytest.mark.parametrize(("rule", "place", "old", "new"), mistakes_told.FILES)
def test_a_mistake_in_a_file_is_caught(rule, place, old, new, known_schemas):
    """
    Each of these mistakes is found by the rule that is there for it.
    """
    config, key = place
    objects = deepcopy(list(rendering.render(rendering.PRODUCTION)))
    (data,) = (
        each["data"]
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"]["name"].startswith(config) and key in each["data"]
    )
    assert old in data[key]
    data[key] = data[key].replace(old, new)

    assert rule in rules(every.of_rule(rule, objects, known_schemas))


@pytest.mark.parametrize(("variable", "value"), [("SERVICE", "http://devmind:8000"), ("PAUSE", "")])
def test_a_smoke_test_that_asks_nobody_is_caught(variable, value):
    """
    What asks after a sync asks an address that is there, and is told all that it reads.
    """
    objects = deepcopy(list(rendering.render(ARGO)))
    (smoke,) = (each for each in told.containers(objects) if "smoke" in each.where)
    kept = [each for each in smoke.container["env"] if each["name"] != variable]
    smoke.container["env"][:] = [*kept, *([{"name": variable, "value": value}] if value else [])]

    found = rules([*keys.check(objects), *scripts.check(objects)])
    assert found == ({"keys.address"} if value else {"scripts.unset"})


def test_jobs_by_hand_are_told_what_their_scripts_read():
    """
    A restore and an unpacking find their scripts, folders and passwords beside production's.
    """
    objects = [*rendering.render(rendering.PRODUCTION), *BY_HAND]

    assert [*scripts.check(objects), *variables.check(objects), *keys.check(objects)] == []


@pytest.mark.parametrize("place", make_secrets.PLACES)
def test_made_secrets_name_databases_that_are_there(place):
    """
    Each address has the driver, the user, the password, the Service and the database of its own.
    """
    assert list(keys.made(made(place), rendering.render(rendering.PRODUCTION))) == []


@pytest.mark.parametrize(
    ("place", "secret", "old", "new"),
    [
        ("production", "devmind-database", "//devmind:", "//history:"),
        ("production", "devmind-database", ":5432", ":5433"),
        ("production", "devmind-database", "@postgres:", "@postgresql:"),
        ("production", "devmind-database", "/devmind", "/mlflow"),
        ("production", "devmind-mlflow", "+psycopg", "+psycopg2"),
        ("production", "devmind-mlflow", "random", "other"),
        ("local", "devmind-database", ":////var", ":///var"),
    ],
)
def test_a_wrong_address_in_a_made_secret_is_caught(place, secret, old, new):
    """
    An address that a database, a user, a driver or a volume has not is found.
    """
    secrets = made(place)
    assert old in secrets[secret]["url"]
    secrets[secret] = {"url": secrets[secret]["url"].replace(old, new)}

    assert rules(keys.made(secrets, rendering.render(rendering.PRODUCTION))) == {"keys.made"}


def test_variables_are_those_that_somebody_reads():
    """
    Names of the service, of Ray in Python and in C++, of Python and of MLflow are known.
    """
    for each in (
        *("DEVMIND_HOME", "DATABASE_URL", "JAEGER_ENDPOINT", "JOB_NAME", "RAY_PROMETHEUS_HOST"),
        *("RAY_gcs_server_request_timeout_seconds", "RAY_BACKEND_LOG_LEVEL", "PYTHONPATH"),
        *("MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_BACKEND_STORE_URI"),
    ):
        assert variables.known(each, told.OURS), each
    for each in ("DEVMIND_HOMES", "DATABASE_URI", "RAY_PROMETHEUS_URL", "RAY_log", "MLFLOW_URI"):
        assert not variables.known(each, told.OURS), each
    assert not variables.known("PG_PASSWORD", "postgres")
