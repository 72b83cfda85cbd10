import yaml

from benchmarks.serving.variants import VARIANTS, Variant, configured, overlaid
from tests.conftest import ROOT


def test_a_patch_reaches_deployments_by_name():
    """
    A variant changes a deployment's options and leaves all others as they are shipped.
    """
    text = (ROOT / "serve_config.yaml").read_text()
    deployments = [{"name": "ingress", "max_ongoing_requests": 5}]
    patch = {"applications": [{"name": "devmind", "deployments": deployments}]}
    variant = Variant(name="v", about="", patch=patch, arguments={"coalesce": False})

    found = yaml.safe_load(configured(text, variant, port=9))

    shipped = yaml.safe_load(text)["applications"][0]
    application = found["applications"][0]
    by_name = {each["name"]: each for each in application["deployments"]}
    assert by_name["ingress"]["max_ongoing_requests"] == 5
    assert by_name["history"] == next(d for d in shipped["deployments"] if d["name"] == "history")
    assert application["args"] == {**shipped["args"], "coalesce": False}
    assert (found["http_options"]["host"], found["http_options"]["port"]) == ("127.0.0.1", 9)


def test_what_is_shipped_is_measured_with_one_replica_each():
    """
    What is shipped is measured as it is shipped, but for replicas that would start meanwhile.
    """
    shipped = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    expected = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    for deployment in expected["applications"][0]["deployments"]:
        if deployment["name"] != "history":
            deployment["autoscaling_config"]["max_replicas"] = 1

    assert overlaid(shipped, VARIANTS[0].patch) == expected
    assert dict(VARIANTS[0].environment) == {}
