"""What training jobs wrote: kept in the database, so that it survives them and their cluster."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from history.database import Database
from history.names import storable
from history.tables import job_logs

KEPT = 256 * 1024
"""Of each job so many of the newest characters are kept, give or take one piece."""
MOST_AT_ONCE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A part of what a job wrote.

    Attributes:
        text: Whole lines, unless one is longer than a page.
        offset: Where it begins, in characters since the job began: what lay before the asked
            offset is not sent again, what is no longer kept is skipped.
        next_offset: Ask for this next.
        more: Whether there is more to read already.
    """

    text: str
    offset: int
    next_offset: int
    more: bool


class JobLogs:
    """The logs of training jobs.

    Args:
        database: Migrated.
        kept: How many of the newest characters of a job are kept.
    """

    def __init__(self, database: Database, *, kept: int = KEPT) -> None:
        self._database = database
        self._kept = kept

    def append(self, job_id: str, text: str) -> None:
        """Add *text* to what a job wrote; the oldest is dropped when it is too much.

        Raises:
            HistoryUnavailable: If the database does not answer.
        """
        piece = text.replace("\0", "\ufffd").encode(errors="replace").decode()[-self._kept :]
        if not piece or not storable(job_id):
            return
        own = job_logs.c.job_id == job_id
        end = func.max(job_logs.c.first + func.length(job_logs.c.text))
        with self._database.write() as connection:
            first = connection.execute(select(end).where(own)).scalar_one() or 0
            row = {"job_id": job_id, "first": first, "text": piece}
            connection.execute(insert(job_logs), row)
            last = job_logs.c.first + func.length(job_logs.c.text)
            too_old = own & (last <= first + len(piece) - self._kept)
            connection.execute(delete(job_logs).where(too_old))

    def read(self, job_id: str, *, offset: int = 0, most: int = MOST_AT_ONCE) -> LogPage:
        """Return what a job wrote from *offset* on, at most *most* characters.

        Raises:
            HistoryUnavailable: If the database does not answer.
        """
        pieces = self._pieces(job_id, offset, most)
        if not pieces:
            return LogPage(text="", offset=offset, next_offset=offset, more=False)
        begin = max(offset, pieces[0][0])
        known = "".join(text for _, text in pieces)[begin - pieces[0][0] :]
        text = _whole_lines(known, most)
        end = begin + len(text)
        return LogPage(text=text, offset=begin, next_offset=end, more=len(known) > len(text))

    def _pieces(self, job_id: str, offset: int, most: int) -> list[tuple[int, str]]:
        if not storable(job_id):
            return []
        wanted = (
            select(job_logs.c.first, job_logs.c.text)
            .where(job_logs.c.job_id == job_id)
            .where(job_logs.c.first + func.length(job_logs.c.text) > offset)
            .order_by(job_logs.c.first)
        )
        found: list[tuple[int, str]] = []
        with self._database.read() as connection:
            for first, text in connection.execute(wanted):
                found.append((first, text))
                if first + len(text) > max(offset, found[0][0]) + most:
                    break
        return found


def _whole_lines(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = text.rfind("\n", 0, most) + 1
    return text[: cut or most]
