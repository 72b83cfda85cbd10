"""Cloudflare's Terraform, against the attributes that the provider has."""

import copy
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.hcl import load_schema, read, resources, wrong

FOLDER = ROOT / "k8s" / "cloudflare"
BLOCKS = read(FOLDER)
RESOURCES = {f"{type_}.{name}": (type_, body) for type_, name, body in resources(BLOCKS)}
NEEDED = {
    "cloudflare_zero_trust_tunnel_cloudflared",
    "cloudflare_zero_trust_tunnel_cloudflared_config",
    "cloudflare_dns_record",
    "cloudflare_zero_trust_access_application",
    "cloudflare_zero_trust_access_policy",
    "cloudflare_zero_trust_access_service_token",
    "data.cloudflare_zero_trust_tunnel_cloudflared_token",
}


@pytest.fixture(name="schema", scope="module")
def _schema():
    folder = Path(os.environ.get("DEVMIND_SCHEMAS", ROOT.parent / "shared" / "schemas"))
    found = load_schema(folder)
    if found is None:
        pytest.skip(f"schemas are absent: {folder} has no provider's; set DEVMIND_SCHEMAS")
    return found


def test_all_that_is_needed_is_there():
    """
    Tunnel, its configuration, name, application, policies and CI's token are made.
    """
    assert {type_ for type_, _ in RESOURCES.values()} == NEEDED


@pytest.mark.parametrize("name", RESOURCES)
def test_the_provider_takes_every_attribute(schema, name):
    """
    No attribute is unknown, read-only or missing, nested ones included.
    """
    assert wrong(schema, *RESOURCES[name]) == []


def put(body, *path, value):
    for name in path[:-1]:
        body = body[name]
    body[path[-1]] = value


def drop(body, *path):
    for name in path[:-1]:
        body = body[name]
    del body[path[-1]]


CONFIG = "cloudflare_zero_trust_tunnel_cloudflared_config.devmind"
CI = "cloudflare_zero_trust_access_policy.ci"
PEOPLE = "cloudflare_zero_trust_access_policy.people"
MUTATIONS = {
    "misspelt": (CONFIG, lambda b: put(b, "tunnel", value="x"), "tunnel is not to be set"),
    "missing": (CONFIG, lambda b: drop(b, "tunnel_id"), "tunnel_id is missing"),
    "read-only": (CONFIG, lambda b: put(b, "version", value=1), "version is not to be set"),
    "a block of v4": (
        CONFIG,
        lambda b: put(b, "config", "ingress_rule", value=[]),
        "config.ingress_rule",
    ),
    "misspelt inside": (
        CONFIG,
        lambda b: put(b, "config", "ingress", 0, "host", value="x"),
        "config.ingress.host",
    ),
    "missing inside": (
        CONFIG,
        lambda b: drop(b, "config", "ingress", 1, "service"),
        "service is missing",
    ),
    "misspelt deep inside": (
        CONFIG,
        lambda b: put(b, "config", "ingress", 0, "origin_request", "access", "aud", value=[]),
        "config.ingress.origin_request.access.aud",
    ),
    "in a list": (
        CI,
        lambda b: put(b, "include", 0, "service_token", value={"id": "x"}),
        "token_id is missing",
    ),
    "in an expression": (
        PEOPLE,
        lambda b: put(b, "include", value="${[for d in x : { email_domain = { name = d } }]}"),
        "include.email_domain.name is not to be set",
    ),
}


@pytest.mark.parametrize(("name", "change", "message"), MUTATIONS.values(), ids=MUTATIONS)
def test_the_check_sees_mistakes(schema, name, change, message):
    """
    What the provider would refuse on a real run is refused here.
    """
    type_, body = RESOURCES[name]
    body = copy.deepcopy(body)
    change(body)

    assert any(message in found for found in wrong(schema, type_, body)), wrong(schema, type_, body)


def test_references_are_to_what_there_is():
    """
    Every variable and resource that is referred to is declared, and every variable is used.
    """
    text = "\n".join(path.read_text() for path in FOLDER.glob("*.tf"))
    declared = {name for block in BLOCKS["variable"] for name in block}
    referred = set(re.findall(r"((?:data\.)?cloudflare_\w+\.\w+)\.\w+", text))

    assert set(re.findall(r"\bvar\.(\w+)", text)) == declared
    assert referred <= set(RESOURCES)


def test_variables_are_checked_and_secrets_are_hidden():
    """
    Every variable says what it is and what it takes; outputs with secrets are sensitive.
    """
    for block in BLOCKS["variable"]:
        for body in block.values():
            assert {"description", "type", "validation"} <= set(body)
    outputs = {name: body for block in BLOCKS["output"] for name, body in block.items()}
    hidden = {
        name for name, body in outputs.items() if str(body.get("sensitive")).lower() == "true"
    }

    assert hidden == {"tunnel_token", "ci_client_secret"}


def test_no_secret_stands_in_a_file():
    """
    No token, password or key is written down, and states and variables are not kept in git.
    """
    text = "\n".join(path.read_text() for path in FOLDER.iterdir() if path.is_file())

    assert not re.search(r"(?i)(api_token|password|secret|api_key)\s*[=:]\s*\"[^\"$]+\"", text)
    assert {"*.tfstate", "*.tfvars"} <= set((FOLDER / ".gitignore").read_text().split())


def test_the_tunnel_leads_to_the_service():
    """
    The last rule refuses, the first leads to Serve's port and checks Access's token on its way.
    """
    _, body = RESOURCES[CONFIG]
    first, last = body["config"]["ingress"]
    variables = {name: body for block in BLOCKS["variable"] for name, body in block.items()}

    assert last == {"service": "http_status:404"}
    assert first["origin_request"]["access"]["required"] is True
    assert variables["service_url"]["default"] == (
        "http://devmind-ml-service.devmind-pipeline.svc:8000"
    )


def test_cloudflared_takes_its_token_from_a_secret():
    """
    Two replicas, not root, a budget, and a token that no manifest holds.
    """
    objects = list(yaml.safe_load_all((FOLDER / "cloudflared.yaml").read_text()))
    deployment, budget, policy = objects
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert [one["kind"] for one in (budget, policy)] == ["PodDisruptionBudget", "NetworkPolicy"]
    assert deployment["spec"]["replicas"] > budget["spec"]["minAvailable"]
    assert container["env"][0]["valueFrom"] == {
        "secretKeyRef": {"name": "cloudflared", "key": "token"}
    }
    assert re.fullmatch(r"cloudflare/cloudflared:[\d.]+", container["image"])


def test_files_are_formatted():
    """
    `terraform fmt` would change nothing.
    """
    if shutil.which("terraform") is None:
        pytest.skip("terraform is absent; install it to check the format of its files")
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-recursive", str(FOLDER)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")
