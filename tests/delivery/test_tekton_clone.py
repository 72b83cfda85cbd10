"""What git-clone makes is enough for our Tasks, and what they say is what the import reads."""

import json

import pytest

from devmind.ci import build_id
from devmind.cli.ci_systems import detect
from devmind.readers import open_source
from tests.cli.conftest import Repository
from tests.delivery.tekton import TASKS, URL, carry_out, params_in_a_run, plain_variables
from tests.readers.tekton_objects import listed, param, pipeline_run, uid


@pytest.fixture(name="upstream")
def _upstream(tmp_path):
    """A repository with a branch, a commit of a fork behind a pull request, and a newer main."""
    upstream = Repository(tmp_path / "upstream")
    upstream.commit("One", web__cart_py="1")
    upstream.git("switch", "-q", "-c", "cart")
    upstream.commit("Two", web__mail_py="2")
    upstream.commit("Three", web__sale_py="3")
    upstream.git("switch", "-q", "--detach")
    fork = upstream.commit("Four", web__fork_py="4")
    upstream.git("update-ref", "refs/pull/17/head", fork)
    upstream.git("switch", "-q", "main")
    upstream.commit("Five", web__other_py="5")
    return upstream


def git_init(upstream, folder, params):
    """Do what git-init of the Tekton catalog does with the parameters of `git-clone`."""
    clone = Repository(folder)
    clone.git("remote", "add", "origin", f"file://{upstream.folder}")
    depth = [] if params["depth"] == "0" else [f"--depth={params['depth']}"]
    refspec = params.get("refspec", "")
    fetched = refspec.split(" ") if refspec else [params["revision"]]
    clone.git("fetch", "-q", *depth, "origin", "--update-head-ok", "--force", *fetched)
    clone.git("checkout", "-q", "-f", params["revision"] if refspec else "FETCH_HEAD")
    clone.git("remote", "set-url", "origin", URL)
    return clone


def cloned(upstream, folder, revision):
    return git_init(
        upstream,
        folder,
        params_in_a_run("clone", {"params.repo-url": URL, "params.revision": revision}),
    )


@pytest.fixture(name="pull_request", params=["a commit", "a branch", "a commit of a fork"])
def _pull_request(request, upstream, tmp_path):
    """A checkout of a change that goes into main, and the files it changes."""
    files = {"web/mail.py", "web/sale.py"}
    revision = "cart" if request.param == "a branch" else upstream.git("rev-parse", "cart")
    if request.param == "a commit of a fork":
        revision, files = upstream.git("rev-parse", "refs/pull/17/head"), {*files, "web/fork.py"}
    return cloned(upstream, tmp_path / "source", revision).folder, files


@pytest.mark.parametrize("task", ["record", "predict", "select"])
def test_a_pull_request_is_compared_with_its_base(service, pull_request, task):
    """
    The branch that a change goes into is in the checkout, so the changed files are known.
    """
    folder, files = pull_request
    (folder / ".devmind").mkdir()
    (folder / ".devmind" / "tests.txt").write_text("cart\n")
    carry_out(f"devmind-{task}", folder, service.url, branch="cart", base="main")
    sent = service.requests[0].json
    changed = sent["change"]["files"] if task == "record" else sent["changed_files"]

    assert {file["path"] for file in changed} == files


def test_a_checkout_without_the_base_runs_everything(service, upstream, tmp_path):
    """
    Elsewhere cloned, without the base, the files are not known: that is said, and all tests run.
    """
    params = {"revision": "cart", "depth": "1"}
    folder = git_init(upstream, tmp_path / "source", params).folder
    (folder / ".devmind").mkdir()
    (folder / ".devmind" / "tests.txt").write_text("cart\n")
    ended = carry_out("devmind-select", folder, service.url, base="main", format="names")

    assert (folder / ".devmind" / "selected.txt").read_text() == "cart\n"
    assert "there is no revision 'origin/main'" in ended.err
    assert service.requests == []


GIVEN = {
    "repo-url": URL,
    "revision": "acb5820ced9479c074f688cc328bf03f341a511d",
    "branch": "cart",
    "event": "pull_request",
    "base": "main",
    "pull-request": "17",
}
PLAIN = {"labels": {}, "annotations": {}, "generateName": "web-"}
PLACES = {
    "a Pipeline of the cluster": ({"pipelineRef": {"name": "devmind-ci"}}, {}, "devmind-ci"),
    "in the run": ({"pipelineRef": None}, {"pipeline-name": "web-ci"}, "web-x7k2p"),
}


@pytest.mark.parametrize(("spec", "more", "name"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("task", ["record", "predict", "select", "report"])
def test_recording_and_importing_agree(tmp_path, spec, more, name, task):
    """
    What the Tasks of a run say and what its export says is one build with one change.
    """
    given = GIVEN | more
    values = {f"params.{key}": value for key, value in given.items()}
    around = {"context.pipeline.name": name, "context.pipelineRun.uid": uid(1)}
    states = {"tasks.clone.status": "Succeeded", "tasks.test.status": "Succeeded"}
    params = params_in_a_run(task, values | around | states)
    (step,) = TASKS[f"devmind-{task}"]["spec"]["steps"]
    env = plain_variables(step, {f"params.{key}": value for key, value in params.items()})
    said = detect(env)
    run = pipeline_run(
        name="web-x7k2p",
        metadata=PLAIN,
        spec=spec | {"params": [param(key, value) for key, value in given.items()]},
    )
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(listed(run)))
    (build,) = (one.build for one in open_source(path).builds())

    assert build.build_id == build_id(
        said.project, env["DEVMIND_PIPELINE"] or said.pipeline, said.external_id, said.attempt
    )
    assert (build.trigger, build.change.base, build.change.pull_request) == (
        said.trigger,
        said.base,
        said.pull_request,
    )
    assert (build.change.commit, build.change.branch) == (said.commit, said.branch)
