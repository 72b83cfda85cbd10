"""Training jobs on the Ray head, by Ray's job interface."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from devmind.local.children import Child
from devmind.local.failures import failed, last_lines
from devmind.local.ray_head import RayHead

_POLL_S = 1.0
PATIENCE_S = 60.0
"""How long a dashboard may be without an answer."""
_OVER = ("SUCCEEDED", "FAILED", "STOPPED")
_IMPOSSIBLE = 2
"""Exit code of `training.job` when the history does not allow a model."""

Says = Callable[[str], None]


class TrainingJobs:
    """Trains models on a running head.

    Args:
        head: Asks Ray.
        child: The running head.
        logs: Folder for what the jobs write.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        head: RayHead,
        child: Child,
        logs: Path,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._head = head
        self._child = child
        self._logs = logs

    def train(self, model: str, says: Says) -> str:
        """Train *model*, promote it if the gate says so, and stay until that is over.

        A job for the model that an earlier `up` left behind is followed, not doubled.

        Args:
            model: Its name in code.
            says: Hears the job's newest line.

        Returns:
            The job's last words: the version and what the gate said, or why the history does not
            allow the model.

        Raises:
            StepFailed: If the job cannot be submitted or fails.
        """
        log = self._logs / f"train-{model}.log"
        words = [sys.executable, "-m", "training.job", model, "--promote-if-better"]
        job = self._under_way(shlex.join(words)) or self._submit(model, shlex.join(words))
        state = self._followed(job, log, lambda line: says(f"{model}: {line}"))
        succeeded = state["status"] == "SUCCEEDED"
        if succeeded or state.get("driver_exit_code") == _IMPOSSIBLE:
            return (last_lines(log, 1) or ("it said nothing",))[0]
        raise failed(f"train {model}", f"the job {str(state['status']).lower()}", log)

    def _under_way(self, entrypoint: str) -> str | None:
        jobs = self._told("/api/jobs/")
        mine = [job for job in jobs if job.get("entrypoint") == entrypoint]
        active = [job["submission_id"] for job in mine if job.get("status") not in _OVER]
        return active[0] if active else None

    def _submit(self, model: str, entrypoint: str) -> str:
        body = {"entrypoint": entrypoint}
        try:
            answer = self._head.ask(self._child, "POST", "/api/jobs/", body)
        except httpx.TransportError as error:  # it may have been taken all the same
            job = self._under_way(entrypoint)
            if job is None:
                said = type(error).__name__
                raise failed(f"train {model}", f"Ray does not take the job: {said}") from error
            return job
        if answer.status_code != HTTPStatus.OK:
            said = answer.text.strip()[:300]
            raise failed(f"train {model}", f"Ray does not take the job: {said}")
        return str(answer.json()["submission_id"])

    def _followed(self, job: str, log: Path, says: Says) -> dict[str, object]:
        while True:
            state = self._told(f"/api/jobs/{job}")
            written = self._told(f"/api/jobs/{job}/logs")
            log.write_text(str(written.get("logs", "")))
            lines = [line for line in log.read_text().splitlines() if line.strip()]
            if lines:
                says(lines[-1])
            if state["status"] in _OVER:
                return dict(state)
            self._sleep(_POLL_S)

    def _told(self, path: str) -> Any:
        """Return what Ray answers to a GET; a dashboard that is busy or starts anew is asked again.

        Raises:
            StepFailed: If Ray has ended, or gives no usable answer for `PATIENCE_S`.
        """
        waited_s = 0.0
        while True:
            try:
                answer = self._head.ask(self._child, "GET", path)
                if answer.status_code == HTTPStatus.OK:
                    return answer.json()
                reason = f"status {answer.status_code}"
            except (httpx.TransportError, ValueError) as error:
                reason = type(error).__name__
            if waited_s >= PATIENCE_S or not self._child.alive:
                raise failed("models", f"Ray's dashboard does not answer {path}: {reason}")
            self._sleep(_POLL_S)
            waited_s += _POLL_S
