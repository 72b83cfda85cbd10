"""Names of tests as pytest takes them, and back: `tests/test_a.py::TestA::test_b`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def name_of(node_id: str) -> str:
    """Return what JUnit XML calls the test that pytest calls *node_id*.

    Example:
        >>> name_of("tests/test_cart.py::TestCart::test_total[a::b]")
        'tests.test_cart.TestCart::test_total[a::b]'
        >>> name_of("cart::adds")
        'cart::adds'
    """
    path, separator, rest = node_id.partition(".py::")
    if not separator:
        return node_id
    plain, bracket, parameters = rest.partition("[")
    *classes, name = plain.split("::")
    module = path.replace("/", ".").replace("\\", ".")
    return ".".join([module, *classes]) + "::" + name + bracket + parameters


def node_id_of(name: str, exists: Callable[[str], bool]) -> str:
    """Return what pytest calls the test that JUnit XML calls *name*.

    Args:
        name: Such as `tests.test_cart.TestCart::test_total`.
        exists: Whether there is a file of this path: which part of the name is the module.

    Returns:
        The node id; *name* itself where no file fits.

    Example:
        >>> node_id_of("tests.test_cart.TestCart::test_total", {"tests/test_cart.py"}.__contains__)
        'tests/test_cart.py::TestCart::test_total'
    """
    dotted, separator, test = name.partition("::")
    words = dotted.split(".")
    for length in range(len(words), 0, -1):
        path = "/".join(words[:length]) + ".py"
        if separator and exists(path):
            return "::".join([path, *words[length:], test])
    return name


def file_exists(path: str) -> bool:
    """Whether *path* is a file, seen from here."""
    return Path(path).is_file()
