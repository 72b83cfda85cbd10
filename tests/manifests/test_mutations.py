"""Whether the checks catch what they are for."""

from __future__ import annotations

import re
from copy import deepcopy

import pytest

from tests.conftest import ROOT
from tests.manifests import mistakes, mistakes_by_place, mistakes_told, mutations, rendering
from tests.manifests.checks import every, gitops, gitops_platform
from tests.manifests.checks.objects import named
from tests.manifests.test_monitors import MISTAKES

PRODUCTION = [
    each
    for lines in (mistakes.PRODUCTION, mistakes_told.PRODUCTION)
    for each in mutations.table(lines)
]
GITOPS = [
    each for lines in (mistakes.GITOPS, mistakes_told.GITOPS) for each in mutations.table(lines)
]
BY_PLACE = [
    (place, each)
    for place, lines in mistakes_by_place.PLACES.items()
    for each in mutations.table(lines)
]


def rules(findings):
    return {finding.rule for finding in findings}


def needs(known_schemas, rule):
    if known_schemas is None and rule.startswith("schema."):
        pytest.skip("schemas are absent: set DEVMIND_SCHEMAS")


@pytest.mark.parametrize("mutation", PRODUCTION, ids=lambda each: each.title)
def test_a_mistake_in_production_is_caught(mutation, known_schemas):
    """
    Each of these mistakes is found by the rule that is there for it.
    """
    needs(known_schemas, mutation.rule)
    objects = mutations.mutated(rendering.render(rendering.PRODUCTION), mutation)

    assert mutation.rule in rules(every.of_rule(mutation.rule, objects, known_schemas))


@pytest.mark.parametrize(
    ("place", "mutation"), BY_PLACE, ids=[f"{place}: {each.title}" for place, each in BY_PLACE]
)
def test_a_mistake_in_what_is_taken_together_is_caught(place, mutation, known_schemas):
    """
    Each of these mistakes is found where it is made, also beside production.
    """
    needs(known_schemas, mutation.rule)
    parts = [ROOT / each for each in place.split()]
    objects = [
        each
        for part in parts
        for each in (rendering.render(part) if part.is_dir() else rendering.read(part))
    ]
    changed = mutations.mutated(objects, mutation)

    assert mutation.rule in rules(every.of_rule(mutation.rule, changed, known_schemas))


@pytest.mark.parametrize(("rule", "old", "new"), mistakes.SERVE)
def test_a_mistake_in_the_serve_configuration_is_caught(rule, old, new):
    """
    Typing errors that Ray takes without a word, and settings that cannot work in a pod, are found.
    """
    objects = deepcopy(list(rendering.render(rendering.PRODUCTION)))
    spec = named(objects, "RayService")["devmind"]["spec"]
    assert old in spec["serveConfigV2"]
    spec["serveConfigV2"] = spec["serveConfigV2"].replace(old, new)

    assert rule in rules(every.of_whole(objects))


@pytest.mark.parametrize("mutation", GITOPS, ids=lambda each: each.title)
def test_a_mistake_in_argo_cds_objects_is_caught(mutation, known_schemas):
    """
    Each of these mistakes is found by the rule that is there for it.
    """
    needs(known_schemas, mutation.rule)
    folders = (ROOT / "k8s/argocd", ROOT / "k8s/argocd/apps")
    objects = [each for folder in folders for each in rendering.render(folder)]
    changed = mutations.mutated(objects, mutation)

    found = rules(gitops.check(changed, ROOT, rendering.render))
    found |= rules(gitops_platform.check(changed, ROOT))
    assert mutation.rule in found | rules(every.of_rule(mutation.rule, changed, known_schemas))


def test_every_rule_has_a_mistake_that_it_catches():
    """
    No rule is there that no mutation has shown to work.
    """
    sources = (ROOT / "tests/manifests/checks").glob("*.py")
    written = {word for path in sources for word in rules_in(path.read_text(encoding="utf-8"))}
    tried = (*PRODUCTION, *GITOPS, *(each for _, each in BY_PLACE))
    shown = {each.rule for each in tried} | {row[0] for row in mistakes.SERVE}
    shown |= {row[0] for rows in MISTAKES.values() for row in rows}

    assert written - shown - ELSEWHERE == set()
    assert len(PRODUCTION) + len(GITOPS) + len(mistakes.SERVE) >= 120


ELSEWHERE = {
    *("operator.job-sidecar", "agreement.fetched-secret", "keys.made", "sizes.appendonly"),
}
"""Rules of what is not in production's objects; shown below, and in `test_told`."""


def rules_in(text):
    return set(re.findall(r'Finding\(\s*"([a-z-]+\.[a-z0-9-]+)"', text))


def test_a_sidecar_job_and_a_forgotten_secret_are_caught(known_schemas):
    """
    The rules of objects that production has not work as well.
    """
    (job,) = deepcopy(rendering.read(ROOT / "kuberay/rayjob.yaml"))
    job["spec"] |= {"submissionMode": "SidecarMode", "submitterConfig": {"backoffLimit": 1}}
    objects = deepcopy(list(rendering.render(ROOT / "k8s/argocd/devmind")))
    fetched = named(objects, "ExternalSecret")["devmind-redis"]
    fetched["spec"]["data"][0]["secretKey"] = "secret"

    assert "operator.job-sidecar" in rules(every.of_any([job], known_schemas))
    assert "agreement.fetched-secret" in rules(every.of_whole(objects))
