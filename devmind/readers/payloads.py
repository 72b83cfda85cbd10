"""Strict reading of JSON files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import ijson

from devmind.errors import UnreadableSource
from devmind.readers.records import Record, as_record

_CUT = "Is the file complete? Get it again and import it once more."


def read_json(path: Path) -> object:
    """Return the contents of a JSON file.

    Raises:
        UnreadableSource: If it cannot be opened, is cut off or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(str(path), f"not JSON: {error}", _CUT) from error
    except OSError as error:
        raise UnreadableSource(str(path), str(error.strerror), "Check its name.") from error


def parse_json(text: str, where: str) -> object:
    """Return the JSON that a field of another file holds.

    Raises:
        UnreadableSource: If it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(where, f"not JSON: {error}", _CUT) from error


def stream_list(path: Path, field: str) -> Iterator[Record]:
    """Yield the objects of the list in *field* of a JSON object, however long the file.

    Raises:
        UnreadableSource: If the file is cut off or not JSON, or an element is not an object.
    """
    try:
        with path.open("rb") as file:
            for index, one in enumerate(ijson.items(file, f"{field}.item", use_float=True)):
                yield as_record(one, f"{path}, {field}[{index}]")
    except (ijson.JSONError, ValueError) as error:
        raise UnreadableSource(str(path), f"not JSON: {error}", _CUT) from error
    except OSError as error:
        raise UnreadableSource(str(path), str(error.strerror), "Check its name.") from error


def first_key(path: Path) -> str | None:
    """Return the first key of a JSON object in *path*, or `None` if it holds something else."""
    try:
        with path.open("rb") as file:
            events = ijson.basic_parse(file)
            opening, _ = next(events)
            event, value = next(events)
    except (ijson.JSONError, ValueError, OSError, StopIteration):
        return None
    return str(value) if opening == "start_map" and event == "map_key" else None
