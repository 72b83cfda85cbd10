"""Starting the whole service on this machine; whatever is there already is used again."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devmind.client import Client
from devmind.errors import InvalidInput
from devmind.local import mlflow
from devmind.local.children import Child, Children
from devmind.local.commands import Commands
from devmind.local.failures import StepFailed
from devmind.local.first_answers import FirstAnswers, ask
from devmind.local.histories import Histories, Wanted
from devmind.local.layout import Layout
from devmind.local.memory import ServiceMemory, measure
from devmind.local.narrator import Narrator, Story
from devmind.local.ports import Ports
from devmind.local.ray_head import RayHead, RaySize, api_url, dashboard_url, environment
from devmind.local.ray_jobs import TrainingJobs
from devmind.local.recorded import RecordedProject, champions, events
from devmind.local.remembered import Remembered
from devmind.local.serve_mode import folder_of, forget
from devmind.local.serving import Serving

Missing = dict[str, str]
"""Model without a version that serves -> why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `up` is asked to do."""

    wanted: Wanted
    ports: Ports
    size: RaySize


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service that answers.

    Attributes:
        addresses: What there is to look at -> where.
        token: File with the secret for Ray's dashboard.
        answers: Three real predictions, if anything is recorded.
        seconds: Step -> how long it took.
        first_answer_s: From the start of `up` to the first prediction.
        memory: What all its processes take.
    """

    addresses: Mapping[str, str]
    token: Path
    answers: FirstAnswers | None
    seconds: Mapping[str, float]
    first_answer_s: float
    memory: ServiceMemory


