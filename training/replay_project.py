"""Replay one project, slice by slice: from where the last run ended, onto kept examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa
import structlog

from devmind.errors import UnusableSnapshot
from features.build_state import BuildState
from features.replay import replay_cycles
from features.verdict_state import TestState
from history.events import StoredEvent
from history.open import open_history
from history.store import HistoryStore
from training.example_manifest import Code, ExampleManifest, KeptFile, KeptSlice, manifest_of
from training.example_shards import GROUP_ROWS, ShardWriter
from training.example_store import ProjectFolder
from training.kinship import noting_commits
from training.replay_slices import Slice, holding, keeps_state, slices_of
from training.replayed_rows import Kind, groups_of_cycles, of_builds, of_cycles

log = structlog.get_logger(__name__)

OUTCOME: Mapping[str, Literal["tests", "finished"]] = {"builds": "finished", "tests": "tests"}
"""The kind of event that tells what came of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectTask:
    """What there is to do for one project.

    Attributes:
        url: Of the history.
        root: Of the kept examples, which every worker must reach.
        project: Its name.
        until: The newest event to take in, so that a second try does the very same.
        code: What the examples depend on.
        todo: The slices to replay, in order.
    """

    url: str
    root: Path
    project: str
    until: int
    code: Code
    todo: tuple[Slice, ...] = ()

    @property
    def kind(self) -> Kind:
        """Return what a row is about."""
        return "builds" if self.code.kind == "builds" else "tests"


def with_todo(task: ProjectTask, store: HistoryStore) -> ProjectTask:
    """Find out what is new, changed or damaged since the last run."""
    folder = ProjectFolder(task.root, task.project)
    kept = usable(folder.manifest(), task, store)
    wanted = slices_of(task.until)
    here = {one: kept[one] for one in wanted if one in kept}
    stale = _with_late_news(task, store, here)
    whole = {one for one in here if one not in stale and _intact(folder, here[one])}
    return replace(task, todo=tuple(one for one in wanted if one not in whole))


def usable(
    manifest: ExampleManifest | None, task: ProjectTask, store: HistoryStore
) -> dict[Slice, KeptSlice]:
    """Return the slices of *manifest*: none if other code, or another history, made them."""
    if manifest is None:
        return {}
    if manifest.code != task.code:
        log.info("features have changed, all is replayed", project=task.project)
        return {}
    digest = store.digest(task.project, manifest.as_of)
    if manifest.as_of > task.until or digest is None or digest.hex() != manifest.last_digest:
        log.warning("examples are of another history, all is replayed", project=task.project)
        return {}
    return {one.slice: one for one in manifest.slices}


def replay_slices(task: ProjectTask) -> Iterator[Slice]:
    """Replay the slices of *task* and keep their examples; yields each when it is done.

    May be broken off at any time: what was done is kept, and a second try of the same task, which
    yields the same slices, does only the rest.

    Raises:
        HistoryUnavailable: If the database does not answer.
        FolderUnwritable: If the disk does not take the examples.
    """
    with open_history(task.url, migrate=False) as store:
        replay = _Replay(task, store)
        for one in task.todo:
            replay.ensure(one)
            yield one
        replay.finish()


