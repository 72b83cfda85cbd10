"""How git is called: to read, and to run nothing that a checkout names.

Code under test may have written to the checkout. Its `.git/config` and `.gitattributes` can name
programs for signatures, differences, monitors, hooks and transports; none runs beside our secrets.
"""

from __future__ import annotations

import os

OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.quotePath=false",
    "-c",
    "color.ui=false",
    "-c",
    "log.showSignature=false",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
)
"""What stands before the name of a command."""

DIFF = ("--no-ext-diff", "--no-textconv", "--submodule=short")
"""What stands after `diff`, and after a `log` that shows differences."""

_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "none",  # goes before a protocol.NAME.allow of the checkout
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


def environment() -> dict[str, str]:
    """Return git's environment: this process's without what is told to us alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEVMIND_")}
    return kept | _ENVIRONMENT
