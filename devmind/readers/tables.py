"""Strict, streaming reading of CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from devmind.errors import UnreadableSource, shorten
from devmind.readers.records import Record

MAX_FIELD = 64 * 2**20
"""A field may be this long: all jobs of a large run stand in one."""

_CUT = "Is the file complete? Get it again and import it once more."


def read_header(path: Path, delimiter: str = ",") -> tuple[str, ...]:
    """Return the names of the columns, `()` for an empty file.

    Raises:
        UnreadableSource: If the file cannot be read as text.
    """
    return next((tuple(row) for _, row in _rows(path, delimiter)), ())


def read_table(path: Path, *, needs: frozenset[str], delimiter: str = ",") -> Iterator[Record]:
    """Yield the rows of a CSV file with a header.

    Args:
        path: The file, UTF-8.
        needs: Columns it must have.
        delimiter: What stands between two fields.

    Raises:
        UnreadableSource: For a missing column, a row with too few or too many fields, an open
            quote at the end, bytes that are not UTF-8; with file and line.
    """
    rows = _rows(path, delimiter)
    _, header = next(rows, (0, []))
    missing = sorted(needs.difference(header))
    if missing:
        found = ", ".join(header) or "nothing"
        advice = f"It has {shorten(found)}. Is it the file you meant?"
        raise UnreadableSource(str(path), f"the columns {', '.join(missing)} are missing", advice)
    for line, row in rows:
        if len(row) != len(header):
            reason = f"{len(row)} fields where the header has {len(header)}: {shorten(row)}"
            raise UnreadableSource(f"{path}:{line}", reason, _CUT)
        yield Record(dict(zip(header, row, strict=True)), f"{path}:{line}")


def count_lines(path: Path) -> int:
    """Return the number of lines after the header: about the number of rows.

    Raises:
        UnreadableSource: If the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            lines = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))
    except OSError as error:
        raise UnreadableSource(str(path), str(error.strerror), _CUT) from error
    return max(0, lines - 1)


def count_distinct(path: Path, columns: tuple[str, ...], delimiter: str = ",") -> int:
    """Return how many different values the columns have together.

    Raises:
        UnreadableSource: As `read_table`.
    """
    rows = _rows(path, delimiter)
    _, header = next(rows, (0, []))
    at = [header.index(column) for column in columns if column in header]
    return len({tuple(row[i] for i in at) for _, row in rows if len(row) == len(header)})


def is_cut(path: Path) -> bool:
    """Whether the file's last line has no line break at its end."""
    with path.open("rb") as file:
        file.seek(0, 2)
        if file.tell() == 0:
            return False
        file.seek(-1, 2)
        return file.read() not in b"\r\n"


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, row in _parse(file, delimiter):
                yield line, row
    except UnicodeDecodeError as error:
        reason = f"byte {error.object[error.start]:#04x} is not UTF-8"
        raise UnreadableSource(f"{path}:{line + 1}", reason, "Save it as UTF-8.") from error
    except csv.Error as error:
        raise UnreadableSource(f"{path}:{line + 1}", str(error), _CUT) from error
    except OSError as error:
        raise UnreadableSource(str(path), str(error.strerror), "Check its name.") from error


def _parse(file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(max(MAX_FIELD, csv.field_size_limit()))
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    for row in reader:
        if row:
            yield reader.line_num, row
