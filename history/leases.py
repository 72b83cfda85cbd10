"""Leases: which process does a piece of background work for now.

A lease saves work that others do already; nothing is wrong when two processes hold one for a
moment, as their clocks may differ.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from history.tables import UtcDateTime

_TAKE = text(
    "INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE leases.holder = excluded.holder OR leases.until < :now"
).columns(until=UtcDateTime)


def take(connection: Connection, name: str, holder: str, *, now: datetime, for_s: float) -> bool:
    """Take or renew the lease *name*; false while another holder has it.

    Args:
        connection: Of a transaction that writes.
        name: The work.
        holder: The process.
        now: The time, aware UTC.
        for_s: How long the lease lasts unless it is renewed.
    """
    kind, dialect = UtcDateTime(), connection.dialect
    times = {"now": now, "until": now + timedelta(seconds=for_s)}
    bound = {key: kind.process_bind_param(at, dialect) for key, at in times.items()}
    return connection.execute(_TAKE, {"name": name, "holder": holder, **bound}).rowcount > 0
