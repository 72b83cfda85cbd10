"""Runs the `kubectl` on PATH, always against the same context and namespace."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass


class KubectlFailed(Exception):
    """A call of kubectl failed.

    Args:
        said: What it wrote on stderr.
    """

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said

    def __str__(self) -> str:
        return self.said or "kubectl failed and said nothing."


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Calls kubectl for one namespace.

    Attributes:
        namespace: Of everything that is asked for.
        context: Of kubectl's configuration, `None` for the current one.
    """

    namespace: str
    context: str | None = None

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Return what kubectl writes on stdout.

        Raises:
            KubectlFailed: If it ends with another code than 0.
        """
        context = ["--context", self.context] if self.context else []
        done = subprocess.run(  # noqa: S603 - the words are the scripts'
            ["kubectl", *context, "--namespace", self.namespace, *words],  # noqa: S607 - the user's
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise KubectlFailed(done.stderr.strip())
        return done.stdout
