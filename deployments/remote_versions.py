"""The history deployment as the source of model versions."""

from __future__ import annotations

from deployments.remote import Remote


class RemoteVersions:
    """The history deployment as the source of model versions, for model replicas."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    async def champion(self, model: str) -> str | None:
        """Return the promoted version."""
        version: str | None = await self._remote.ask("champion", model)
        return version

    async def shadow(self, model: str) -> str | None:
        """Return the version that answers silently beside the champion."""
        version: str | None = await self._remote.ask("shadow", model)
        return version

    async def bundle(self, model: str, version: str) -> bytes:
        """Return a version's bundle, packed."""
        body: bytes = await self._remote.ask("bundle", model, version)
        return body
