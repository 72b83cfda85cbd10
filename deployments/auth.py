"""API keys: random tokens known here only by their SHA-256, each with scopes.

A key has 256 bits of randomness, so a plain hash protects it as well as a slow one would. Lines
are `name:scope+scope:sha256hex`; `devmind key new` makes one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Literal, get_args

from devmind.errors import InvalidInput, NotAllowed, NotAuthenticated
from devmind.settings import ServerSettings

Scope = Literal["record", "predict", "admin"]

_LINE = re.compile(r"(?P<name>[\w.-]{1,64}):(?P<scopes>[a-z+]+):(?P<digest>[0-9a-f]{64})")
_FORM = "A line is name:scope+scope:sha256hex; `devmind key new` makes one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is stored: who has it, what it may do, and its SHA-256 in hex."""

    name: str
    scopes: frozenset[Scope]
    digest: str

    def allows(self, scope: Scope) -> bool:
        """Whether this key has *scope*; `admin` has them all."""
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """Every key that is known; with none the service is open.

    Example:
        >>> digest = sha256(b"secret").hexdigest()
        >>> Keys.parse(f"ci:record+predict:{digest}").check("secret", "record")
        'ci'
    """

    def __init__(self, keys: Sequence[Key] = ()) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def parse(cls, text: str) -> Keys:
        """Read lines of keys; empty lines and those that start with `#` are skipped.

        Raises:
            InvalidInput: If a line is not of that form or names an unknown scope; the line's
                number is shown, never its text.
        """
        lines = enumerate(text.splitlines(), start=1)
        return cls([_key(line.strip(), n) for n, line in lines if _counts(line)])

    def check(self, presented: str | None, scope: Scope) -> str:
        """Return the name of the key's holder; `anyone` when the service is open.

        Every known key is compared in constant time, so timing tells nothing.

        Raises:
            NotAuthenticated: If *presented* is missing or unknown.
            NotAllowed: If it lacks *scope*.
        """
        if not self._keys:
            return "anyone"
        digest = sha256((presented or "").encode("utf-8", "surrogatepass")).hexdigest()
        found = [key for key in self._keys if compare_digest(key.digest, digest)]
        if not presented or not found:
            raise NotAuthenticated
        if not any(key.allows(scope) for key in found):
            raise NotAllowed(scope)
        return found[0].name


def load_keys(settings: ServerSettings) -> Keys:
    """Return the keys that *settings* name, from the variable and the file.

    A comma ends a line too, for places where a variable cannot hold several.

    Raises:
        InvalidInput: If the file cannot be read or a line is malformed.
    """
    text = settings.api_keys.get_secret_value() if settings.api_keys else ""
    if settings.api_keys_file is not None:
        try:
            text += "\n" + settings.api_keys_file.read_text(encoding="utf-8")
        except OSError as error:
            advice = f"It cannot be read: {error.strerror}."
            raise InvalidInput(
                "DEVMIND_API_KEYS_FILE", str(settings.api_keys_file), advice
            ) from error
    return Keys.parse(text.replace(",", "\n"))


def refuse_open(settings: ServerSettings, keys: Keys, *, listens_on: str | None = None) -> None:
    """Refuse to serve without keys where others could reach the service.

    Args:
        settings: The environment, and the address that was meant.
        keys: Who may do what.
        listens_on: The address that requests really come in by, if it is known.

    Raises:
        InvalidInput: In production, or on any address but loopback, when there are no keys.
    """
    if keys:
        return
    advice = "Set DEVMIND_API_KEYS or DEVMIND_API_KEYS_FILE. " + _FORM
    if settings.environment == "production":
        raise InvalidInput("ENVIRONMENT=production without API keys", "no keys", advice)
    for host in (settings.host, listens_on or settings.host):
        if not is_loopback(host):
            what = "an address that others can reach, without API keys"
            raise InvalidInput(what, host, f"Listen on 127.0.0.1, or: {advice}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach *host*.

    Example:
        >>> [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")]
        [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _key(line: str, number: int) -> Key:
    match = _LINE.fullmatch(line)
    scopes = match["scopes"].split("+") if match else []
    known = {scope: scope for scope in get_args(Scope)}
    if match is None or not set(scopes) <= set(known):
        advice = f"{_FORM} Scopes are {', '.join(known)}."
        raise InvalidInput("API keys", f"line {number}", advice)
    held = frozenset(known[scope] for scope in scopes)
    return Key(name=match["name"], scopes=held, digest=match["digest"])
