"""A machine whose PATH holds stand-ins for kubectl, helm and the rest, and what they remember."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

TAG = "devmind-ml-service:local-0123456789ab"
"""What becomes of the image that the stand-in of docker has."""
TOOLS = ("kubectl", "helm", "docker", "minikube", "kind", "k3d")
_SYSTEM = "bash cat dirname env grep mkdir mktemp rm sed sleep"
_WRAPPER = "#!{python} -SE\nexec(open({program!r}).read())\n"
_HURRIED = """#!{python}
import runpy, sys, time
if sys.argv[1] == "-c":
    sys.exit(exec(sys.argv[2]))
passed = [0.0]
time.monotonic = lambda: passed[0]
time.sleep = lambda seconds: passed.append(passed.pop() + seconds)
sys.argv = sys.argv[2:]
sys.path.insert(0, "")
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""A Python for `-m MODULE` in which waiting takes no time."""


def pod(**status):
    labels = {"devmind.io/ray": "true", "devmind.io/role": "head"}
    return {"kind": "Pod", "metadata": {"name": "devmind-head", "labels": labels}, "status": status}


def condition(kind, *, true, **more):
    return {"type": kind, "status": "True" if true else "False", **more}


READY = pod(conditions=[condition("Ready", true=True)])


def service(generation=1, observed=1, *, ready=True, apps="RUNNING"):
    """A RayService as KubeRay leaves it; without changes it serves."""
    conditions = [condition("Ready", true=ready), condition("UpgradeInProgress", true=False)]
    active = {"rayClusterName": "devmind-a", "applicationStatuses": {"devmind": {"status": apps}}}
    status = {"observedGeneration": observed, "conditions": conditions}
    return {
        "kind": "RayService",
        "metadata": {"name": "devmind", "generation": generation},
        "status": {**status, "activeServiceStatus": active},
    }


def cluster(image="IMAGE"):
    """A RayCluster; the stand-in puts the image that was applied in the place of IMAGE."""
    head = {"template": {"spec": {"containers": [{"image": image}]}}}
    return {
        "kind": "RayCluster",
        "metadata": {"name": "devmind-a"},
        "spec": {"headGroupSpec": head},
    }


SERVED = [service(), cluster(), READY]


class Machine:
    """A PATH of stand-ins, with what the cluster remembers between their calls."""

    def __init__(self, folder: Path, tools=TOOLS, context="minikube"):
        self.state, self.bin = folder / "state", folder / "bin"
        self.state.mkdir()
        self.bin.mkdir()
        program = str(Path(__file__).with_name("stand_in.py"))
        for tool in tools:
            self.script(tool, _WRAPPER.format(python=sys.executable, program=program))
        self.python = self.script("hurried", _HURRIED.format(python=sys.executable))
        for system in _SYSTEM.split():
            (self.bin / system).symlink_to(f"/usr/bin/{system}")
        self.remember("context", context)
        self.remember("looks", json.dumps([SERVED]))

    def script(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def remember(self, name, text):
        (self.state / name).write_text(text)

    def rules(self, *rules):
        """Let calls that hold a text end with a code: `helm upgrade=1`."""
        self.remember("rules", "".join(f"{rule}\n" for rule in rules))

    @property
    def calls(self):
        file = self.state / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def called(self, *words):
        """Whether a call has all these words, in this order."""
        return any(_in_order(words, call.split()) for call in self.calls)

    def forget(self):
        (self.state / "calls").unlink(missing_ok=True)

    def env(self, **more):
        home = os.environ.get("HOME", "/")
        return {"PATH": str(self.bin), "STATE": str(self.state), "HOME": home, **more}

    def run(self, script, *arguments, **env):
        return subprocess.run(
            [str(ROOT / "scripts" / script), *arguments],
            env=self.env(**env),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def _in_order(wanted, words):
    rest = iter(words)
    return all(each in rest for each in wanted)


def deploy(machine, *arguments, **env):
    """Run deploy-local.sh with a choice of PyTorch, and a Python that does not wait."""
    given = {"TORCH_INDEX": "file:///w", "PYTHON": str(machine.python)}
    return machine.run("deploy-local.sh", *arguments, **{**given, **env})