class Up:
    """Brings up Ray, MLflow, history, models and application.

    Args:
        layout: Where everything goes.
        env: Environment of this process; the children get it with additions.
        key: API key for the predictions at the end, where the service wants one.
        narrator: Is told what is done.
    """

    def __init__(
        self, layout: Layout, env: Mapping[str, str], narrator: Narrator, *, key: str | None = None
    ) -> None:
        layout.make()
        self._layout = layout
        self._env = environment(layout, env)
        self._key = key
        self._says = narrator.says
        self._story = Story(narrator)
        self._children = Children(run=layout.run, logs=layout.logs)
        self._commands = Commands(root=layout.root, logs=layout.logs, env=self._env)
        self._remembered = Remembered.load(layout.memory_of_steps)
        self._head = RayHead(layout, self._children, self._env)
        self._serving = Serving(layout, self._commands, self._head)

    def run(self, plan: Plan) -> Running:
        """Bring everything up.

        Raises:
            InvalidInput: If another `up` is at work, a port is taken or a path is wrong.
            StepFailed: If a step does not succeed; what ran before still runs.
        """
        with _alone(self._layout):
            self._same_ports(plan.ports)
            ray = self._head.start(plan.ports, plan.size)  # starts while history is loaded
            web = mlflow.start(self._layout, self._children, self._env, plan.ports.mlflow)
            recorded = self._story.step("history", lambda: self._history(plan.wanted))
            self._story.step("mlflow", lambda: self._mlflow(web))
            head = self._story.step("ray", lambda: self._ray(ray, plan))
            missing = self._story.step("models", lambda: self._models(head, recorded, plan.wanted))
            self._story.step("serve", lambda: self._serve(head, missing))
            answers = self._story.step("predict", lambda: self._answers(head, recorded))
            first_answer_s = self._story.total_s
        return Running(
            addresses={
                "API": api_url(head),
                "API documentation": f"{api_url(head)}/docs",
                "Ray dashboard": dashboard_url(head),
                "MLflow": mlflow.url(web[0]),
            },
            token=self._layout.token,
            answers=answers,
            seconds=self._story.seconds,
            first_answer_s=first_answer_s,
            memory=measure(self._layout),
        )

    def _history(self, wanted: Wanted) -> tuple[list[RecordedProject], str]:
        histories = Histories(self._layout, self._commands, self._remembered)
        return histories.ensure(wanted, self._says)

    def _ray(self, ray: tuple[Child, bool], plan: Plan) -> tuple[Child, str]:
        child, new = ray
        try:
            self._head.await_ready(child)
        except StepFailed:  # Ray gives up after 30 s, which a busy machine may need
            self._says("it did not come up; once more")
            child, new = self._head.start(plan.ports, plan.size)
            self._head.await_ready(child)
        return child, f"{dashboard_url(child)}{'' if new else ', runs already'}"

    def _mlflow(self, web: tuple[Child, bool]) -> tuple[None, str]:
        child, new = web
        mlflow.await_ready(self._layout, self._children, child)
        return None, f"{mlflow.url(child)}{'' if new else ', runs already'}"

    def _models(
        self, head: Child, recorded: list[RecordedProject], wanted: Wanted
    ) -> tuple[Missing, str]:
        held, count = champions(self._commands), events(recorded)
        stale = [model for model in held if self._needs_training(model, held[model], count, wanted)]
        jobs = TrainingJobs(self._head, head, self._layout.logs)
        said: dict[str, str] = {}
        for model in stale:
            self._says(f"{model}: submitting the job")
            said[model] = jobs.train(model, self._says)
            self._remembered.trained_on[model] = count
            self._remembered.save(self._layout.memory_of_steps)
        now = champions(self._commands) if stale else held
        missing = {model: said[model] for model, version in now.items() if version is None}
        return missing, _done(stale, missing)

    def _needs_training(self, model: str, champion: str | None, count: int, wanted: Wanted) -> bool:
        """Whether there is no champion, or the files that were asked for brought something new."""
        if champion is None:
            return True
        return wanted.path is not None and self._remembered.trained_on.get(model) != count

    def _serve(self, head: Child, missing: Missing) -> tuple[None, str]:
        without = frozenset(model.replace("_", "-") for model in missing)
        if self._serving.ready(head, without):
            return None, f"{api_url(head)}, runs already"
        self._says("deploying")
        self._serving.deploy(head)
        self._serving.await_ready(head, without, self._says)
        return None, api_url(head)

    def _answers(
        self, head: Child, recorded: list[RecordedProject]
    ) -> tuple[FirstAnswers | None, str]:
        with Client(api_url(head), self._key, 60.0) as client:
            answers = ask(client, recorded, self._remembered.simulated)
        return answers, "three questions answered" if answers else "nothing is recorded yet"

    def _same_ports(self, ports: Ports) -> None:
        """Refuse other ports than those of a service that runs."""
        head = self._head.find()
        if head is None:
            return
        wanted = {"api_port": ports.api, "dashboard_port": ports.dashboard}
        for name, port in wanted.items():
            if head.facts.get(name) != str(port):
                advice = f"It uses {head.facts.get(name)}; `devmind down` first."
                raise InvalidInput(f"the service runs already, with another {name}", port, advice)


def _done(trained: list[str], missing: Missing) -> str:
    words = f"trained {', '.join(trained)}" if trained else "champions kept"
    return words + "".join(f"\n  no {model} yet: {reason}" for model, reason in missing.items())


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Keep a second `up` or `down` out while this one works."""
    with (layout.run / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            advice = "Wait for it to end."
            raise InvalidInput(
                "another `devmind up` or `down` is at work", str(layout.home), advice
            ) from error
        yield


def down(layout: Layout, narrator: Narrator) -> list[str]:
    """Stop what `up` has started, and nothing else; history and models stay.

    Returns:
        The names of what was stopped.
    """
    if not layout.run.is_dir():
        return []
    story = Story(narrator)
    children = Children(run=layout.run, logs=layout.logs)
    with _alone(layout):
        stopped = story.step("stop", lambda: _stopped(children))
        forget(folder_of(layout.home))
        return stopped


def _stopped(children: Children) -> tuple[list[str], str]:
    names = children.stop_all()
    return names, ", ".join(names) or "nothing was running"
