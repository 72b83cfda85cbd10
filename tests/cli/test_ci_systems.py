import json

import pytest

from devmind.cli.ci_systems import Surroundings, detect
from devmind.remotes import repository


@pytest.fixture
def event(tmp_path):
    def write(payload):
        path = tmp_path / "event.json"
        path.write_text(json.dumps(payload))
        return str(path)

    return write


GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_API_URL": "https://api.github.example",
    "GITHUB_BASE_REF": "",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_HEAD_REF": "",
    "GITHUB_JOB": "test",
    "GITHUB_REF": "refs/heads/feature/cart",
    "GITHUB_REF_NAME": "feature/cart",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REPOSITORY": "shop/web",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_RUN_ID": "12345678901",
    "GITHUB_RUN_NUMBER": "481",
    "GITHUB_SHA": "ffac537e6cbbf934b08745a378932722df287a53",
    "GITHUB_WORKFLOW": "Tests and more",
    "GITHUB_WORKFLOW_REF": "shop/web/.github/workflows/ci.yml@refs/heads/feature/cart",
}


def test_a_push_on_github(event):
    """
    A push tells everything: the rerun, the workflow's file, where the change starts.
    """
    path = event({"before": "aaa1", "head_commit": {"message": "Add cart"}})

    assert detect(GITHUB | {"GITHUB_EVENT_PATH": path}) == Surroundings(
        system="github",
        project="shop/web",
        pipeline="ci.yml",
        external_id="12345678901",
        attempt=2,
        trigger="push",
        branch="feature/cart",
        author="octocat",
        commit="ffac537e6cbbf934b08745a378932722df287a53",
        message="Add cart",
        before="aaa1",
    )


def test_a_pull_request_on_github(event):
    """
    Of a pull request, its own head counts, not the merge commit that GitHub makes for the run.
    """
    pull = {
        "number": 7,
        "title": "Add cart",
        "head": {"sha": "bbb2", "ref": "feature/cart"},
        "base": {"sha": "ccc3", "ref": "main"},
    }
    env = GITHUB | {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": event({"pull_request": pull}),
        "GITHUB_HEAD_REF": "feature/cart",
        "GITHUB_BASE_REF": "main",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_REF_NAME": "7/merge",
    }

    around = detect(env)

    assert (around.branch, around.base, around.pull_request) == ("feature/cart", "main", "7")
    assert (around.commit, around.before) == ("bbb2", "ccc3")
    assert around.trigger == "pull_request"


def test_the_first_push_of_a_branch_on_github(event):
    """
    GitHub writes zeros where there was no commit before: then none is known.
    """
    assert detect(GITHUB | {"GITHUB_EVENT_PATH": event({"before": "0" * 40})}).before == ""


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_broken_event_is_no_trouble(tmp_path, text):
    """
    An event file that is missing or broken says nothing, and that is all.
    """
    (tmp_path / "event.json").write_text(text)

    around = detect(GITHUB | {"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})

    assert (around.project, around.before) == ("shop/web", "")


def test_a_merge_request_on_gitlab():
    """
    GitLab says all in variables, and when the pipeline was made.
    """
    env = {
        "GITLAB_CI": "true",
        "CI_PROJECT_PATH": "team/shop/web",
        "CI_PIPELINE_ID": "991",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_PIPELINE_CREATED_AT": "2026-01-31T12:00:00Z",
        "CI_COMMIT_SHA": "mmm",
        "CI_COMMIT_REF_NAME": "feature/cart",
        "CI_COMMIT_MESSAGE": "Add cart",
        "CI_COMMIT_BEFORE_SHA": "0" * 40,
        "CI_MERGE_REQUEST_IID": "12",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature/cart",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "bbb",
        "GITLAB_USER_LOGIN": "ann",
    }

    around = detect(env)

    assert (around.project, around.pipeline) == ("team/shop/web", ".gitlab-ci.yml")
    assert (around.external_id, around.queued_at) == ("991", "2026-01-31T12:00:00Z")
    assert (around.branch, around.base, around.pull_request) == ("feature/cart", "main", "12")
    assert (around.author, around.commit, around.before) == ("ann", "mmm", "bbb")


def test_a_branch_of_a_jenkins_multibranch_job():
    """
    All branches of a job are one pipeline, and a build's tag tells their numbers apart.
    """
    env = {
        "JENKINS_URL": "https://jenkins.example/",
        "JOB_NAME": "shop/web/feature%2Fcart",
        "BRANCH_NAME": "feature/cart",
        "BUILD_NUMBER": "17",
        "BUILD_TAG": "jenkins-shop-web-feature%2Fcart-17",
        "GIT_URL": "git@git.example.org:shop/web.git",
        "GIT_COMMIT": "ccc",
        "GIT_PREVIOUS_COMMIT": "bbb",
    }

    around = detect(env)

    assert (around.project, around.pipeline, around.branch) == ("shop/web",) * 2 + ("feature/cart",)
    assert around.external_id == "jenkins-shop-web-feature%2Fcart-17"
    assert (around.commit, around.before, around.trigger) == ("ccc", "bbb", "")


def test_a_pull_request_on_jenkins():
    """
    A change request has its own branch, target and author.
    """
    env = {
        "JENKINS_URL": "https://jenkins.example/",
        "JOB_NAME": "web/PR-7",
        "BRANCH_NAME": "PR-7",
        "BUILD_NUMBER": "3",
        "CHANGE_ID": "7",
        "CHANGE_BRANCH": "feature/cart",
        "CHANGE_TARGET": "main",
        "CHANGE_AUTHOR": "ann",
        "CHANGE_TITLE": "Add cart",
        "GIT_PREVIOUS_COMMIT": "bbb",
    }

    around = detect(env)

    assert (around.project, around.pipeline) == ("web", "web")
    assert (around.branch, around.base, around.pull_request) == ("feature/cart", "main", "7")
    assert (around.author, around.trigger, around.before) == ("ann", "pull_request", "")


def test_a_tekton_run():
    """
    A Tekton task that maps its context to variables is recognised by its run's name.
    """
    env = {
        "TEKTON_PIPELINE_RUN": "ci-x7k2p",
        "TEKTON_PIPELINE": "ci",
        "TEKTON_REPO_URL": "https://git.example.org/shop/web.git",
        "TEKTON_REVISION": "ccc",
        "TEKTON_BRANCH": "main",
    }

    around = detect(env)

    assert (around.system, around.project, around.pipeline) == ("tekton", "shop/web", "ci")
    assert (around.external_id, around.commit, around.branch) == ("ci-x7k2p", "ccc", "main")


def test_outside_of_ci():
    """
    Outside of CI nothing is made up.
    """
    assert detect({"HOME": "/home/ann"}) == Surroundings()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://git.example.org/shop/web.git", "shop/web"),
        ("https://token@git.example.org/shop/web", "shop/web"),
        ("ssh://git@git.example.org:2222/team/shop/web.git", "team/shop/web"),
        ("git@git.example.org:shop/web.git", "shop/web"),
        ("/srv/git/web.git", ""),
        ("", ""),
    ],
)
def test_the_name_of_a_repository(url, name):
    """
    The address of a repository names the project, whatever the protocol; never a credential.
    """
    assert repository(url) == name
