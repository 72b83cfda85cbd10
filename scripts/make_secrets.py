"""Makes the Secrets that the manifests name, with fresh random values, for `kubectl create`.

    python -m scripts.make_secrets local | kubectl create --namespace devmind-pipeline -f -
    python -m scripts.make_secrets production | kubectl create --namespace devmind-pipeline -f -

`create` leaves what is there already, so running it again changes no password. The API key is said
once, on stderr. Where a secret store exists, components/external-secrets does this instead.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable

from devmind.cli.keys import make_key

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


def main(arguments: list[str]) -> None:
    """Print the Secrets of one place."""
    if len(arguments) != 1 or arguments[0] not in PLACES:
        sys.exit(f"Usage: python -m scripts.make_secrets {'|'.join(PLACES)}")
    key, line = make_key("first", ["admin"])
    made = PLACES[arguments[0]](lambda: secrets.token_urlsafe(32), line)
    print(json.dumps(manifest(made), indent=2))  # noqa: T201 - what a command prints
    print(f"API key, shown once: {key}", file=sys.stderr)  # noqa: T201 - as above


if __name__ == "__main__":
    main(sys.argv[1:])
