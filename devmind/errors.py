"""Every error DevMind raises on purpose.

* DevMindError
  - InvalidInput             the caller can fix it: what, which value, what to do
    - UnreadableSource       a file or repository that an importer cannot read
    - TooLarge               more than the limit allows
  - ContradictingRepeat      sent twice with different contents
  - NotFound                 no such build, project, model, version or job
  - NotAuthenticated         no key, or one that is not known
    - AccessRefused          no valid token of Cloudflare Access
  - NotAllowed               a key without the scope
  - NotEnoughHistory         too few builds to learn from
  - NothingToEvaluate        no model could be replayed on a history
  - UnlearnableHistory       enough builds, but they all say the same
  - ModelUnavailable         no model is loaded; retry later
  - HistoryUnavailable       the database cannot be reached; retry later
  - HistorySchemaMismatch    the database is not at the schema this code knows
  - Overloaded               more requests than can wait; retry later
  - PromotionRefused         the challenger did not earn it
  - AlreadyRunning           one job per model at a time
  - NotDue                   a scheduled job that comes too soon after the last one
  - JobEnded                 a job that is over, or that another process holds
  - NoSpace                  a folder's disk is full
  - FeatureSchemaMismatch    bundle and code disagree: a deploy bug
  - CorruptBundle            a bundle's files do not match its manifest
  - UnusableSnapshot         a frozen state that this code cannot read: fold the history again
  - FolderUnwritable         a folder that takes no more files: full, read-only or gone
  - ServiceUnreachable       the client got no answer

Rules: one class per decision a caller can make; facts are arguments, never pre-formatted text;
`super().__init__` gets every argument, so that an error survives the pickling between Ray
processes. HTTP codes live in `deployments.http`, exit codes in `devmind.cli`, not here.
"""

from __future__ import annotations

_SHOWN = 120


def shorten(value: object, limit: int = _SHOWN) -> str:
    """Return *value* in quotes, cut to *limit* characters: what a message may show of it."""
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if len(text) <= limit else f"{text[:limit]!r}... ({len(text)} characters)"


class DevMindError(Exception):
    """Base of all errors that DevMind raises on purpose."""


class InvalidInput(DevMindError):
    """The caller sent something that cannot be used, and can fix it."""

    def __init__(self, what: str, value: object, advice: str) -> None:
        super().__init__(what, value, advice)
        self.what = what
        self.value = value
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what}: got {shorten(self.value)}. {self.advice}"


class UnreadableSource(InvalidInput):
    """A file, folder or repository that an importer cannot read."""

    def __init__(self, source: str, reason: str, advice: str) -> None:
        super().__init__(source, reason, advice)
        self.source = source
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}. {self.advice}"


class TooLarge(InvalidInput):
    """A body, a file or a list over its limit."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(what, size, f"The limit is {limit}.")
        self.args = (what, size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.what} is too large: {self.size}. The limit is {self.limit}; send less."


class ContradictingRepeat(DevMindError):
    """The same event was sent before, with different contents."""

    def __init__(self, kind: str, build_id: str, sequence: int) -> None:
        super().__init__(kind, build_id, sequence)
        self.kind = kind
        self.build_id = build_id
        self.sequence = sequence

    def __str__(self) -> str:
        return (
            f"Build {self.build_id} already has a different {self.kind!r} event (sequence "
            f"{self.sequence}). What is recorded never changes; a rerun is a new attempt."
        )


class NotFound(DevMindError):
    """No such build, project, model, version or job."""

    def __init__(self, what: str, name: str, advice: str = "") -> None:
        super().__init__(what, name, advice)
        self.what = what
        self.name = name
        self.advice = advice

    def __str__(self) -> str:
        return f"No {self.what} {shorten(self.name)}. {self.advice}".rstrip()


class NotAuthenticated(DevMindError):
    """No API key was sent, or one that is not known."""

    def __str__(self) -> str:
        return "This service needs an API key: send it as X-API-Key or Authorization: Bearer."


class AccessRefused(NotAuthenticated):
    """The request did not come through Cloudflare Access, or its token does not hold."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"Cloudflare Access has not let this request in: {self.reason}. Come by the service's "
            f"public address; a CI job sends DEVMIND_ACCESS_CLIENT_ID and _SECRET there."
        )


class NotAllowed(DevMindError):
    """The key is known but lacks the scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope

    def __str__(self) -> str:
        return f"This key lacks the scope {self.scope!r}; use a key that has it."


class NotEnoughHistory(DevMindError):
    """Too few examples to train and to score on newer ones."""

    def __init__(self, what: str, got: int, needed: int) -> None:
        super().__init__(what, got, needed)
        self.what = what
        self.got = got
        self.needed = needed

    def __str__(self) -> str:
        return (
            f"Need at least {self.needed} {self.what} to train and score a model, got {self.got}. "
            f"Import more history, or lower MIN_TRAINING_SAMPLES."
        )


class NothingToEvaluate(DevMindError):
    """None of the models could be replayed on a history."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(reasons)
        self.reasons = reasons

    def __str__(self) -> str:
        why = "; ".join(self.reasons) or "nothing is recorded"
        return f"Nothing can be evaluated: {why}. Import more history, or ask for fewer builds."


