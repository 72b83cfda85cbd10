"""Print what is recorded on this machine as JSON: `history` or `champions`.

`devmind up` asks this before the service runs; the answer says what is left to do.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from devmind.settings import ServerSettings
from history.events import BuildQueued, ProjectSummary
from history.open import open_history
from history.store import HistoryStore
from models.names import MODELS
from models.registry import Registry

NEWEST_EVENTS = 1000


def history(settings: ServerSettings) -> list[dict[str, object]]:
    """Return each project with its newest queued build."""
    store = open_history(settings.database)
    try:
        return [asdict(one) | {"newest": newest(store, one)} for one in store.projects()]
    finally:
        store.close()


def newest(store: HistoryStore, summary: ProjectSummary) -> dict[str, object] | None:
    """Return the newest change of a project: its last queued build whose files are known, if any.

    Only its newest events are looked at.
    """
    after = max(0, summary.last_sequence - NEWEST_EVENTS)
    events = store.tail(summary.project, after=after, limit=NEWEST_EVENTS)
    queued = [event.build for event in events if isinstance(event, BuildQueued)]
    if not queued:
        return None
    build = max(queued, key=lambda one: (bool(one.change.files), one.queued_at))
    return {
        "build_id": build.build_id,
        "pipeline": build.pipeline,
        "queued_at": build.queued_at.isoformat(),
        "branch": build.change.branch,
        "commit": build.change.commit,
        "message": build.change.message,
        "files": [file.path for file in build.change.files],
    }


def champions(settings: ServerSettings) -> dict[str, str | None]:
    """Return the version of each model that is champion, if there is one."""
    registry = Registry(settings.tracking_uri, settings.artifacts)
    return {model: registry.champion(model) for model in MODELS}


if __name__ == "__main__":
    answer = {"history": history, "champions": champions}[sys.argv[1]](ServerSettings())
    sys.stdout.write(json.dumps(answer) + "\n")
