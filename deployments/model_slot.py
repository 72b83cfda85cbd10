"""The version of a model that a replica serves: load beside it, then swap.

A replica that raises while it loads is replaced by Ray Serve, so one broken bundle would take
all of them down. Here a version that cannot be loaded changes nothing but a log line and a count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

import structlog

from deployments.metrics import Metrics
from devmind.errors import (
    DevMindError,
    HistoryUnavailable,
    InvalidInput,
    ModelUnavailable,
    Overloaded,
    ServiceUnreachable,
)
from models.names import CHAMPION, SHADOW

M = TypeVar("M")
log = structlog.get_logger(__name__)

RETRY_S = 60.0
"""How long a version that failed to load is left alone, unless another one is wanted."""


class Versions(Protocol):
    """Where versions come from; the history deployment is one."""

    async def champion(self, model: str) -> str | None:
        """Return the promoted version, `None` when there is none."""

    async def shadow(self, model: str) -> str | None:
        """Return the version that answers silently beside it, `None` when there is none."""

    async def bundle(self, model: str, version: str) -> bytes:
        """Return a version's bundle, packed."""


@runtime_checkable
class OfTrees(Protocol):
    """A model that is served as packed trees where these are exact."""

    by_library: Mapping[str, str]
    """Project, or the empty name for all -> why the library answers instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[M]):
    """A model that is ready to predict, and which version it is."""

    model: M
    version: str


class ModelSlot(Generic[M]):
    """Holds one loaded version and follows the one that is wanted.

    Args:
        name: One of `models.names.MODELS`.
        versions: Where versions come from.
        load: Packed bundle and its name to model; checks hashes and features, runs in a thread.
        metrics: Counts loads and failures.
        clock: Monotonic seconds.
        wanted: The alias that is followed unless the configuration names a version; what is in
            the place of `SHADOW` serves nobody, and leaves when the alias does.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, each a part of its own
        self,
        *,
        name: str,
        versions: Versions,
        load: Callable[[bytes, str], M],
        metrics: Metrics,
        clock: Callable[[], float],
        wanted: str = CHAMPION,
    ) -> None:
        self.name = name
        self._versions = versions
        self._load = load
        self._metrics = metrics
        self._clock = clock
        self._wanted = wanted
        self._silent = wanted == SHADOW
        self._loaded: Loaded[M] | None = None
        self._failed: tuple[str, float] | None = None
        self._reason = "it has not been looked for yet; try again shortly."
        self._following: asyncio.Task[None] | None = None

    @property
    def loaded(self) -> Loaded[M] | None:
        """The model in use, `None` before the first one is."""
        return self._loaded

    @property
    def serving(self) -> str | None:
        """The version in use."""
        return None if self._loaded is None else self._loaded.version

    @property
    def reason(self) -> str:
        """Why the wanted version is not in use; empty when it is."""
        return self._reason

    def current(self) -> Loaded[M]:
        """Return the model in use.

        Raises:
            ModelUnavailable: If no version has been loaded yet.
        """
        if self._loaded is None:
            raise ModelUnavailable(self.name, self._reason)
        return self._loaded

    def want(self, user_config: object) -> None:
        """Take `{"version": "champion" | "7"}` from the deployment's configuration.

        Raises:
            InvalidInput: If it says anything else and nothing is being served that could go on.
        """
        match user_config:
            case {"version": str(version), **rest} if version and not rest:
                self._wanted, self._failed = version, None
            case _ if self._loaded is None:
                raise InvalidInput("user_config", user_config, 'It is {"version": "champion"}.')
            case _:
                log.error("user_config refused", model=self.name, serving=self.serving)

    def follow_soon(self) -> asyncio.Task[None]:
        """Start to follow the wanted version unless that is under way; never blocks."""
        if self._following is None or self._following.done():
            self._following = asyncio.get_running_loop().create_task(self.follow())
        return self._following

    async def settle(self, timeout_s: float) -> None:
        """Wait until the first version is in use, none is to be had, or *timeout_s* is over."""
        await asyncio.wait([self.follow_soon()], timeout=timeout_s)

    async def follow(self) -> None:
        """Load the wanted version if it is not in use, then swap; never raises."""
        try:
            version = await self._resolve()
            if version is not None and version == self.serving:
                self._reason = ""
            elif version is not None and not self._gave_up_on(version):
                await self._swap(version)
        except Exception as error:  # noqa: BLE001 - the old version must go on serving
            self._reason = _said(error)
            log.warning(
                "model not followed", model=self.name, serving=self.serving, why=self._reason
            )

    async def _resolve(self) -> str | None:
        if self._wanted == SHADOW:
            version = await self._versions.shadow(self.name)
            if version is None:
                self._loaded, self._reason = None, ""
            return version
        if self._wanted != CHAMPION:
            return self._wanted
        version = await self._versions.champion(self.name)
        if version is None:
            self._reason = "no version has been promoted; train and promote one."
        return version

    def _gave_up_on(self, version: str) -> bool:
        if self._failed is None or self._failed[0] != version:
            return False
        return self._clock() - self._failed[1] < RETRY_S

    async def _swap(self, version: str) -> None:
        before = self.serving
        try:
            body = await self._versions.bundle(self.name, version)
            model = await asyncio.to_thread(self._load, body, f"{self.name}/{version}")
        except (HistoryUnavailable, ModelUnavailable, ServiceUnreachable, Overloaded):
            raise  # says nothing about the version; the next look may find it
        except Exception as error:
            self._failed = (version, self._clock())
            self._reason = f"version {version} was rejected: {_said(error)}"
            self._metrics.load_failed(self.name)
            log.exception("model rejected", model=self.name, wanted=version, serving=before)
            return
        self._loaded, self._failed, self._reason = Loaded(model=model, version=version), None, ""
        if before is not None and not self._silent:
            self._metrics.unloaded(self.name, before)
        self.show()
        self._tell_exactness(model, version)
        log.info("model swapped", model=self.name, serving=version, before=before)

    def show(self) -> None:
        """Say in the metrics what is in use; they forget what is not said again and again."""
        if self._loaded is None or self._silent:
            return
        model = self._loaded.model
        self._metrics.loaded(self.name, self._loaded.version)
        if isinstance(model, OfTrees):
            self._metrics.exact(self.name, packed=not model.by_library)

    def _tell_exactness(self, model: M, version: str) -> None:
        slow = model.by_library if isinstance(model, OfTrees) else {}
        if slow:
            log.warning(
                "library predicts in the place of packed trees",
                model=self.name,
                version=version,
                predictors=len(slow),
                why=sorted(set(slow.values())),
            )


def _said(error: Exception) -> str:
    """Return what may be shown of *error*: our own words, of others only the class."""
    return str(error) if isinstance(error, DevMindError) else type(error).__name__
