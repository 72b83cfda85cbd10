"""The Serve configuration of Kubernetes is the one of a laptop."""

from __future__ import annotations

import sys

import pytest
import yaml

from scripts import serve_config
from tests.conftest import ROOT
from tests.manifests import rendering
from tests.manifests.checks.objects import of_kind

EVERYWHERE = ".".join(4 * "0")


def differences(one, other, path=""):
    """Yield the paths at which two values differ, with what the second says."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from differences(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}.{number}")
    elif one != other:
        yield path.rpartition(".")[2], other


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (
            rendering.PRODUCTION,
            {("host", EVERYWHERE), ("min_replicas", 2), ("max_replicas_per_node", 1)},
        ),
        (rendering.LOCAL, {("host", EVERYWHERE), ("max_replicas", 1)}),
    ],
)
def test_a_place_differs_as_documented_and_not_else(place, expected):
    """
    What is served in a cluster is `serve_config.yaml`, but for the address and the replicas.
    """
    (service,) = of_kind(rendering.render(place), "RayService")
    here = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    there = yaml.safe_load(service["spec"]["serveConfigV2"])

    assert set(differences(here, there)) == expected


def test_the_generated_files_are_up_to_date(monkeypatch):
    """
    Whoever changes `serve_config.yaml` is told to run the generator.
    """
    monkeypatch.setattr(sys, "argv", ["serve_config", "--check"])
    with pytest.raises(SystemExit) as ended:
        serve_config.main()

    assert not ended.value.code


def test_a_change_is_noticed(monkeypatch, tmp_path):
    """
    A stale file is named.
    """
    changed = tmp_path / "serve_config.yaml"
    text = (ROOT / "serve_config.yaml").read_text(encoding="utf-8")
    changed.write_text(text.replace("request_timeout_s: 120", "request_timeout_s: 60"))
    monkeypatch.setattr(serve_config, "SOURCE", changed)
    monkeypatch.setattr(sys, "argv", ["serve_config", "--check"])
    with pytest.raises(SystemExit) as ended:
        serve_config.main()

    assert "k8s/local/serve-config.yaml is out of date" in ended.value.code


def test_the_source_is_left_as_it_is():
    """
    Making a place's configuration changes nothing of the source's.
    """
    config = yaml.safe_load((ROOT / "serve_config.yaml").read_text(encoding="utf-8"))
    before = yaml.safe_dump(config)
    serve_config.adapted(config, serve_config.Difference(min_replicas=3, a_node=1))

    assert yaml.safe_dump(config) == before


def test_the_cluster_finds_what_makes_serve_smaller():
    """
    `PYTHONPATH` names the folder below the image's checkout, and the folder is there.
    """
    named = dict(line.split("=", 1) for line in serve_config.environment().splitlines()[2:])
    image, folder = serve_config.IMAGE_ROOT, serve_config.LEAN

    assert named["PYTHONPATH"] == f"{image}/{folder}"
    assert f"WORKDIR {image}\n" in (ROOT / "Dockerfile").read_text()
    assert (ROOT / folder / "sitecustomize.py").is_file()
