"""Waits until a cluster serves what was applied last, or says why it will not.

    python -m scripts.await_service IMAGE [--context NAME] [--namespace NAME] [--timeout SECONDS]

IMAGE is the one that the head of the serving cluster must have: KubeRay's `Ready` alone is true of
what served before. Exit codes: 0 served, 1 it will not be by itself, 3 not in time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from scripts.kubectl import Kubectl, KubectlFailed
from scripts.rollout import SERVED, Object, Verdict, judge

EVERY_S = 3.0
KINDS = "rayservices.ray.io,rayclusters.ray.io,pods"
SILENT = Verdict("the cluster does not answer", lasts_s=60)


def wait(
    look: Callable[[], Verdict],
    timeout_s: float,
    *,
    say: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[int, str]:
    """Look again and again until a verdict has lasted long enough to be final.

    Args:
        look: Gives the verdict on what is there now.
        timeout_s: How long to go on.
        say: Told each verdict that differs from the one before.
        now: The time in seconds.
        sleep: Lets time pass.

    Returns:
        The exit code and the last verdict's words.
    """
    began = since = now()
    state = ""
    while True:
        verdict = look()
        if verdict.what != state:
            state, since = verdict.what, now()
            say(state)
        if verdict.lasts_s is not None and now() - since >= verdict.lasts_s:
            return int(state != SERVED), str(verdict)
        if now() - began >= timeout_s:
            return 3, str(verdict)
        sleep(EVERY_S)


def seen(kubectl: Kubectl, image: str) -> Verdict:
    """Return the verdict on what is in the cluster now."""
    try:
        items: list[Object] = json.loads(kubectl.run("get", KINDS, "--output=json"))["items"]
    except KubectlFailed as error:
        return SILENT.because(str(error))
    return judge(items, image)


def main(arguments: list[str]) -> int:
    """Wait, and say what comes of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("image")
    parser.add_argument("--context")
    parser.add_argument("--namespace", default="devmind-pipeline")
    parser.add_argument("--timeout", type=float, default=900)
    asked = parser.parse_args(arguments)
    kubectl = Kubectl(asked.namespace, asked.context)

    def say(text: str) -> None:
        print(f"  {text}", flush=True)  # noqa: T201 - what a command prints

    code, why = wait(lambda: seen(kubectl, asked.image), asked.timeout, say=say)
    if code:
        late = f"not served after {asked.timeout:.0f} s: " if code > 1 else ""
        print(f"{late}{why}", file=sys.stderr)  # noqa: T201 - as above
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
