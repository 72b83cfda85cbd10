"""Registering a trained model, asking the gate, and moving the alias if it agrees.

`python -m training.promote MODEL VERSION [--force]` promotes a registered version;
`python -m training.promote --register FOLDER` registers what a job kept because the registry was
away. Exit codes: 0 done, 1 an unexpected failure, 2 refused, or no such version or folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from devmind.errors import (
    CorruptBundle,
    DevMindError,
    FeatureSchemaMismatch,
    InvalidInput,
    ModelUnavailable,
    PromotionRefused,
)
from models.bundle import Bundle, read_bundle, write_bundle
from models.gate import POLICIES, Decision, decide
from models.names import in_code, in_paths
from models.paired import compare
from models.scorecard import from_json, to_json
from training.recipe import OnStage, Scored, Trained
from training.versions import Versions

EXIT_REFUSED = 2
BUNDLE, SCORECARD = "bundle", "scorecard.json"


class RegisteredOnly(ModelUnavailable):
    """The registry went away after it had the version and before the version was judged."""


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
    check: Callable[[], None] = lambda: None,
) -> Outcome:
    """Register *trained*, compare it with the champion on the same builds, and promote it if asked.

    Args:
        versions: The registry.
        trained: The challenger.
        folder: Scratch; the challenger's bundle is left in `folder / "bundle"`.
        promote_if_better: Promote if the gate agrees.
        force: Promote whatever the gate says; its reasons are recorded all the same.
        on_stage: Told which stage begins.
        check: Called before everything that others will see; raises if the job is not ours.

    Raises:
        ModelUnavailable: If the registry does not answer; says so if the version is in it.
    """
    model = trained.manifest.model
    on_stage("registering")
    bundle = write_bundle(folder / BUNDLE, trained.manifest, trained.files)
    (folder / SCORECARD).write_bytes(to_json(trained.scorecard))
    check()
    version = versions.register(model, bundle, trained.scorecard)
    on_stage("gating")
    try:
        decision = _judged(versions, trained, folder / "champion")
        if force and not decision.promote:
            decision = Decision(promote=False, reasons=("forced", *decision.reasons))
        versions.record_decision(model, version, decision)
        promoted = force or (promote_if_better and decision.promote)
        if promoted:
            check()
            versions.promote(model, version)
    except ModelUnavailable as error:
        raise RegisteredOnly(model, f"{error.reason}; it has version {version} by now") from error
    return Outcome(version=version, promoted=promoted, reasons=decision.reasons)


def _judged(versions: Versions, trained: Trained, folder: Path) -> Decision:
    policy = POLICIES[trained.manifest.model]
    found = champion_scored(versions, trained, folder)
    if found is None:
        return decide(None, trained.scorecard, policy)
    champion, scored = found
    paired = compare(scored.rows, trained.rows, policy.metrics)
    newest = champion.manifest.trained_on.last_queued_at
    fresher = trained.manifest.trained_on.last_queued_at > newest
    return decide(scored.card, trained.scorecard, policy, paired=paired, fresher=fresher)


def champion_scored(
    versions: Versions, trained: Trained, folder: Path
) -> tuple[Bundle, Scored] | None:
    """Score the champion on the builds that *trained* was scored on.

    Returns:
        `None` without a champion, or when this code cannot serve it any more.
    """
    version = versions.champion(trained.manifest.model)
    if version is None:
        return None
    try:
        bundle = read_bundle(versions.fetch(trained.manifest.model, version, folder))
        return bundle, trained.score(bundle)
    except (FeatureSchemaMismatch, CorruptBundle):
        return None


def register_kept(versions: Versions, folder: Path) -> tuple[str, str]:
    """Register what a job kept in *folder* because the registry was away; twice is once.

    Returns:
        The model and its version; it is judged when somebody promotes it.

    Raises:
        InvalidInput: If *folder* is not what a job kept.
        CorruptBundle: If the bundle is not whole.
        ModelUnavailable: If the registry does not answer.
    """
    try:
        card = from_json((folder / SCORECARD).read_bytes())
    except OSError as error:
        advice = f"It has no readable {SCORECARD}; name a folder below DEVMIND_HOME/unregistered."
        raise InvalidInput("folder of a trained bundle", str(folder), advice) from error
    bundle = read_bundle(folder / BUNDLE)
    found = versions.find(card.model, bundle.seal)
    return card.model, found or versions.register(card.model, folder / BUNDLE, card)


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
    model: Annotated[str, typer.Argument(help="build-optimizer, failure-predictor, ...")] = "",
    version: Annotated[str, typer.Argument(help="Its number in the registry.")] = "",
    *,
    force: Annotated[bool, typer.Option("--force", help="Whatever the gate says.")] = False,
    register_folder: Annotated[
        Path | None,
        typer.Option("--register", help="Register what a job kept in this folder instead."),
    ] = None,
) -> None:
    """Make a registered version the champion, or register what a job could not."""
    from devmind.settings import ServerSettings  # noqa: PLC0415 - only the command reads it
    from models.registry import Registry  # noqa: PLC0415 - as above

    settings = ServerSettings()
    registry = Registry(settings.tracking_uri, settings.artifacts)
    try:
        if register_folder is not None:
            name, number = register_kept(registry, register_folder)
            said = f"{in_paths(name)} version {number} is registered; nothing is promoted yet"
        else:
            decision = promote(registry, in_code(model), version, force=force)
            said = f"{model} version {version} is the champion: {'; '.join(decision.reasons)}"
    except DevMindError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_REFUSED) from None
    typer.echo(said)


if __name__ == "__main__":
    typer.run(main)
