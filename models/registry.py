"""The store of model versions: MLflow, with the aliases `champion`, `previous` and `shadow`.

A version is immutable: a bundle, its scorecard, the gate's decision. Promotion and rollback move
aliases and nothing else. MLflow is imported by the first call, not by importing this module.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from devmind.errors import CorruptBundle, DevMindError, InvalidInput, ModelUnavailable, NotFound
from models.bundle import read_bundle
from models.gate import Decision
from models.names import CHAMPION, MODELS, PREVIOUS, SHADOW
from models.scorecard import Scorecard, to_json
from models.shadowing import Shadowing, shadow_tags, tagged_shadowing
from models.tracking_address import TrackingAddress
from models.versions import (
    VersionSummary,
    decision_tags,
    logged_metrics,
    tagged_decision,
    tagged_scorecard,
    tagged_seal,
    version_tags,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_BUNDLE = "bundle"
_MAX_PARAMETER = 500


class Registry:
    """Versions of the three models.

    Args:
        tracking_uri: A database (`sqlite:////var/lib/devmind/mlflow.db`) or an MLflow server
            (`https://...`); it may hold credentials, which no message repeats.
        artifacts: Folder of the bundles when *tracking_uri* is a database; a server keeps its own.

    Every method raises `ModelUnavailable` when MLflow does not answer.
    """

    def __init__(self, tracking_uri: str, artifacts: Path) -> None:
        self._address = TrackingAddress(tracking_uri, artifacts)

    @cached_property
    def _client(self) -> MlflowClient:
        with self._address.opening():
            from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds; only those who ask pay

            client = MlflowClient(self._address.uri, self._address.uri)
            client.search_registered_models(max_results=1)
        return client

    def register(
        self,
        model: str,
        bundle_folder: Path,
        scorecard: Scorecard,
        *,
        decision: Decision | None = None,
    ) -> str:
        """Store a bundle as a new version; it serves nobody until it is promoted.

        Args:
            model: One of `models.names.MODELS`.
            bundle_folder: What `write_bundle` wrote.
            scorecard: How it did on newer builds.
            decision: What the gate said about it, if asked already.

        Returns:
            The new version's number.

        Raises:
            CorruptBundle: If the bundle is not whole or holds another model.
        """
        bundle = read_bundle(bundle_folder)
        if not model == bundle.manifest.model == scorecard.model:
            said = f"it holds {bundle.manifest.model}, its scorecard is of {scorecard.model}"
            raise CorruptBundle(bundle.name, f"{said}, registered as {model}")
        with self._asking(model):
            name = self._registered(model)
            run = self._client.create_run(self._experiment(name), run_name=bundle_folder.name)
            try:
                self._log(run.info.run_id, bundle_folder, scorecard)
            except BaseException:
                self._client.set_terminated(run.info.run_id, "FAILED")
                raise
            self._client.set_terminated(run.info.run_id, "FINISHED")
            version = self._client.create_model_version(
                name,
                source=f"{run.info.artifact_uri}/{_BUNDLE}",
                run_id=run.info.run_id,
                tags=version_tags(scorecard, bundle.seal, decision),
            )
        return str(version.version)

    def find(self, model: str, seal: str) -> str | None:
        """Return the newest version of the bundle with *seal*, `None` without one."""
        found = (v.version for v in self.versions(model) if v.seal == seal)
        return next(found, None)

    def record_decision(self, model: str, version: str, decision: Decision) -> None:
        """Write the gate's decision beside a version.

        Raises:
            NotFound: If there is no such version.
        """
        with self._asking(model):
            self._version(model, version)
            for tag, value in decision_tags(decision).items():
                self._client.set_model_version_tag(_name(model), version, tag, value)

    def promote(self, model: str, version: str) -> None:
        """Make *version* the champion; the champion so far becomes `previous`.

        Asks no gate: whoever calls it has decided. Promoting the champion changes nothing.

        Raises:
            NotFound: If there is no such version.
        """
        with self._asking(model):
            self._version(model, version)
            self._crown(model, str(version))

    def rollback(self, model: str) -> str:
        """Swap `champion` and `previous`.

        Returns:
            The version that is champion now.

        Raises:
            NotFound: If nothing was promoted before.
        """
        previous = self.previous(model)
        if previous is None or previous == self.champion(model):
            raise NotFound(
                "previous version of", model, "Only a promotion over a champion leaves one."
            )
        self.promote(model, previous)
        return previous

    def champion(self, model: str) -> str | None:
        """Return the version that serves, `None` before the first promotion."""
        return self._aliases(model).get(CHAMPION)

    def previous(self, model: str) -> str | None:
        """Return the version that a rollback would bring back, if there is one."""
        return self._aliases(model).get(PREVIOUS)

    def shadow(self, model: str) -> str | None:
        """Return the version that answers silently beside the champion, if there is one."""
        return self._aliases(model).get(SHADOW)

    def shadowing(self, model: str) -> Shadowing | None:
        """Return which version shadows, for how many builds, and what follows."""
        version = self.shadow(model)
        if version is None:
            return None
        with self._asking(model):
            return tagged_shadowing(version, self._version(model, version).tags)

    def start_shadow(self, model: str, shadowing: Shadowing) -> None:
        """Let a version answer silently beside the champion, in place of any that does so.

        Raises:
            NotFound: If there is no such version.
        """
        with self._asking(model):
            self._version(model, shadowing.version)
            for tag, value in shadow_tags(shadowing).items():
                self._client.set_model_version_tag(_name(model), shadowing.version, tag, value)
            self._client.set_registered_model_alias(_name(model), SHADOW, shadowing.version)

    def end_shadow(self, model: str) -> None:
        """Let no version answer beside the champion any more."""
        if self.shadow(model) is not None:
            with self._asking(model):
                self._client.delete_registered_model_alias(_name(model), SHADOW)

    def versions(self, model: str) -> list[VersionSummary]:
        """Return all versions, the newest first; none when nothing is registered."""
        aliases = self._aliases(model)
        with self._asking(model):
            found = self._client.search_model_versions(f"name='{_name(model)}'")
            summaries = [_summary(model, version, aliases) for version in found]
        return sorted(summaries, key=lambda summary: -int(summary.version))

    def scorecard(self, model: str, version: str) -> Scorecard:
        """Return a version's scorecard.

        Raises:
            NotFound: If there is no such version.
        """
        with self._asking(model):
            return tagged_scorecard(self._version(model, version).tags)

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Copy a version's bundle to the folder *into*, whole and checked on return.

        Raises:
            NotFound: If there is no such version.
            CorruptBundle: If what is stored is not what was registered.
            InvalidInput: If *into* exists.
        """
        if into.exists():
            raise InvalidInput("bundle folder", str(into), "It exists, and bundles never change.")
        into.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{into.name}.", dir=into.parent))
        try:
            with self._asking(model):
                stored = self._version(model, version)
                self._client.download_artifacts(str(stored.run_id), _BUNDLE, str(draft))
            if read_bundle(draft / _BUNDLE).seal != tagged_seal(stored.tags):
                raise CorruptBundle(
                    f"{model}/{version}", "it is not the bundle that was registered"
                )
            (draft / _BUNDLE).rename(into)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return into

    def _crown(self, model: str, version: str) -> None:
        name, champion = _name(model), self.champion(model)
        if champion == version:
            return
        if champion is not None:
            self._client.set_registered_model_alias(name, PREVIOUS, champion)
        self._client.set_registered_model_alias(name, CHAMPION, version)

    def _aliases(self, model: str) -> dict[str, str]:
        with self._asking(model):
            try:
                found = self._client.get_registered_model(_name(model)).aliases
            except Exception as error:
                if _code(error) == "RESOURCE_DOES_NOT_EXIST":
                    return {}
                raise
            return {alias: str(version) for alias, version in found.items()}

    def _version(self, model: str, version: str) -> ModelVersion:
        try:
            return self._client.get_model_version(_name(model), version)
        except Exception as error:
            if _code(error) in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise NotFound("version", f"{model}/{version}", "See `devmind status`.") from None
            raise

    def _registered(self, model: str) -> str:
        with _unless_there():
            self._client.create_registered_model(_name(model))
        return _name(model)

    def _experiment(self, name: str) -> str:
        with _unless_there():
            location = self._address.artifact_location(name)
            return str(self._client.create_experiment(name, artifact_location=location))
        found = self._client.get_experiment_by_name(name)
        if found is None:
            raise NotFound("experiment", name, "It was renamed meanwhile; try again.")
        return str(found.experiment_id)

    def _log(self, run: str, folder: Path, scorecard: Scorecard) -> None:
        manifest = read_bundle(folder).manifest
        for key, value in sorted({**manifest.config, "seed": manifest.seed}.items()):
            self._client.log_param(run, key, str(value)[:_MAX_PARAMETER])
        self._client.set_tag(run, "devmind.code_version", manifest.code_version)
        for key, value in logged_metrics(scorecard).items():
            self._client.log_metric(run, key, value)
        self._client.log_artifacts(run, str(folder), _BUNDLE)
        self._client.log_text(run, to_json(scorecard).decode(), "scorecard.json")

    @contextmanager
    def _asking(self, model: str) -> Iterator[None]:
        if model not in MODELS:
            raise NotFound("model", model, f"There are {', '.join(MODELS)}.")
        try:
            yield
        except DevMindError:
            raise
        except Exception as error:  # noqa: BLE001 - MLflow lets every library's errors through
            raise ModelUnavailable(model, self._address.reason(error)) from None


def _name(model: str) -> str:
    return f"devmind-{model}"


@contextmanager
def _unless_there() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if _code(error) != "RESOURCE_ALREADY_EXISTS":
            raise


def _code(error: Exception) -> str:
    return str(getattr(error, "error_code", ""))


def _summary(model: str, version: ModelVersion, aliases: dict[str, str]) -> VersionSummary:
    number = str(version.version)
    return VersionSummary(
        model=model,
        version=number,
        created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, tz=UTC),
        aliases=tuple(sorted(alias for alias, named in aliases.items() if named == number)),
        scorecard=tagged_scorecard(version.tags),
        decision=tagged_decision(version.tags),
        seal=tagged_seal(version.tags),
    )
