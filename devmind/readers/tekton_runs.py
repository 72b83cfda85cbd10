"""What a PipelineRun says about the build: project, pipeline, change.

Pipelines-as-Code writes the change into labels and annotations; elsewhere it stands in parameters,
whose usual names are known here. The first that is there counts.
"""

from __future__ import annotations

import re

from devmind.ci import Change, QueuedBuild
from devmind.readers.records import Record
from devmind.readers.tekton_objects import Identity, values_of
from devmind.remotes import repository

_CODE = "pipelinesascode.tekton.dev/"
_TRIGGER = "triggers.tekton.dev/trigger"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_KEY, _WORD, _MESSAGE = 200, 400, 20_000
_URLS = "repo-url repo_url git-url git_url repository-url url".split()
_REVISIONS = "revision git-revision git_revision commit commit-sha sha".split()
_BRANCHES = "branch git-branch source-branch source_branch".split()
_BASES = "base base-branch target-branch".split()
_EVENTS = "event trigger".split()
_PULL_REQUESTS = "pull-request pr-number".split()
_PIPELINES = ["pipeline-name"]


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
        trigger=words.trigger()[:_WORD],
        change=_change(words),
    )


class _Words:
    """Labels, annotations, parameters and results of a run."""

    def __init__(self, record: Record) -> None:
        metadata, status = record.record("metadata"), record.record("status")
        self._marks = (metadata.record("annotations"), metadata.record("labels"))
        declared = status.record("pipelineSpec").records("params")
        given = record.record("spec").records("params")
        results = status.records("results") or status.records("pipelineResults")
        self._params = {**values_of(declared, "default"), **values_of(given)}
        self._results = values_of(results)

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

    def trigger(self) -> str:
        return self.code("event-type") or self.param(_EVENTS) or self.marked(_TRIGGER)

    def pull_request(self) -> str:
        return self.code("pull-request") or self.param(_PULL_REQUESTS)

    def base(self) -> str:
        of_code = self.code("branch") if self.code("pull-request") else ""
        return (of_code or self.param(_BASES)).removeprefix("refs/heads/")

    def commit(self) -> str:
        known = self.code("sha") or self.param(_REVISIONS) or self._results.get("commit", "")
        return known.strip() if _COMMIT.fullmatch(known.strip()) else ""

    def branch(self) -> str:
        head = self.code("source-branch") or self.code("branch") or self.param(_BRANCHES)
        if not head:
            revision = self.param(_REVISIONS)
            head = "" if _COMMIT.fullmatch(revision) else revision
        return head.removeprefix("refs/heads/")


def _change(words: _Words) -> Change:
    return Change(
        commit=words.commit(),
        author=words.code("sender")[:_WORD],
        branch=words.branch()[:_WORD],
        base=words.base()[:_WORD],
        pull_request=words.pull_request()[:_WORD],
        message=words.code("sha-title")[:_MESSAGE],
    )


def _pipeline(record: Record, identity: Identity, words: _Words) -> str:
    """Return the pipeline's name; a run with its own pipeline in it is named for its maker."""
    metadata, reference = record.record("metadata"), record.record("spec").record("pipelineRef")
    resolved = values_of(reference.records("params")).get("name", "")
    label = words.marked("tekton.dev/pipeline")
    own = label if label != identity.name else ""
    generated = metadata.text("generateName").rstrip("-")
    return (
        words.param(_PIPELINES)
        or words.code("original-prname")
        or reference.text("name")
        or resolved
        or own
        or generated
        or identity.name
    )
