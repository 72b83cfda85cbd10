"""What the process's exit code says about how a command ended."""

from __future__ import annotations

from enum import IntEnum

from devmind import errors


class ExitCode(IntEnum):
    """Exit codes of `devmind`; a script may rely on them."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    BAD_INPUT = 3
    UNREACHABLE = 4
    REFUSED = 5
    NOT_AUTHENTICATED = 6
    HISTORY_ALONE = 7


MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.UNEXPECTED: "something unexpected; DEVMIND_DEBUG=1 shows the details",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.BAD_INPUT: "bad input: a file, a value, or no such build, project or version",
    ExitCode.UNREACHABLE: "the service is not reachable or not ready; "
    "from `select`: no list of tests is known, so run all of them",
    ExitCode.REFUSED: "refused: it contradicts what is recorded, the gate said no, "
    "or the training job is under way or over",
    ExitCode.NOT_AUTHENTICATED: "the API key is missing, unknown or lacks a scope",
    ExitCode.HISTORY_ALONE: "only tests that the history knows are listed; "
    "from `select --format pytest` without --tests: run all of them",
}

_CODES: tuple[tuple[type[errors.DevMindError], ExitCode], ...] = (
    (errors.InvalidInput, ExitCode.BAD_INPUT),
    (errors.NotFound, ExitCode.BAD_INPUT),
    (errors.NotAuthenticated, ExitCode.NOT_AUTHENTICATED),
    (errors.NotAllowed, ExitCode.NOT_AUTHENTICATED),
    (errors.ContradictingRepeat, ExitCode.REFUSED),
    (errors.PromotionRefused, ExitCode.REFUSED),
    (errors.AlreadyRunning, ExitCode.REFUSED),
    (errors.NotDue, ExitCode.REFUSED),
    (errors.JobEnded, ExitCode.REFUSED),
    (errors.FolderUnwritable, ExitCode.REFUSED),
    (errors.NoSpace, ExitCode.REFUSED),
    (errors.NotEnoughHistory, ExitCode.REFUSED),
    (errors.NothingToEvaluate, ExitCode.REFUSED),
    (errors.UnlearnableHistory, ExitCode.REFUSED),
    (errors.FeatureSchemaMismatch, ExitCode.REFUSED),
    (errors.CorruptBundle, ExitCode.REFUSED),
    (errors.ServiceUnreachable, ExitCode.UNREACHABLE),
    (errors.ModelUnavailable, ExitCode.UNREACHABLE),
    (errors.HistoryUnavailable, ExitCode.UNREACHABLE),
    (errors.Overloaded, ExitCode.UNREACHABLE),
)


def exit_code(error: BaseException) -> ExitCode:
    """Return the exit code that *error* stands for.

    Example:
        >>> exit_code(errors.NotAllowed("admin"))
        <ExitCode.NOT_AUTHENTICATED: 6>
    """
    matching = (code for kind, code in _CODES if isinstance(error, kind))
    return next(matching, ExitCode.UNEXPECTED)


def table() -> str:
    """Return the codes with their meanings as lines of text, for the help page."""
    return "\n\n".join(f"{code:d}  {meaning}" for code, meaning in MEANINGS.items())