class UnlearnableHistory(DevMindError):
    """There is enough history, but nothing in it tells one build from another."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(model, reason)
        self.model = model
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.model} cannot be trained: {self.reason}. Import more varied history."


class ModelUnavailable(DevMindError):
    """No version of the model is loaded here yet."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(model, reason)
        self.model = model
        self.reason = reason

    def __str__(self) -> str:
        return f"Model {self.model!r} is not available: {self.reason}"


class HistoryUnavailable(DevMindError):
    """The history database did not answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"The history cannot be reached ({self.reason}); try again shortly."


class HistorySchemaMismatch(DevMindError):
    """The database was migrated by a newer DevMind, or not yet by this one."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return (
            f"The history's database has schema {self.found!r}, this DevMind knows up to "
            f"{self.known!r}. Run the newest DevMind on it; it migrates when it starts."
        )


class Overloaded(DevMindError):
    """More requests are waiting than the service can keep."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"Too many requests are waiting; try again in {self.retry_after_s} s."


class PromotionRefused(DevMindError):
    """The challenger did not earn the promotion."""

    def __init__(self, model: str, version: str, reasons: tuple[str, ...]) -> None:
        super().__init__(model, version, reasons)
        self.model = model
        self.version = version
        self.reasons = reasons

    def __str__(self) -> str:
        return f"{self.model} version {self.version} was not promoted: {'; '.join(self.reasons)}"


class AlreadyRunning(DevMindError):
    """A job for this model is queued or running."""

    def __init__(self, model: str, job: str) -> None:
        super().__init__(model, job)
        self.model = model
        self.job = job

    def __str__(self) -> str:
        return f"A training job for {self.model} is already under way: {self.job}"


class NotDue(DevMindError):
    """A scheduled job comes too soon after the last one: a late or doubled tick."""

    def __init__(self, model: str, job: str, created_at: str, every_hours: float) -> None:
        super().__init__(model, job, created_at, every_hours)
        self.model = model
        self.job = job
        self.created_at = created_at
        self.every_hours = every_hours

    def __str__(self) -> str:
        return (
            f"{self.model} is trained every {self.every_hours:g} h and job {self.job} is of "
            f"{self.created_at}: this tick is late or doubled, nothing is to be done."
        )


class JobEnded(DevMindError):
    """A training job is over, or in other hands."""

    def __init__(self, job: str, state: str) -> None:
        super().__init__(job, state)
        self.job = job
        self.state = state

    def __str__(self) -> str:
        return f"Training job {self.job} is {self.state}; start a new one instead."


class NoSpace(DevMindError):
    """A folder's disk is full."""

    def __init__(self, folder: str, needed_for: str) -> None:
        super().__init__(folder, needed_for)
        self.folder = folder
        self.needed_for = needed_for

    def __str__(self) -> str:
        return (
            f"No space left in {self.folder} {self.needed_for}. Free some, or point DEVMIND_HOME "
            f"at a larger disk, and start it again; what was there is untouched."
        )


class FeatureSchemaMismatch(DevMindError):
    """A model bundle was trained on features that this code does not compute."""

    def __init__(self, bundle: str, missing: tuple[str, ...], extra: tuple[str, ...]) -> None:
        super().__init__(bundle, missing, extra)
        self.bundle = bundle
        self.missing = missing
        self.extra = extra

    def __str__(self) -> str:
        return (
            f"Bundle {self.bundle!r} does not fit this code: missing features "
            f"{list(self.missing)}, unknown features {list(self.extra)}. "
            f"Retrain it, or deploy the code it was trained with."
        )


class CorruptBundle(DevMindError):
    """A bundle's files are not what its manifest says."""

    def __init__(self, bundle: str, reason: str) -> None:
        super().__init__(bundle, reason)
        self.bundle = bundle
        self.reason = reason

    def __str__(self) -> str:
        return f"Bundle {self.bundle!r} cannot be used: {self.reason}. Register it again."


class UnusableSnapshot(DevMindError):
    """A frozen feature state that this code cannot read; the history still holds everything."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(state, reason)
        self.state = state
        self.reason = reason

    def __str__(self) -> str:
        return f"Snapshot of {self.state!r} cannot be used ({self.reason}); fold the events again."


class FolderUnwritable(DevMindError):
    """A folder that takes no more files; whoever runs the service can make room or choose another.

    Args:
        folder: Which.
        reason: Why, in the operating system's words.
        setting: The variable that names the folder.
    """

    def __init__(self, folder: str, reason: str, setting: str) -> None:
        super().__init__(folder, reason, setting)
        self.folder = folder
        self.reason = reason
        self.setting = setting

    def __str__(self) -> str:
        return (
            f"{self.folder} cannot be written to ({self.reason}). Nothing that was there is lost; "
            f"make room, or let {self.setting} name another folder, and start again."
        )


class ServiceUnreachable(DevMindError):
    """The client got no usable answer from the service."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"No answer from {self.url}: {self.reason}. Is the service up? Try `devmind status`."
