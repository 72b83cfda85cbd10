"""Which Cloudflare Access team a service stands behind; knows nothing of tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devmind.errors import InvalidInput
from devmind.settings import ServerSettings

HEADER = "cf-access-jwt-assertion"
"""Where Access puts its token."""
_TEAM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.cloudflareaccess\.com")
_AUDIENCE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who issues tokens, and for which applications they must be.

    Attributes:
        issuer: `https://` and the team's domain.
        audiences: Tags of the Access applications, 64 hex digits each.
    """

    issuer: str
    audiences: frozenset[str]

    @property
    def keys_url(self) -> str:
        """Return where the team's public keys are published."""
        return f"{self.issuer}/cdn-cgi/access/certs"


def access_team(settings: ServerSettings) -> Team | None:
    """Return the team whose tokens are demanded; `None` where Access is not used.

    Raises:
        InvalidInput: If only one of the two settings is there, or one is malformed.
    """
    domain, tags = settings.access_team_domain or "", settings.access_audience or ""
    if not domain and not tags:
        return None
    if not _TEAM.fullmatch(domain):
        advice = "Give the team's domain, as in team.cloudflareaccess.com."
        raise InvalidInput("DEVMIND_ACCESS_TEAM_DOMAIN", domain, advice)
    audiences = frozenset(tag.strip() for tag in tags.split(",") if tag.strip())
    if not audiences or not all(_AUDIENCE.fullmatch(tag) for tag in audiences):
        advice = "Give the application's audience tag, 64 hex digits; several by commas."
        raise InvalidInput("DEVMIND_ACCESS_AUDIENCE", tags, advice)
    return Team(issuer=f"https://{domain}", audiences=audiences)
