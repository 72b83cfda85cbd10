"""Which names both databases can hold: SQLite takes everything, PostgreSQL does not."""

from __future__ import annotations

from collections.abc import Iterable

from devmind.errors import InvalidInput


def storable(name: str) -> bool:
    r"""Whether *name* can be in a text column.

    Example:
        >>> storable("tests/π.py::test"), storable("a\0b"), storable("\ud800")
        (True, False, False)
    """
    return "\0" not in name and _is_unicode(name)


def check_name(what: str, name: str) -> None:
    """Refuse a *name* that only one of the databases could hold.

    Raises:
        InvalidInput: If *name* has a NUL character or half of a surrogate pair.
    """
    if "\0" in name:
        raise InvalidInput(what, name, "NUL characters cannot be recorded; remove them.")
    if not _is_unicode(name):
        raise InvalidInput(
            what, name, "It is not valid Unicode; decode it with the right encoding."
        )


def check_names(what: str, names: Iterable[str], *, longest: int) -> None:
    """Refuse *names* of which one cannot be stored or is longer than *longest* characters.

    Raises:
        InvalidInput: If so, with that name.
    """
    together = "".join(names)
    if not storable(together):
        for name in names:
            check_name(what, name)
    for name in names:
        if len(name) > longest:
            raise InvalidInput(what, name, f"At most {longest} characters can be recorded.")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
