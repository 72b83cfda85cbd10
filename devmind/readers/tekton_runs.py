"""What a PipelineRun says about the build: project, pipeline, change.

Pipelines-as-Code writes the change into labels and annotations; elsewhere it stands in parameters,
whose usual names are known here. The first that is there counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from devmind.ci import Change, QueuedBuild
from devmind.errors import UnreadableSource
from devmind.readers.records import Record
from devmind.readers.tekton_objects import Identity
from devmind.remotes import repository

_CODE = "pipelinesascode.tekton.dev/"
_TRIGGER = "triggers.tekton.dev/trigger"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_KEY, _WORD, _MESSAGE = 200, 400, 20_000
_URLS = "repo-url repo_url git-url git_url repository-url url".split()
_REVISIONS = "revision git-revision git_revision commit commit-sha sha".split()
_BRANCHES = "branch git-branch source-branch source_branch".split()


def build_of(record: Record, identity: Identity, project: str | None) -> QueuedBuild:
    """Return the build that a PipelineRun is.

    Its external id is the run's uid, which `devmind record` gives it too: names are used again.

    Raises:
        UnreadableSource: If it was created at no time.
    """
    words = _Words(record)
    metadata = record.record("metadata")
    own = project or words.project() or identity.namespace or "default"
    return QueuedBuild(
        project=own[:_KEY],
        pipeline=_pipeline(record, identity, words)[:_KEY],
        external_id=identity.uid[:_KEY],
        queued_at=metadata.at_required("creationTimestamp"),
        trigger=(words.code("event-type") or words.marked(_TRIGGER))[:_WORD],
        change=_change(words),
    )


class _Words:
    """Labels, annotations, parameters and results of a run."""

    def __init__(self, record: Record) -> None:
        metadata, status = record.record("metadata"), record.record("status")
        self._marks = (metadata.record("annotations"), metadata.record("labels"))
        given = record.record("spec").records("params")
        results = status.records("results") or status.records("pipelineResults")
        self._params = _values(given)
        self._results = _values(results)

    def marked(self, name: str) -> str:
        """Return an annotation, else a label."""
        return next((text for marks in self._marks if (text := marks.text(name))), "")

    def code(self, name: str) -> str:
        """Return what Pipelines-as-Code wrote under *name*."""
        return self.marked(_CODE + name)

    def param(self, names: list[str]) -> str:
        return next((self._params[name] for name in names if self._params.get(name)), "")

    def project(self) -> str:
        owner, name = self.code("url-org"), self.code("url-repository")
        if owner and name:
            return f"{owner}/{name}"
        return repository(self.code("repo-url")) or repository(self.param(_URLS))

    def commit(self) -> str:
        known = self.code("sha") or self.param(_REVISIONS) or self._results.get("commit", "")
        return known.strip() if _COMMIT.fullmatch(known.strip()) else ""

    def branch(self) -> str:
        head = self.code("source-branch") or self.code("branch") or self.param(_BRANCHES)
        if not head:
            revision = self.param(_REVISIONS)
            head = "" if _COMMIT.fullmatch(revision) else revision
        return head.removeprefix("refs/heads/")


def _values(records: list[Record]) -> Mapping[str, str]:
    """Return parameters or results that are strings; lists and objects name no change."""
    found: dict[str, str] = {}
    for record in records:
        try:
            found[record.text("name")] = record.text("value")
        except UnreadableSource:
            continue
    return found


def _change(words: _Words) -> Change:
    pull_request = words.code("pull-request")
    base = words.code("branch") if pull_request else ""
    return Change(
        commit=words.commit(),
        author=words.code("sender")[:_WORD],
        branch=words.branch()[:_WORD],
        base=base.removeprefix("refs/heads/")[:_WORD],
        pull_request=pull_request[:_WORD],
        message=words.code("sha-title")[:_MESSAGE],
    )


def _pipeline(record: Record, identity: Identity, words: _Words) -> str:
    """Return the pipeline's name; a run with its own pipeline in it is named for its maker."""
    metadata, reference = record.record("metadata"), record.record("spec").record("pipelineRef")
    resolved = _values(reference.records("params")).get("name", "")
    label = words.marked("tekton.dev/pipeline")
    own = label if label != identity.name else ""
    generated = metadata.text("generateName").rstrip("-")
    return (
        words.code("original-prname")
        or reference.text("name")
        or resolved
        or own
        or generated
        or identity.name
    )
