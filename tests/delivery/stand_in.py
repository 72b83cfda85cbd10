"""Stands in for kubectl, helm, docker and the rest: keeps to their protocol and notes its calls.

What a cluster would remember lies in files of the folder that STATE names. Run by the wrappers that
`tests.delivery.programs` writes, with nothing but the standard library.
"""

# ruff: noqa: T201
# What a program prints is what it answers.

import json
import os
import sys
import time
from pathlib import Path

STATE = Path(os.environ.get("STATE", "."))
NAME = Path(sys.argv[0]).name


def remembered(name, default=""):
    file = STATE / name
    return file.read_text() if file.exists() else default


def remember(name, text):
    (STATE / name).write_text(text)


def forget(name):
    (STATE / name).unlink(missing_ok=True)


def without_globals(words):
    """Drop the options that stand before a command."""
    while words and words[0] in {"--context", "--kube-context", "--namespace"}:
        words = words[2:]
    return words


def obey_rules(call):
    """End with the code of the first rule, `TEXT=CODE`, whose text is in the call."""
    for rule in remembered("rules").splitlines():
        wanted, _, code = rule.rpartition("=")
        if wanted and wanted in call:
            sys.stderr.write(f"stand-in: {wanted}\n")
            sys.exit(int(code))


def image():
    tag = next(line for line in remembered("applied").splitlines() if "newTag" in line)
    return "devmind-ml-service:" + tag.split()[-1]


def looks():
    """What the cluster holds at this look: each is seen once, the last for ever."""
    every = json.loads(remembered("looks"))
    remember("looks", json.dumps(every[1:] or every))
    print(json.dumps({"items": every[0]}).replace("IMAGE", image()))


def secrets(words):
    """Store what comes on stdin; a Secret that is there is not created again."""
    names = [each["metadata"]["name"] for each in json.load(sys.stdin)["items"]]
    held = remembered("secrets").splitlines()
    if words[0] == "create" and set(names) & set(held):
        sys.exit("already exists")
    remember("secrets", "\n".join(dict.fromkeys([*held, *names])))


def file_of(words):
    return Path(words[words.index("--filename") + 1])


def context(words):
    if words[1] == "get-contexts":
        sys.exit(words[2] not in remembered("contexts").split())
    print(remembered("context"))
    sys.exit(not remembered("context"))


def asked(words):
    what = words[1]
    if what == "secrets":
        print("\n".join(f"secret/{name}" for name in remembered("secrets").splitlines()))
    elif what == "namespace":
        sys.exit(not remembered("namespace"))
    elif what == "nodes":
        print(remembered("memory", "16000000Ki 4Gi"))
    elif what == "rayservice":
        print(remembered("applied"), end="")
    elif what == "pods":
        print(remembered("running"))
    elif what == "service":
        absent = words[2] in remembered("absent").split()
        print("" if absent else f"service/{words[2]}")
    elif what == "deployments":
        print(remembered("operators"))
    elif what.startswith("rayservices"):
        looks()


def applied(words):
    if "-" in words:
        sys.stdin.read()
    elif "--dry-run=server" in words:
        print(file_of(words).read_text(), end="")
    else:
        remember("applied", file_of(words).read_text())


def created(words):
    if "--filename=-" in words:
        secrets(words)
    else:
        remember("namespace", "there")


def forwarded(words):
    remember(f"forward-{os.getpid()}", words[-2])
    print("Forwarding from 127.0.0.1:1 -> 1", flush=True)
    time.sleep(120)


def kubectl(words):
    does = {"config": context, "get": asked, "create": created, "replace": secrets}
    does |= {"apply": applied, "port-forward": forwarded}
    if words[0] == "kustomize":
        print(Path(words[1], "kustomization.yaml").read_text(), end="")
    elif words[:2] == ["delete", "rayservice"]:
        forget("applied")
    elif words[0] in does:
        does[words[0]](words)


def helm(words):
    if words[0] == "status":
        print(remembered("helm"))
        sys.exit(not remembered("helm"))


def docker(words):
    if words[:2] == ["image", "inspect"]:
        print(remembered("image", "sha256:0123456789abcdef"))


def minikube(words):
    if words[0] == "profile":
        print(json.dumps({"invalid": [], "valid": [{"Name": "dev"}]}, separators=(",", ":")))


def main():
    words = sys.argv[1:]
    with (STATE / "calls").open("a") as calls:
        calls.write(" ".join([NAME, *words]) + "\n")
    obey_rules(" ".join([NAME, *words]))
    does = {"kubectl": kubectl, "helm": helm, "docker": docker, "minikube": minikube}
    if NAME in does:
        does[NAME](without_globals(words))


if __name__ == "__main__":
    main()
