"""From options and environment to a client."""

from __future__ import annotations

from pathlib import Path

from devmind.client import Client
from devmind.errors import InvalidInput, UnreadableSource
from devmind.settings import ClientSettings


def connect(url: str | None, key_file: Path | None) -> Client:
    """Return a client for the service that options or environment name.

    Raises:
        InvalidInput: If the address or a setting is wrong.
        UnreadableSource: If the key's file cannot be read.
    """
    settings = _settings()
    if key_file is not None:
        settings = settings.model_copy(update={"api_key": None, "api_key_file": key_file})
    return Client(
        url or settings.url, _key(settings), settings.timeout_s, headers=_access(settings)
    )


def _settings() -> ClientSettings:
    try:
        return ClientSettings()
    except ValueError as error:  # pydantic's ValidationError is one
        raise InvalidInput("a DEVMIND_ setting is wrong", str(error), "Correct it.") from error


def _access(settings: ClientSettings) -> dict[str, str]:
    try:
        return settings.access()
    except ValueError as error:
        what = "half a service token of Cloudflare Access"
        raise InvalidInput(what, settings.access_client_id, f"{error}.") from error


def _key(settings: ClientSettings) -> str | None:
    try:
        return settings.key()
    except OSError as error:
        advice = "Check --api-key-file or DEVMIND_API_KEY_FILE."
        raise UnreadableSource(str(settings.api_key_file), str(error.strerror), advice) from error
