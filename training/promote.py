"""Registering a trained model, asking the gate, and moving the alias if it agrees.

`python -m training.promote MODEL VERSION [--force]` promotes a registered version. Exit codes:
0 promoted, 1 an unexpected failure, 2 refused, or no such version.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import typer

from devmind.errors import CorruptBundle, DevMindError, FeatureSchemaMismatch, PromotionRefused
from models.bundle import read_bundle, write_bundle
from models.gate import POLICIES, Decision, decide
from models.names import in_code
from models.scorecard import Scorecard
from training.recipe import OnStage, Trained

EXIT_REFUSED = 2


class Versions(Protocol):
    """The part of `models.registry.Registry` that training needs."""

    def register(
        self,
        model: str,
        bundle_folder: Path,
        scorecard: Scorecard,
        *,
        decision: Decision | None = None,
    ) -> str:
        """Store a version."""
        ...

    def record_decision(self, model: str, version: str, decision: Decision) -> None:
        """Write the gate's decision beside a version."""

    def promote(self, model: str, version: str) -> None:
        """Make a version the champion."""

    def champion(self, model: str) -> str | None:
        """Return the champion."""
        ...

    def scorecard(self, model: str, version: str) -> Scorecard:
        """Return a version's scorecard."""
        ...

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Copy a version's bundle."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a trained model.

    Attributes:
        version: Its number in the registry.
        promoted: Whether it is the champion now.
        reasons: What the gate said.
    """

    version: str
    promoted: bool
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        word = "promoted" if self.promoted else "not promoted"
        return f"version {self.version}, {word}: {'; '.join(self.reasons)}"


def register(  # noqa: PLR0913 - the whole of a decision, each named by the caller
    versions: Versions,
    trained: Trained,
    folder: Path,
    *,
    promote_if_better: bool,
    force: bool,
    on_stage: OnStage,
) -> Outcome:
    """Register *trained*, compare it with the champion on the same builds, and promote it if asked.

    Args:
        versions: The registry.
        trained: The challenger.
        folder: Scratch; the challenger's bundle is left in `folder / "bundle"`.
        promote_if_better: Promote if the gate agrees.
        force: Promote whatever the gate says; its reasons are recorded all the same.
        on_stage: Told which stage begins.

    Raises:
        ModelUnavailable: If the registry does not answer.
    """
    model = trained.manifest.model
    on_stage("registering")
    bundle = write_bundle(folder / "bundle", trained.manifest, trained.files)
    version = versions.register(model, bundle, trained.scorecard)
    on_stage("gating")
    champion = champion_scorecard(versions, trained, folder / "champion")
    decision = decide(champion, trained.scorecard, POLICIES[model])
    if force and not decision.promote:
        decision = Decision(promote=False, reasons=("forced", *decision.reasons))
    versions.record_decision(model, version, decision)
    promoted = force or (promote_if_better and decision.promote)
    if promoted:
        versions.promote(model, version)
    return Outcome(version=version, promoted=promoted, reasons=decision.reasons)


def champion_scorecard(versions: Versions, trained: Trained, folder: Path) -> Scorecard | None:
    """Score the champion on the builds that *trained* was scored on.

    Returns:
        `None` without a champion, or when this code cannot serve it any more.
    """
    version = versions.champion(trained.manifest.model)
    if version is None:
        return None
    try:
        fetched = versions.fetch(trained.manifest.model, version, folder)
        return trained.score(read_bundle(fetched))
    except (FeatureSchemaMismatch, CorruptBundle):
        return None


def promote(versions: Versions, model: str, version: str, *, force: bool) -> Decision:
    """Promote a registered version if the gate agrees by the registered scorecards, or by *force*.

    Raises:
        NotFound: If there is no such version.
        PromotionRefused: If the gate says no.
    """
    champion = versions.champion(model)
    if champion == version:
        return Decision(promote=True, reasons=("it is the champion",))
    before = versions.scorecard(model, champion) if champion else None
    decision = decide(before, versions.scorecard(model, version), POLICIES[model])
    if not decision.promote and not force:
        raise PromotionRefused(model, version, decision.reasons)
    if not decision.promote:
        decision = Decision(promote=False, reasons=("forced", *decision.reasons))
    versions.record_decision(model, version, decision)
    versions.promote(model, version)
    return decision


def main(
    model: Annotated[str, typer.Argument(help="build-optimizer, failure-predictor, ...")],
    version: Annotated[str, typer.Argument(help="Its number in the registry.")],
    *,
    force: Annotated[bool, typer.Option(help="Whatever the gate says.")] = False,
) -> None:
    """Make a registered version the champion."""
    from devmind.settings import ServerSettings  # noqa: PLC0415 - only the command reads it
    from models.registry import Registry  # noqa: PLC0415 - as above

    settings = ServerSettings()
    registry = Registry(settings.tracking_uri, settings.artifacts)
    try:
        decision = promote(registry, in_code(model), version, force=force)
    except DevMindError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_REFUSED) from None
    typer.echo(f"{model} version {version} is the champion: {'; '.join(decision.reasons)}")


if __name__ == "__main__":
    typer.run(main)
