"""Makes the Secrets that the manifests name, with fresh random values.

    python -m scripts.make_secrets local --namespace devmind-pipeline
    python -m scripts.make_secrets production | kubectl create --namespace devmind-pipeline -f -

With --namespace it stores, one by one, those that are not there yet, and says the API key once it
is stored; --new-key replaces the API key alone. Without, it prints all of them, and `create` leaves
what is there already. Where a secret store exists, components/external-secrets does this instead.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Iterator

from devmind.api_keys import make_key
from scripts.kubectl import Kubectl, KubectlFailed

Values = dict[str, dict[str, str]]


def _url(scheme: str, user: str, password: str) -> str:
    return f"{scheme}://{user}:{password}@postgres:5432/{user}"


def local(draw: Callable[[], str], line: str) -> Values:
    """Return what the local overlay names: everything in files of one pod.

    Args:
        draw: Gives a fresh random value.
        line: Of the API key, as the service stores it.
    """
    return {
        "devmind-ray": {"auth_token": draw()},
        "devmind-api-keys": {"api-keys": line},
        "devmind-database": {"url": "sqlite:////var/lib/devmind/history.db"},
    }


def production(draw: Callable[[], str], line: str) -> Values:
    """Return what the production overlay names; arguments as in `local`."""
    history, mlflow = draw(), draw()
    return local(draw, line) | {
        "devmind-database": {"url": _url("postgresql", "devmind", history)},
        "devmind-mlflow": {"url": _url("postgresql+psycopg", "mlflow", mlflow)},
        "devmind-redis": {"password": draw()},
        "devmind-postgres": {
            "postgres-password": draw(),
            "history-password": history,
            "mlflow-password": mlflow,
        },
    }


def manifest(values: Values) -> dict[str, object]:
    """Return *values* as a List of Secrets."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "labels": {"app.kubernetes.io/part-of": "devmind-pipeline"},
            },
            "stringData": held,
        }
        for name, held in values.items()
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


PLACES = {"local": local, "production": production}
KEYS = "devmind-api-keys"
_SHARED = ("devmind-postgres", "devmind-database", "devmind-mlflow")
"""One password stands in several of them, so in production they are made together."""


class HalfStored(Exception):
    """Some of the Secrets that share a password are there, and others would not agree with them.

    Args:
        there: Their names.
    """

    def __init__(self, there: list[str]) -> None:
        super().__init__(there)
        self.there = there

    def __str__(self) -> str:
        return (
            f"Of {', '.join(_SHARED)}, which share passwords, only {', '.join(self.there)} is "
            "there. Put the others back, or delete it if no database was made with it yet."
        )


def store(values: Values, key: str, kubectl: Kubectl, *, new_key: bool = False) -> Iterator[str]:
    """Store what is not there yet, and yield a line on each Secret.

    Args:
        values: As `PLACES` make them.
        key: The API key, which is said only after its Secret was stored.
        kubectl: For the namespace that they belong to.
        new_key: Whether the Secret of API keys is replaced if it is there.

    Raises:
        KubectlFailed: If a Secret cannot be stored.
        HalfStored: If a new one could not agree with those that are there.
    """
    there = set(kubectl.run("get", "secrets", "--output=name").split())
    held = {name for name in values if f"secret/{name}" in there}
    _refuse_parts(held, values)
    for name, each in values.items():
        replaced = new_key and name == KEYS and name in held
        if name in held and not replaced:
            yield f"secret/{name}: there already"
            continue
        how = "replace" if replaced else "create"
        kubectl.run(how, "--filename=-", stdin=json.dumps(manifest({name: each})))
        yield f"secret/{name}: {how}d"
        if name == KEYS:
            yield f"API key: {key}"


def _refuse_parts(held: set[str], values: Values) -> None:
    parts = held.intersection(_SHARED)
    if "devmind-postgres" in values and 0 < len(parts) < len(_SHARED):
        raise HalfStored(sorted(parts))


def main(arguments: list[str]) -> None:
    """Store the Secrets of one place, or print them."""
    parser = argparse.ArgumentParser(prog="python -m scripts.make_secrets", description=__doc__)
    parser.add_argument("place", choices=PLACES)
    parser.add_argument("--namespace", help="store them there, with kubectl")
    parser.add_argument("--context", help="kubectl's context, by default the current one")
    parser.add_argument("--new-key", action="store_true", help="replace the API key")
    asked = parser.parse_args(arguments)
    if asked.new_key and not asked.namespace:
        parser.error("--new-key wants --namespace")
    key, line = make_key("first", ["admin"])
    made = PLACES[asked.place](lambda: secrets.token_urlsafe(32), line)
    if asked.namespace is None:
        _say(json.dumps(manifest(made), indent=2))
        said = f"API key, of use once kubectl has said secret/{KEYS} created: {key}"
        print(said, file=sys.stderr)  # noqa: T201 - stdout is kubectl's
        return
    kubectl = Kubectl(asked.namespace, asked.context)
    try:
        for each in store(made, key, kubectl, new_key=asked.new_key):
            _say(each)
    except (KubectlFailed, HalfStored) as error:
        sys.exit(str(error))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a command prints


if __name__ == "__main__":
    main(sys.argv[1:])
