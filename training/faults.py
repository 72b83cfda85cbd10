"""What really failed, out of what Ray wraps around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from devmind.errors import DevMindError


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the error of ours that a worker raised, where Ray reports that a worker failed."""
    try:
        yield
    except DevMindError:
        raise
    except Exception as error:
        if (ours := ours_in(error)) is not None:
            raise ours from error
        raise


def ours_in(error: BaseException) -> DevMindError | None:
    """Return the first error of ours among *error* and what caused it, or `None`.

    A task's error holds its cause (`RayTaskError.cause`), Ray Train's those of its workers
    (`WorkerGroupError.worker_failures`); `xgboost_ray` chains.
    """
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        cause = getattr(one, "cause", None)
        if isinstance(cause, DevMindError):
            return cause
        if isinstance(one, DevMindError):
            return one
        waiting += [cause, one.__cause__, one.__context__]
        waiting += list(getattr(one, "worker_failures", {}).values())
    return None
