"""What a test case is called."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b

_SEPARATOR = "::"
_UNNAMED_SUITE = "(empty)"  # ctest, where no build name is set
_KIND_OF_NODE = "test"  # node's own reporter gives every test this class name


def suite_path(around: str, name: str) -> str:
    """Return what the cases of a suite are called by: its name after that of the suite around it.

    Example:
        >>> suite_path(suite_path("", "cart"), "totals")
        'cart::totals'
    """
    if not name or name == _UNNAMED_SUITE:
        return around
    return f"{around}{_SEPARATOR}{name}" if around else name


def case_name(suites: str, classname: str, name: str) -> str:
    """Name a test case: `classname::name`, or its suites where the class name adds nothing.

    A class name adds nothing when it is empty, equals the name (jest-junit, ctest), is the last
    words of the name (mocha-junit-reporter) or is `test` (node). A case without a name is called
    by its class: so Surefire writes what broke before the first test of a class.

    Args:
        suites: The path of the suites around the case, or empty.
        classname: As written, or empty.
        name: As written, or empty.

    Returns:
        The name, empty if nothing names the case.

    Example:
        >>> case_name("pytest", "tests.test_cart.TestCart", "test_total[円]")
        'tests.test_cart.TestCart::test_total[円]'
        >>> case_name("cart::totals", "test", "starts empty")
        'cart::totals::starts empty'
    """
    if not name:
        return classname or suites
    if not classname or classname == _KIND_OF_NODE or _ends(name, classname):
        return f"{suites}{_SEPARATOR}{name}" if suites else name
    return f"{classname}{_SEPARATOR}{name}"


def _ends(name: str, classname: str) -> bool:
    return name.endswith(classname) and (name == classname or name.endswith(f" {classname}"))


def cut(name: str, limit: int) -> str:
    """Return *name*, cut to *limit* characters: its beginning and a digest of the whole.

    Example:
        >>> cut("test_" + "x" * 50, 40)
        'test_xxxxxxxxxx~arrnhcdb65tzs3v4hqye7fwn'
    """
    if len(name) <= limit:
        return name
    digest = b32encode(blake2b(name.encode(), digest_size=15).digest()).decode().lower()
    return f"{name[: limit - len(digest) - 1]}~{digest}"
