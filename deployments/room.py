"""How many projects' states fit into a replica: by number and by bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from history.events import StoredEvent, TestsReported

SNAPSHOT_VERDICTS = 100_000
"""How many test verdicts are folded, at most, before a state is worth freezing."""
WORTH_SAVING = 10
"""A state that leaves is saved if it has a tenth of what is worth freezing anyway."""
NEWS_WEIGHED = 250
"""A state is weighed again after so many events."""


@dataclass(slots=True)
class Room:
    """The sizes of what is kept, and whether that is too much.

    Args:
        projects: How many may be kept.
        nbytes: How many bytes they may take together; one project may always be kept.

    Example:
        >>> room = Room(projects=2, nbytes=100)
        >>> room.put("a", 80)
        >>> room.put("b", 40)
        >>> room.full, room.drop("a"), room.full
        (True, None, False)
    """

    projects: int
    nbytes: int
    taken: int = 0
    _sizes: dict[str, int] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether something has to go."""
        count = len(self._sizes)
        return count > self.projects or (self.taken > self.nbytes and count > 1)

    def put(self, project: str, size: int) -> None:
        """Say how many bytes a project takes now."""
        self.taken += size - self._sizes.get(project, 0)
        self._sizes[project] = size

    def drop(self, project: str) -> None:
        """Say that a project is no longer kept."""
        self.taken -= self._sizes.pop(project, 0)


@dataclass(slots=True)
class News:
    """What was folded into a state since it was frozen last.

    Attributes:
        events: Number of events.
        verdicts: Verdicts in them, which take most of the time to fold again.
    """

    events: int = 0
    verdicts: int = 0

    def add(self, event: StoredEvent) -> None:
        """Count an event."""
        self.events += 1
        if isinstance(event, TestsReported):
            self.verdicts += len(event.tests)

    def worth(self, events: int, *, share: int = 1) -> bool:
        """Whether there is enough to freeze: *events* or `SNAPSHOT_VERDICTS`, or a share of it."""
        many = self.events * share >= events
        return many or self.verdicts * share >= SNAPSHOT_VERDICTS
