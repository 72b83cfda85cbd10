"""Cloudflare Access: only requests that it let in, told by the token it signed for each.

Access puts a JSON Web Token into `Cf-Access-Jwt-Assertion`, signed with RS256 by keys that change
every few weeks. Whoever reaches the service past the tunnel has none. Source:
https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

import jwt
from jwt.algorithms import AllowedPublicKeys

from deployments.access_team import Team
from devmind.errors import AccessRefused

ALGORITHM = "RS256"
LEEWAY_S = 30.0
"""How far Cloudflare's clock and ours may differ."""
LONGEST_TOKEN = 16 * 1024
_LONGEST_KEY_ID = 256
_REQUIRED = ["exp", "iat", "iss", "aud"]


class Keys(Protocol):
    """Knows the public keys that tokens are signed with."""

    def find(self, key_id: str) -> Awaitable[AllowedPublicKeys | None]:
        """Return the key of that id, or `None` if there is none."""


class Access:
    """Checks the tokens of one team.

    Args:
        team: Whose tokens, for which applications.
        keys: Where its keys are.
    """

    def __init__(self, team: Team, keys: Keys) -> None:
        self._team = team
        self._keys = keys

    async def check(self, token: str | None) -> str:
        """Return who was let in: the name of a service token, or a user's identifier.

        Raises:
            AccessRefused: If there is no token or it does not hold; the token is not repeated.
            ServiceUnreachable: If no keys are known and they cannot be fetched.
        """
        if not token:
            raise AccessRefused("there is no token")
        if len(token) > LONGEST_TOKEN:
            raise AccessRefused("the token is too long")
        if not token.isascii():
            raise AccessRefused("what came is not a token")
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise AccessRefused("the token is signed with a key that the team does not publish")
        claims = self._claims(token, key)
        return str(claims.get("common_name") or claims.get("sub") or "somebody")[:200]

    def _claims(self, token: str, key: AllowedPublicKeys) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._team.audiences,
                issuer=self._team.issuer,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as error:
            raise AccessRefused(_reason(error)) from None


def _key_id(token: str) -> str:
    """Return the id of the key that *token* names, after a look at its algorithm."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise AccessRefused("what came is not a token") from None
    if header.get("alg") != ALGORITHM:
        raise AccessRefused(f"the token is not signed with {ALGORITHM}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise AccessRefused("the token names no key")
    return key_id


def _reason(error: jwt.PyJWTError) -> str:
    """Return what is wrong, in words of ours: PyJWT's own repeat values of the token."""
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "it does not hold")


_REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is for another application"),
    (jwt.InvalidIssuerError, "the token is of another team"),
    (jwt.InvalidSignatureError, "the token's signature is wrong"),
    (jwt.MissingRequiredClaimError, "the token lacks a claim"),
    (jwt.DecodeError, "what came is not a token"),
)