class _Replay:
    def __init__(self, task: ProjectTask, store: HistoryStore) -> None:
        self._task, self._store = task, store
        self._folder = ProjectFolder(task.root, task.project)
        self._kept = usable(self._folder.manifest(), task, store)
        self._state: BuildState | TestState | None = None

    def ensure(self, one: Slice) -> None:
        """Replay slice *one*, unless an earlier try of this task has done so."""
        kept = self._kept.get(one)
        if kept is not None and kept.until == self._task.until and _intact(self._folder, kept):
            self._state = None
            return
        self._state = self._state_at(one.start)
        new = self._replayed(one, self._state)
        inside = (old for old in self._kept if one.start <= old.start and old.end <= one.end)
        for old in list(inside):
            del self._kept[old]
        self._kept[one] = new
        self._save()

    def finish(self) -> None:
        """Write the manifest of all slices, and remove what belongs to none."""
        until = self._task.until
        wanted = {one: self._kept[one] for one in slices_of(until)}
        self._kept = {
            one: msgspec.structs.replace(kept, until=until) for one, kept in wanted.items()
        }
        self._folder.sweep(self._save())

    def _save(self) -> ExampleManifest:
        """Write the manifest, and remove the states that are not kept for good."""
        dropped = self._drop_states()
        newest = max((one.end for one in self._kept), default=0)
        digest = self._store.digest(self._task.project, newest) or b""
        manifest = manifest_of(
            self._task.project, self._task.code, self._kept.values(), last_digest=digest.hex()
        )
        self._folder.save(manifest)
        for file in dropped:
            self._folder.remove(file)
        return manifest

    def _drop_states(self) -> list[KeptFile]:
        dropped: list[KeptFile] = []
        last = max((one.end for one in self._kept), default=0)
        for one, kept in list(self._kept.items()):
            if kept.state is not None and not keeps_state(one, last):
                dropped.append(kept.state)
                self._kept[one] = msgspec.structs.replace(kept, state=None)
        return dropped

    def _replayed(self, one: Slice, state: BuildState | TestState) -> KeptSlice:
        commits: set[str] = set()
        events = noting_commits(self._events(one), commits)
        with ShardWriter(self._folder, one) as shards:
            if isinstance(state, BuildState):
                self._write_builds(events, state, shards)
            else:
                self._write_tests(events, state, shards)
            files = shards.close()
        if shards.left_out:
            name = self._task.project
            log.warning("rows without a duration", project=name, left_out=shards.left_out)
        first, last = shards.queued_at
        return KeptSlice(
            start=one.start,
            end=one.end,
            until=self._task.until,
            shards=files,
            commits=self._keep_commits(one, commits),
            state=self._folder.keep(f"_states/{one.end:010d}-*.zst", _packed(state.freeze())),
            left_out=shards.left_out,
            first_queued_at=first,
            last_queued_at=last,
        )

    def _write_builds(
        self, events: Iterator[StoredEvent], state: BuildState, shards: ShardWriter
    ) -> None:
        project, until = self._task.project, self._task.until
        shards.add(
            of_builds(
                project,
                events,
                state=state,
                ends_of=lambda builds: self._store.ends(project, builds, until=until),
            )
        )

    def _write_tests(
        self, events: Iterator[StoredEvent], state: TestState, shards: ShardWriter
    ) -> None:
        project, until = self._task.project, self._task.until
        cycles = replay_cycles(
            events, lambda build: self._store.reports(project, build, until=until), state
        )
        for group in groups_of_cycles(cycles, GROUP_ROWS):
            shards.add(of_cycles(project, group))

    def _events(self, one: Slice) -> Iterator[StoredEvent]:
        return self._store.read(self._task.project, after=one.start, until=one.end)

    def _state_at(self, start: int) -> BuildState | TestState:
        """Return the state as of event *start*: at hand, thawed, or folded from an older one."""
        if self._state is not None and self._state.as_of == start:
            return self._state
        state = self._thawed(start)
        for event in self._events(Slice(start=state.as_of, end=start)):
            state.update(event)
        return state

    def _thawed(self, start: int) -> BuildState | TestState:
        kind = BuildState if self._task.kind == "builds" else TestState
        for one in sorted(self._kept, reverse=True):
            file = self._kept[one].state if one.end <= start else None
            body = None if file is None else self._folder.read(file)
            if body is None:
                continue
            try:
                return kind.thaw(_unpacked(body))
            except UnusableSnapshot as error:
                log.warning("kept state is unusable", project=self._task.project, why=str(error))
        return kind()

    def _keep_commits(self, one: Slice, commits: set[str]) -> KeptFile | None:
        if not commits:
            return None
        body = _packed(msgspec.json.encode(sorted(commits)))
        return self._folder.keep(f"_commits/{one.start:010d}-{one.end:010d}-*.json.zst", body)


def commits_of(folder: ProjectFolder, manifest: ExampleManifest) -> frozenset[str]:
    """Return the commits that a project has built."""
    found: set[str] = set()
    for one in manifest.slices:
        body = None if one.commits is None else folder.read(one.commits)
        if body is not None:
            found.update(msgspec.json.decode(_unpacked(body), type=list[str]))
    return frozenset(found)


def _with_late_news(
    task: ProjectTask, store: HistoryStore, kept: Mapping[Slice, KeptSlice]
) -> set[Slice]:
    """Return the slices with a build of which the history has learned since they were written."""
    since = min((one.until for one in kept.values()), default=task.until)
    if since >= task.until:
        return set()
    newest = max(one.end for one in kept)
    late = store.late(task.project, OUTCOME[task.kind], after=since, queued_until=newest)
    stale: set[Slice] = set()
    for until in {one.until for one in kept.values()}:
        mine = [one for one in kept if kept[one].until == until]
        stale |= holding(mine, (queued for queued, known in late if until < known <= task.until))
    return stale


def _intact(folder: ProjectFolder, kept: KeptSlice) -> bool:
    files = [*kept.shards, *([kept.commits] if kept.commits else [])]
    damaged = [file for file in files if not folder.intact(file)]  # all of them are named
    return not damaged


def _packed(body: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(body)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _unpacked(body: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(body), "zstd") as stream:
        whole: bytes = stream.read()
    return whole
