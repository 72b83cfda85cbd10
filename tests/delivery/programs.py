"""Stand-ins for kubectl, helm and the rest: they keep to the protocol and note their calls."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PROGRAM = r"""#!{python}
import os, sys, time, signal
name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
state = os.environ["STATE"]
if "-" in arguments and name == "kubectl":
    sys.stdin.read()
with open(state + "/calls", "a") as calls:
    calls.write(" ".join([name, *arguments]) + "\n")
for rule in open(state + "/rules").read().splitlines():
    wanted, _, code = rule.rpartition("=")
    if wanted and wanted in " ".join([name, *arguments]):
        if code == "ok":
            break
        sys.stderr.write("stand-in: " + wanted + "\n")
        sys.exit(int(code))
if arguments[:2] == ["config", "current-context"]:
    context = open(state + "/context").read()
    print(context)
    sys.exit(0 if context else 1)
if arguments[:2] == ["get", "secret"]:
    sys.exit(0 if os.path.exists(state + "/secrets") else 1)
if arguments[:1] == ["create"]:
    open(state + "/secrets", "w").close()
if arguments[:1] == ["port-forward"]:
    open(state + "/forward-" + str(os.getpid()), "w").write(arguments[-2])
    time.sleep(120)
"""


class Machine:
    """A PATH of stand-ins, with what the cluster remembers between their calls."""

    def __init__(self, folder: Path, tools, context="minikube"):
        self.state, self.bin = folder / "state", folder / "bin"
        self.state.mkdir()
        self.bin.mkdir()
        for tool in tools:
            path = self.bin / tool
            path.write_text(PROGRAM.replace("{python}", sys.executable))
            path.chmod(0o755)
        for system in "bash dirname sed grep sleep cat env".split():
            (self.bin / system).symlink_to(f"/usr/bin/{system}")
        (self.state / "context").write_text(context)
        self.rules()

    def rules(self, *rules):
        """Let calls that hold a text end with a code: `helm upgrade=1`."""
        (self.state / "rules").write_text("".join(f"{rule}\n" for rule in rules))

    @property
    def calls(self):
        file = self.state / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def forget(self):
        (self.state / "calls").unlink(missing_ok=True)

    def env(self, **more):
        return {
            "PATH": str(self.bin),
            "STATE": str(self.state),
            "HOME": os.environ.get("HOME", "/"),
            **more,
        }

    def run(self, script, *arguments, **env):
        return subprocess.run(
            ["/bin/bash", str(ROOT / "scripts" / script), *arguments],
            env=self.env(**env),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
