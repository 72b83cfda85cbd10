"""What all servers are measured with: a history, models that learned from it, and requests.

It is made once and kept: a simulated company, made-up projects of 500 and 5,000 tests, models
trained by the project's own jobs. It is made anew when features or models change.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import features
import models
import training
from benchmarks.serving.made_projects import PIPELINE, project, stories
from benchmarks.serving.plan import SELECTIONS
from devmind.ci import QueuedBuild
from devmind.events import Event, Queued
from devmind.local.commands import Commands, python
from devmind.local.layout import Layout
from devmind.local.ray_head import ensure_token, environment
from devmind.settings import ServerSettings
from history.events import BuildQueued
from history.open import open_history
from models.bundle import Bundle, code_version, read_bundle
from models.names import MODELS, in_paths
from models.registry import Registry

ROOT = Path(__file__).resolve().parents[2]
COMPANY_BUILDS = 400
"""Builds of each simulated project, as in `devmind up`."""
LEARNED_BUILDS = 80
"""Builds of the project of 500 tests, which the models learn from, too."""
KNOWN_BUILDS = 50
"""Builds of the project of 5,000 tests, recorded after training."""
RECORDED = "bench/recorded"
"""The project whose builds are recorded under load."""
RECORDED_BUILDS = 500
_BATCH = 10
_SMALL = {"DEVMIND_TRAINING_WORKERS": "1"}
"""One worker: nothing here is measured, and two cores are soon full."""
_OTHERS = ("DATABASE_URL", "MLFLOW_TRACKING_URI", "ENVIRONMENT", "DEVMIND_DATABASE_URL")

Says = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """History and models, ready to be served.

    Attributes:
        folder: Everything is in here.
        company: The simulated project that is asked about.
    """

    folder: Path
    company: str

    @property
    def home(self) -> Path:
        """The service's `DEVMIND_HOME`; servers get a copy of it."""
        return self.folder / "home"


def own_environment(base: dict[str, str]) -> dict[str, str]:
    """Return *base* without what would lead a service to another history or another's models."""
    kept = {name: value for name, value in base.items() if name not in _OTHERS}
    return {name: value for name, value in kept.items() if not name.startswith("DEVMIND_API")}


def prepare(cache: Path, says: Says) -> Material:
    """Return the material in *cache*, made first if the one there is not of this code.

    Raises:
        StepFailed: If the simulator, the import or a training job fails.
    """
    modules = (features, models, training)
    print_of = "-".join(code_version(Path(str(m.__file__)).parent)[-12:] for m in modules)
    folder = cache / "material"
    made_of = folder / "made_of"
    if not made_of.is_file() or made_of.read_text() != print_of:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        made_of.write_text(print_of)
    _make(folder, Layout(root=ROOT, home=folder / "home"), says)
    return Material(folder=folder, company=_company(folder / "home"))


def settings_of(home: Path) -> ServerSettings:
    """Return the settings of a service in *home*."""
    return ServerSettings(home=home, database_url=None, mlflow_tracking_uri=None)


def champions(material: Material) -> dict[str, Bundle]:
    """Return the champion's bundle of each model, read from the registry."""
    settings = settings_of(material.home)
    registry = Registry(settings.tracking_uri, settings.artifacts)
    found = {}
    for model in MODELS:
        version = registry.champion(model)
        if version is None:
            raise SystemExit(f"{model} has no champion; remove {material.folder} and try again")
        into = material.folder / "bundles"
        into.mkdir(exist_ok=True)
        shutil.rmtree(into / model, ignore_errors=True)
        found[model] = read_bundle(registry.fetch(model, version, into / model))
    return found


def newest_builds(material: Material, name: str, count: int) -> list[QueuedBuild]:
    """Return the builds of a project that were queued last."""
    with open_history(settings_of(material.home).database) as store:
        builds = [event.build for event in store.read(name) if isinstance(event, BuildQueued)]
    return builds[-count:]


def _make(folder: Path, layout: Layout, says: Says) -> None:
    """Make what is not there yet, a step at a time: what an earlier try finished is kept."""
    layout.make()
    ensure_token(layout)
    env = environment(layout, own_environment(dict(os.environ)) | _SMALL)
    commands = Commands(root=layout.root, logs=layout.logs, env=env)
    few, many = SELECTIONS.values()
    begun: list[list[Event]] = [[Queued(build=build)] for build in recorded_builds()]

    def train(model: str) -> None:
        command = python("training.job", in_paths(model), "--promote-if-better", "--force")
        commands.run(f"train {model}", command, on_line=lambda line: says(f"{model}: {line}"))

    def import_company() -> None:
        commands.run("import", python("history.load", str(layout.simulated), "--json"))

    def learned() -> None:
        _record(layout.home, project(few), stories(few, builds=LEARNED_BUILDS))

    def known() -> None:
        _record(layout.home, project(many), stories(many, builds=KNOWN_BUILDS))

    steps: dict[str, Callable[[], None]] = {
        "simulating a company": lambda: _simulate(layout, commands),
        "importing its history": import_company,
        f"recording {project(few)}": learned,
        **{f"training {model}": partial(train, model) for model in MODELS},
        f"recording {project(many)}": known,
        f"recording {RECORDED}": lambda: _record(layout.home, RECORDED, begun),
    }
    for name, step in steps.items():
        done = folder / f"done {name.replace('/', '-')}"
        if not done.exists():
            says(name)
            step()
            done.touch()


def _simulate(layout: Layout, commands: Commands) -> None:
    shutil.rmtree(layout.simulated, ignore_errors=True)
    words = (str(layout.simulated), "--builds", str(COMPANY_BUILDS))
    commands.run("simulate", python("devmind.simulate", *words))


def recorded_builds() -> list[QueuedBuild]:
    """Return the builds that reports are recorded for under load."""
    first = next(iter(stories(_BATCH, builds=1)))[0]
    assert isinstance(first, Queued)  # noqa: S101 - a story begins so
    return [
        QueuedBuild(
            project=RECORDED,
            pipeline=PIPELINE,
            external_id=str(number),
            queued_at=first.build.queued_at,
            change=first.build.change,
        )
        for number in range(RECORDED_BUILDS)
    ]


def _record(home: Path, name: str, told: Iterable[list[Event]]) -> None:
    with open_history(settings_of(home).database) as store:
        batch: list[Event] = []
        for story in told:
            batch += story
            if len(batch) >= _BATCH:
                store.append(name, batch)
                batch = []
        if batch:
            store.append(name, batch)


def _company(home: Path) -> str:
    """Return the simulated project with the most builds, the first by name of several."""
    with open_history(settings_of(home).database) as store:
        known = [one for one in store.projects() if not one.project.startswith("bench/")]
    return min(known, key=lambda one: (-one.builds, one.project)).project
