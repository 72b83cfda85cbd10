"""What a CI system's environment says about the run it is in: GitHub, GitLab, Jenkins, Tekton."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devmind.remotes import repository

Env = Mapping[str, str]
_ZEROS = re.compile(r"^0*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The run this process is part of; what the CI system does not say is empty.

    Attributes:
        system: `github`, `gitlab`, `jenkins`, `tekton`, or nothing outside of CI.
        base: The branch that a pull request goes into.
        before: The commit that the change starts from, where it is known.
    """

    system: str = ""
    project: str = ""
    pipeline: str = ""
    external_id: str = ""
    attempt: int = 1
    trigger: str = ""
    branch: str = ""
    author: str = ""
    commit: str = ""
    base: str = ""
    pull_request: str = ""
    message: str = ""
    before: str = ""
    queued_at: str = ""


def detect(env: Env) -> Surroundings:
    """Return what *env* says; the first CI system that is recognised counts."""
    for marker, read in _SYSTEMS:
        if env.get(marker):
            return read(env)
    return Surroundings()


def _github(env: Env) -> Surroundings:
    event = _event(env.get("GITHUB_EVENT_PATH", ""))
    pull = event.get("pull_request") or {}
    head, base = pull.get("head") or {}, pull.get("base") or {}
    file = env.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2]
    return Surroundings(
        system="github",
        project=env.get("GITHUB_REPOSITORY", ""),
        pipeline=file or env.get("GITHUB_WORKFLOW", ""),
        external_id=env.get("GITHUB_RUN_ID", ""),
        attempt=_number(env.get("GITHUB_RUN_ATTEMPT", "")),
        trigger=env.get("GITHUB_EVENT_NAME", ""),
        branch=env.get("GITHUB_HEAD_REF") or env.get("GITHUB_REF_NAME", ""),
        author=env.get("GITHUB_ACTOR", ""),
        commit=str(head.get("sha") or env.get("GITHUB_SHA", "")),
        base=env.get("GITHUB_BASE_REF", ""),
        pull_request=str(pull.get("number") or ""),
        message=str((event.get("head_commit") or {}).get("message") or pull.get("title") or ""),
        before=_commit(base.get("sha") or event.get("before")),
    )


def _gitlab(env: Env) -> Surroundings:
    merge = env.get("CI_MERGE_REQUEST_IID", "")
    return Surroundings(
        system="gitlab",
        project=env.get("CI_PROJECT_PATH", ""),
        pipeline=env.get("CI_PIPELINE_NAME") or env.get("CI_CONFIG_PATH") or ".gitlab-ci.yml",
        external_id=env.get("CI_PIPELINE_ID", ""),
        trigger=env.get("CI_PIPELINE_SOURCE", ""),
        branch=env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or env.get("CI_COMMIT_REF_NAME", ""),
        author=env.get("GITLAB_USER_LOGIN") or env.get("CI_COMMIT_AUTHOR", ""),
        commit=env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or env.get("CI_COMMIT_SHA", ""),
        base=env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        pull_request=merge,
        message=env.get("CI_COMMIT_MESSAGE", ""),
        before=_commit(
            env.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or env.get("CI_COMMIT_BEFORE_SHA")
        ),
        queued_at=env.get("CI_PIPELINE_CREATED_AT", ""),
    )


def _jenkins(env: Env) -> Surroundings:
    name, branch = env.get("JOB_NAME", ""), env.get("BRANCH_NAME", "")
    multibranch = f"/{quote(branch, safe='')}" if branch else ""
    job = name.removesuffix(multibranch) if multibranch else name
    plain = env.get("GIT_BRANCH", "").removeprefix("origin/")
    return Surroundings(
        system="jenkins",
        project=repository(env.get("GIT_URL", "")) or job,
        pipeline=job,
        external_id=env.get("BUILD_TAG") or env.get("BUILD_NUMBER", ""),
        trigger="pull_request" if env.get("CHANGE_ID") else "",
        branch=env.get("CHANGE_BRANCH") or branch or plain,
        author=env.get("CHANGE_AUTHOR", ""),
        commit=env.get("GIT_COMMIT", ""),
        base=env.get("CHANGE_TARGET", ""),
        pull_request=env.get("CHANGE_ID", ""),
        message=env.get("CHANGE_TITLE", ""),
        before="" if env.get("CHANGE_ID") else _commit(env.get("GIT_PREVIOUS_COMMIT")),
    )


def _tekton(env: Env) -> Surroundings:
    """Tekton sets no variables of its own: the Task maps `$(context.*)` to these names."""
    return Surroundings(
        system="tekton",
        project=repository(env.get("TEKTON_REPO_URL", "")),
        pipeline=env.get("TEKTON_PIPELINE", ""),
        external_id=env["TEKTON_PIPELINE_RUN"],
        trigger=env.get("TEKTON_EVENT", ""),
        branch=env.get("TEKTON_BRANCH", ""),
        commit=env.get("TEKTON_REVISION", ""),
        base=env.get("TEKTON_BASE_BRANCH", ""),
        pull_request=env.get("TEKTON_PULL_REQUEST", ""),
    )


_SYSTEMS: tuple[tuple[str, Callable[[Env], Surroundings]], ...] = (
    ("GITHUB_ACTIONS", _github),
    ("GITLAB_CI", _gitlab),
    ("JENKINS_URL", _jenkins),
    ("TEKTON_PIPELINE_RUN", _tekton),
)


def _event(path: str) -> dict[str, Any]:
    """Read the event that started a workflow; a run without one says less, that is all."""
    try:
        event = json.loads(Path(path).read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else 1


def _commit(text: object) -> str:
    """Return a commit's hash; CI systems write zeros when there is none."""
    return "" if text is None or _ZEROS.match(str(text)) else str(text)
