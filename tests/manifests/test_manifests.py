"""Everything that would be applied to a cluster."""

from __future__ import annotations

import pytest
import typer
from yamllint import linter
from yamllint.config import YamlLintConfig

from scripts import make_secrets
from tests.conftest import ROOT
from tests.manifests import rendering
from tests.manifests.checks import agreement, every, gitops, gitops_platform, versions
from tests.manifests.checks.objects import name, named, of_kind, ray_jobs
from training import job

ARGO = (ROOT / "k8s/argocd", ROOT / "k8s/argocd/apps")
OVERLAYS = sorted((ROOT / "tests/manifests/overlays").iterdir())
WHOLE = (*rendering.PLACES, *OVERLAYS)


YAML = """
extends: default
rules:
  braces: disable
  brackets: disable
  comments-indentation: disable
  comments: {min-spaces-from-content: 1}
  document-start: disable
  indentation: {spaces: consistent}
  line-length: {max: 180}
"""


def where(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", rendering.kustomizations(), ids=where)
def test_every_kustomization_renders_to_valid_objects(folder, known_schemas):
    """
    What kustomize makes of a folder, the API server and the operator accept, and our policy allows.
    """
    assert list(every.of_any(rendering.render(folder), known_schemas)) == []


@pytest.mark.parametrize("path", rendering.loose(), ids=where)
def test_every_loose_manifest_is_valid(path, known_schemas):
    """
    What people apply by itself is as valid as what is rendered.
    """
    assert list(every.of_any(rendering.read(path), known_schemas)) == []


@pytest.mark.parametrize("place", [*rendering.kustomizations(), *rendering.loose()], ids=where)
def test_custom_resources_fit_their_schemas(place, schemas):
    """
    Every object is of a known kind, with known fields and by the rules of its definition.
    """
    objects = rendering.render(place) if place.is_dir() else rendering.read(place)

    assert list(every.of_rule("schema", objects, schemas)) == []


@pytest.mark.parametrize("folder", WHOLE, ids=where)
def test_what_is_deployed_together_agrees(folder):
    """
    Names, ports, secrets, accounts, images, flows and times agree in whatever is deployed whole.
    """
    assert list(every.of_whole(rendering.render(folder))) == []


def test_the_files_are_tidy():
    """
    No key is there twice, no line is endless, and a list is indented as its neighbours are.
    """
    config = YamlLintConfig(YAML)
    files = [path for folder in ("k8s", "kuberay") for path in (ROOT / folder).rglob("*.yaml")]
    found = [
        f"{where(path)}:{problem.line}: {problem.message}"
        for path in files
        for problem in linter.run(path.read_text(encoding="utf-8"), config)
    ]

    assert found == []


def test_every_component_is_rendered_somewhere():
    """
    No component is there that no test has rendered.
    """
    used = {path for folder in WHOLE for path in rendering.components(folder)}

    assert set(rendering.kustomizations("Component")) == used


def test_argo_cd_deploys_what_is_here_and_may(known_schemas):
    """
    Applications name folders that exist, in an order, within projects that allow every object.
    """
    objects = [each for folder in ARGO for each in rendering.render(folder)]

    assert list(gitops.check(objects, ROOT, rendering.render)) == []
    assert list(gitops_platform.check(objects, ROOT)) == []
    assert list(every.of_any(objects, known_schemas)) == []


def test_every_image_of_ours_is_of_one_version_and_one_owner():
    """
    Whatever is rendered or applied by hand, Tekton's tasks too, names the version of the project.
    """
    objects = [each for folder in rendering.kustomizations() for each in rendering.render(folder)]
    objects += [each for path in rendering.loose() for each in rendering.read(path)]

    assert list(versions.check(objects)) == []
    assert {"Task/devmind-select", "Pipeline/devmind-ci"} <= {
        where for where, _ in versions.images(objects)
    }


def test_the_one_off_job_is_the_nightly_one():
    """
    A job by hand runs in the same cluster as the nightly one, and is not told off as a late tick.
    """
    (once,) = rendering.read(ROOT / "kuberay/rayjob.yaml")
    nightly = named(rendering.render(rendering.PRODUCTION), "RayCronJob")["devmind-retraining"]
    template = dict(nightly["spec"]["jobTemplate"])

    assert {**once["spec"], "entrypoint": ""} == {**template, "entrypoint": ""}
    words = template["entrypoint"].replace(" --scheduled --every 24", "")
    assert words == once["spec"]["entrypoint"]


def test_a_changed_setting_starts_a_new_cluster_and_no_job_waits_for_it():
    """
    The service names its settings by their hash, jobs by a name that stays.
    """
    objects = rendering.render(rendering.PRODUCTION)
    configs = named(objects, "ConfigMap")
    (service,) = of_kind(objects, "RayService")
    container = service["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]
    hashed = container["containers"][0]["envFrom"][0]["configMapRef"]["name"]

    assert hashed.startswith("devmind-service-config-")
    own = {key: value for key, value in configs[hashed]["data"].items() if "RAY_" not in key}
    assert own.items() <= configs["devmind-config"]["data"].items()


def test_jobs_are_asked_for_what_there_is():
    """
    Every option in the command of a job is one that `training.job` has.
    """
    app = typer.Typer()
    app.command()(job.main)
    there = {name for each in typer.main.get_command(app).params for name in each.opts}
    objects = [
        *rendering.read(ROOT / "kuberay/rayjob.yaml"),
        *rendering.render(rendering.PRODUCTION),
    ]
    asked = {
        word
        for _, each in ray_jobs(objects)
        for word in each["entrypoint"].split()
        if word.startswith("--")
    }

    assert asked - there == set()


def test_local_is_one_pod_behind_one_port():
    """
    `k8s/local` needs one node, one image and port 30800.
    """
    objects = rendering.render(rendering.LOCAL)
    (service,) = of_kind(objects, "RayService")
    spec = service["spec"]

    assert spec["serveService"]["spec"]["ports"][0]["nodePort"] == 30800
    assert "workerGroupSpecs" not in spec["rayClusterConfig"]
    head = spec["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]
    assert [each["image"] for each in head["containers"]] == ["devmind-ml-service:local"]
    assert not {each["kind"] for each in objects} & {"Deployment", "StatefulSet", "CronJob"}


@pytest.mark.parametrize("place", make_secrets.PLACES)
def test_the_secrets_are_those_that_are_named(place):
    """
    `scripts.make_secrets` makes every Secret that the place names, each value its own.
    """
    drawn = iter(f"random{number}" for number in range(100))
    made = make_secrets.PLACES[place](lambda: next(drawn), "first:admin:0")
    text = str(rendering.render(ROOT / "k8s" / place))
    keys = {secret: set(values) for secret, values in made.items()}

    assert all(agreement.SECRETS[secret] == held for secret, held in keys.items())
    assert set(made) == {secret for secret in agreement.SECRETS if f"'{secret}'" in text}
    (items,) = [make_secrets.manifest(made)["items"]]
    assert {name(each) for each in items} == {f"Secret/{secret}" for secret in made}


def test_two_values_of_the_history_are_one_password():
    """
    The URL that the service gets holds the password that PostgreSQL is made with.
    """
    drawn = iter(f"random{number}" for number in range(100))
    made = make_secrets.production(lambda: next(drawn), "first:admin:0")

    stores = made["devmind-postgres"]
    assert f":{stores['history-password']}@" in made["devmind-database"]["url"]
    assert f":{stores['mlflow-password']}@" in made["devmind-mlflow"]["url"]
    assert len(set(stores.values())) == 3
