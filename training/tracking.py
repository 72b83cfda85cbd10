"""Searches in MLflow: a parent run for each, with a child for each trial, its table and pictures.

MLflow is a place to look, never one that a search depends on: when it does not answer, the search
goes on, everything is kept in the search's folder, and one line says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from models.names import in_paths
from models.tracking_address import TrackingAddress
from training.search_trials import Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LOGGED = "tracked.json"
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED", "running": "KILLED"}


class SearchTracking:
    """One search in MLflow. No method raises when MLflow does.

    Args:
        address: Of MLflow; it may hold credentials, which no message repeats.
        folder: Of the search; remembers which runs there are, so that a search that goes on after
            a crash does so in the same ones.
        say: Told once when MLflow does not answer.
    """

    def __init__(
        self, address: TrackingAddress, folder: Path, *, say: Callable[[str], None]
    ) -> None:
        self._address, self._folder, self._say = address, folder, say
        self._client: MlflowClient | None = None
        self._broken = False
        self._parent = ""
        self._experiment = ""
        self._children: dict[str, str] = {}

    @property
    def reached(self) -> bool:
        """Whether MLflow has taken everything so far."""
        return bool(self._parent) and not self._broken

    def begin(self, model: str, name: str, tags: Mapping[str, str]) -> None:
        """Open the parent run, or that of the same search before a crash.

        Args:
            model: What is searched for; names the experiment.
            name: Of the run.
            tags: Model, seed, budget, data range.
        """

        def opened(client: MlflowClient) -> None:
            self._experiment = self._named(client, f"search-{in_paths(model)}")
            self._recall(client)
            if not self._parent:
                run = client.create_run(self._experiment, run_name=name, tags=dict(tags))
                self._parent = run.info.run_id
                self._remember()

        self._asking(opened)

    def log(self, trials: Sequence[Trial]) -> None:
        """Write down the trials that have ended since."""
        ended = [trial for trial in trials if trial.state != "running"]
        new = [trial for trial in ended if str(trial.number) not in self._children]
        for trial in new:
            if not self.reached:
                return
            self._asking(lambda client, one=trial: self._child(client, one))  # type: ignore[misc] # mypy cannot infer a lambda's default

    def end(
        self,
        trials: Sequence[Trial],
        *,
        metrics: Mapping[str, float],
        artifacts: Sequence[Path],
        failed: bool = False,
    ) -> None:
        """Write down what is left, and close the parent run.

        Args:
            trials: All of them.
            metrics: Of the search.
            artifacts: Files to keep beside it.
            failed: Whether the search did not come to its end.
        """
        if not self._parent:
            return
        self._broken = False  # it may answer again
        self.log(trials)

        def closed(client: MlflowClient) -> None:
            for name, value in metrics.items():
                client.log_metric(self._parent, name, value)
            for path in artifacts:
                client.log_artifact(self._parent, str(path))
            client.set_terminated(self._parent, "FAILED" if failed else "FINISHED")

        if self.reached:
            self._asking(closed)

    def _child(self, client: MlflowClient, trial: Trial) -> None:
        tags = {
            "mlflow.parentRunId": self._parent,
            "devmind.state": trial.state,
            "devmind.default": str(trial.default).lower(),
        }
        name = f"trial-{trial.number}"
        run = client.create_run(self._experiment, run_name=name, tags=tags).info.run_id
        for knob, value in trial.values.items():
            client.log_param(run, knob, value)
        for fold, loss in enumerate(trial.losses, 1):
            client.log_metric(run, "fold_loss", loss, step=fold)
        if trial.losses:
            client.log_metric(run, "loss", trial.loss)
        client.log_metric(run, "seconds", trial.seconds)
        client.set_terminated(run, _STATUS[trial.state])
        self._children[str(trial.number)] = run
        self._remember()

    def _named(self, client: MlflowClient, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is None:
            location = self._address.artifact_location(name)
            return str(client.create_experiment(name, artifact_location=location))
        return str(found.experiment_id)

    def _asking(self, ask: Callable[[MlflowClient], None]) -> None:
        try:
            if self._client is None:
                with self._address.opening():
                    from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds

                    self._client = MlflowClient(self._address.uri, self._address.uri)
                    ask(self._client)
            else:
                ask(self._client)
        except Exception as error:  # noqa: BLE001 - MLflow's errors are of many kinds
            self._broken = True
            self._say(f"{self._address.reason(error)}; the search goes on, see {self._folder}")

    def _remember(self) -> None:
        known = {"run": self._parent, "children": self._children}
        (self._folder / _LOGGED).write_text(json.dumps(known))

    def _recall(self, client: MlflowClient) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads((self._folder / _LOGGED).read_text())
            client.update_run(known["run"], status="RUNNING")
            self._parent, self._children = known["run"], dict(known["children"])
