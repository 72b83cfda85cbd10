"""What kept examples say about themselves: which events they came from, by which code, and hashes.

One manifest a project, written last and at once; a file that no manifest names does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from training.replay_slices import Slice

SCHEMA = 1


class KeptFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a project's folder, vouched for by its hash.

    Attributes:
        path: Below the project's folder.
        size_bytes: Its length.
        sha256: Of its contents, in hex.
        rows: Examples in it; 0 where it holds none.
    """

    path: str
    size_bytes: int
    sha256: str
    rows: int = 0


class KeptSlice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The examples of the builds that were queued in one slice of a project's history.

    Attributes:
        start: The slice holds the events after this one,
        end: and up to this one.
        until: Outcomes were looked for up to this event.
        shards: The rows, one file a month of queueing.
        commits: Names of the commits that were built, if any.
        state: The frozen state as of `end`, where it is kept.
        left_out: Rows whose duration is no finite number.
        first_queued_at: Epoch seconds of the oldest row.
        last_queued_at: Of the newest.
    """

    start: int
    end: int
    until: int
    shards: tuple[KeptFile, ...] = ()
    commits: KeptFile | None = None
    state: KeptFile | None = None
    left_out: int = 0
    first_queued_at: float | None = None
    last_queued_at: float | None = None

    @property
    def slice(self) -> Slice:
        """Return its place in the history."""
        return Slice(start=self.start, end=self.end)

    @property
    def rows(self) -> int:
        """How many examples it has."""
        return sum(shard.rows for shard in self.shards)

    @property
    def files(self) -> tuple[KeptFile, ...]:
        """All its files."""
        found = (*self.shards, self.commits, self.state)
        return tuple(file for file in found if file is not None)


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What examples depend on besides the history; when it changes, all are replayed.

    Attributes:
        kind: `builds` or `tests`.
        features: Names of the columns, in order.
        version: What `models.bundle.code_version` says of the code.
    """

    kind: str
    features: tuple[str, ...]
    version: str


class ExampleManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All kept examples of a project.

    Attributes:
        project: Its name.
        code: What made them.
        slices: In order.
        last_digest: Digest in hex of the newest event that was replayed; a history in which that
            event is another one is another history.
        content_sha256: Stands for code and rows; equal examples have equal hashes.
        rows: How many there are.
        first_queued_at: Epoch seconds of the oldest row.
        last_queued_at: Of the newest.
        schema: Version of this structure.
    """

    project: str
    code: Code
    slices: tuple[KeptSlice, ...]
    last_digest: str
    content_sha256: str
    rows: int
    first_queued_at: float | None
    last_queued_at: float | None
    schema: int = SCHEMA

    @property
    def as_of(self) -> int:
        """Number of the newest event that was replayed."""
        return self.slices[-1].end if self.slices else 0

    @property
    def files(self) -> tuple[KeptFile, ...]:
        """Every file that belongs to it."""
        return tuple(file for one in self.slices for file in one.files)


def manifest_of(
    project: str, code: Code, slices: Iterable[KeptSlice], *, last_digest: str
) -> ExampleManifest:
    """Put *slices* in order and sum them up."""
    ordered = tuple(sorted(slices, key=lambda one: one.start))
    shards = [shard.sha256 for one in ordered for shard in one.shards]
    hashed = sha256(msgspec.json.encode([code, shards])).hexdigest()
    firsts = [one.first_queued_at for one in ordered if one.first_queued_at is not None]
    lasts = [one.last_queued_at for one in ordered if one.last_queued_at is not None]
    return ExampleManifest(
        project=project,
        code=code,
        slices=ordered,
        last_digest=last_digest,
        content_sha256=hashed,
        rows=sum(one.rows for one in ordered),
        first_queued_at=min(firsts, default=None),
        last_queued_at=max(lasts, default=None),
    )


def encode(manifest: ExampleManifest) -> bytes:
    """Return *manifest* as JSON, one field a line."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decode(body: bytes) -> ExampleManifest:
    """Return the manifest that `encode` wrote.

    Raises:
        ValueError: If *body* is not one, or of another schema.
    """
    manifest = msgspec.json.decode(body, type=ExampleManifest)
    if manifest.schema != SCHEMA:
        raise ValueError(f"schema {manifest.schema}")
    return manifest
