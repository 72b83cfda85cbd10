"""The public keys of a Cloudflare Access team: fetched, kept, and fetched again when they change.

The only place of the service that asks a server outside of the cluster, and it does so only where
Cloudflare Access is configured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import AllowedPublicKeys, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from deployments.access import Access
from deployments.access_team import access_team
from devmind.errors import ServiceUnreachable
from devmind.settings import ServerSettings

log = structlog.get_logger(__name__)

MAX_AGE_S = 3600.0
"""Keys are looked at again after this, so that withdrawn ones are forgotten."""
UNKNOWN_KEY_WAIT_S = 60.0
"""A token with a key we do not know makes us look again, at most this often."""
FIRST_KEYS_WAIT_S = 5.0
"""While there are no keys at all, how often they are asked for."""
TIMEOUT_S = 5.0
LARGEST_BYTES = 256 * 1024
MOST_KEYS = 32
SMALLEST_KEY_BITS = 2048
NAME = "Cloudflare Access's signing keys"

PublicKeys = Mapping[str, AllowedPublicKeys]
Fetch = Callable[[], Awaitable[bytes]]


def open_access(settings: ServerSettings) -> Access | None:
    """Return what checks the tokens of the team in *settings*; `None` where Access is not used.

    Raises:
        InvalidInput: If it is half configured.
    """
    team = access_team(settings)
    if team is None:
        return None
    return Access(team, AccessKeys(fetch_from(team.keys_url), time.monotonic))


class AccessKeys:
    """The keys of one team.

    Args:
        fetch: Gets the published document.
        clock: Seconds that only grow.
    """

    def __init__(self, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: PublicKeys = {}
        self._asked_at = -MAX_AGE_S
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> AllowedPublicKeys | None:
        """Return the key of that id, after another look if it is unknown or the keys are old.

        Raises:
            ServiceUnreachable: If there are no keys at all and none can be fetched.
        """
        if key_id not in self._keys or self._due(key_id):
            async with self._lock:  # whoever has an unknown key waits for a look under way
                if self._due(key_id):
                    await self._refresh()
        if not self._keys:
            raise ServiceUnreachable(NAME, "they could not be fetched yet")
        return self._keys.get(key_id)

    def _due(self, key_id: str) -> bool:
        wait_s = UNKNOWN_KEY_WAIT_S if self._keys else FIRST_KEYS_WAIT_S
        wait_s = MAX_AGE_S if key_id in self._keys else wait_s
        return self._clock() - self._asked_at >= wait_s

    async def _refresh(self) -> None:
        """Fetch the keys; those we have stay when that fails."""
        self._asked_at = self._clock()
        try:
            self._keys = read_keys(await self._fetch())
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            why = str(error) if isinstance(error, UnusableKeys) else type(error).__name__
            log.warning("access keys not refreshed", why=why, kept=len(self._keys))


class UnusableKeys(ValueError):
    """What was published is not a set of keys; its text is ours."""


def read_keys(document: bytes) -> PublicKeys:
    """Return the RSA keys of a JSON Web Key Set (RFC 7517) by their ids; others are left out.

    Raises:
        UnusableKeys: If it is no such set, or holds no key that can be used.
    """
    try:
        listed = json.loads(document)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnusableKeys("it is not a set of keys") from None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise UnusableKeys(f"it does not list up to {MOST_KEYS} keys")
    found = {one["kid"]: key for one in listed if (key := _key(one)) is not None}
    if not found:
        raise UnusableKeys("it holds no RSA key for signatures")
    return found


def _key(entry: Any) -> RSAPublicKey | None:
    """Return the key of one entry, `None` where it is not one to check signatures with."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    if entry.get("kty") != "RSA" or entry.get("use", "sig") != "sig":
        return None
    if entry.get("alg", "RS256") != "RS256":
        return None
    try:
        key = RSAAlgorithm.from_jwk(entry)
    except (InvalidKeyError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY_BITS:
        return None
    return key


def fetch_from(url: str) -> Fetch:
    """Return what gets the document at *url*: bounded in time and size, without redirects."""

    async def fetch() -> bytes:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(timeout=TIMEOUT_S) as client,
            client.stream("GET", url) as answer,
        ):
            answer.raise_for_status()
            return await _bounded(answer)

    return fetch


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_BYTES:
            raise UnusableKeys(f"it is larger than {LARGEST_BYTES} bytes")
    return bytes(body)
