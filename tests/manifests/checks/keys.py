"""What is named across objects that are deployed together: keys, Services, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from tests.manifests.checks import told
from tests.manifests.checks.agreement import SECRETS, services
from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Object,
    Objects,
    matches,
    named,
    of_kind,
)

_SOURCES = {
    "DATABASE_URL": ("devmind-database", "url"),
    "MLFLOW_BACKEND_STORE_URI": ("devmind-mlflow", "url"),
    "REDISCLI_AUTH": ("devmind-redis", "password"),
    "POSTGRES_PASSWORD": ("devmind-postgres", "postgres-password"),
    "HISTORY_PASSWORD": ("devmind-postgres", "history-password"),
    "MLFLOW_PASSWORD": ("devmind-postgres", "mlflow-password"),
}
_USERS = {
    "postgres": "postgres-password",
    "devmind": "history-password",
    "mlflow": "mlflow-password",
}
_HEAD, _MONITORING = {"devmind.io/role": "head"}, "'monitoring'"
_KUBERNETES = {"kube-root-ca.crt"}
"""ConfigMaps that are in every namespace."""
_CREATE = re.compile(r"^create (\w+) ", re.MULTILINE)


def check(objects: Objects) -> Iterator[Finding]:
    """Yield keys and Services that are not there, and secrets that are others'."""
    configs = {key: each.get("data") or {} for key, each in named(objects, "ConfigMap").items()}
    for each in told.containers(objects):
        for source in each.container.get("envFrom", []):
            secret = (source.get("secretRef") or {}).get("name")
            if secret is not None and secret not in SECRETS:
                yield Finding("keys.missing", each.where, secret)
        for variable in each.container.get("env", []):
            yield from _variable(each, variable, configs)
        for volume in each.volumes.values():
            yield from _volume(each.where, volume, configs)
        for key, value in each.values.items():
            yield from _address(each.where, key, value or "", objects)


def _variable(
    each: told.Told, variable: Object, configs: Mapping[str, Object]
) -> Iterator[Finding]:
    own, source = variable["name"], variable.get("valueFrom") or {}
    config, secret = source.get("configMapKeyRef"), source.get("secretKeyRef")
    if config and config["key"] not in configs.get(config["name"], {}):
        yield Finding("keys.missing", each.where, f"{config['name']}/{config['key']}")
    wanted = _SOURCES.get(own)
    if own == "PGPASSWORD":
        wanted = ("devmind-postgres", _USERS[str(each.values.get("PGUSER"))])
    if wanted and (not secret or (secret["name"], secret["key"]) != wanted):
        yield Finding("keys.swapped", each.where, f"{own} is {'/'.join(wanted)}")


def _volume(where: str, volume: Object, configs: Mapping[str, Object]) -> Iterator[Finding]:
    for source in (volume, *(volume.get("projected") or {}).get("sources", [])):
        for kind in {"configMap", "secret"} & source.keys():
            there = SECRETS if kind == "secret" else configs
            own = source[kind].get("secretName") or source[kind]["name"]
            items = {item["key"] for item in source[kind].get("items", [])}
            if own not in _KUBERNETES and not (own in there and items <= set(there[own])):
                yield Finding("keys.missing", where, f"{own} {sorted(items)}")


def _address(where: str, key: str, value: str, objects: Objects) -> Iterator[Finding]:
    """A name without dots is a Service of ours, which speaks no TLS."""
    if key == "PGHOST":
        value = f"tcp://{value}:5432"
    for each in value.split() if "://" in value else ():
        url = urlsplit(each)
        host, _, namespace = str(url.hostname).partition(".")
        if namespace.startswith("monitoring") and not _let_out(url.port, objects):
            yield Finding("keys.observer", where, f"{key}: {value}")
        if namespace.partition(".")[0] in {"", NAMESPACE} and not listens(host, url.port, objects):
            yield Finding("keys.address", where, f"{key}: {value}")
        if not namespace and url.scheme == "https":
            yield Finding("keys.address", where, f"{key}: {value}")


def listens(host: str, port: int | None, objects: Objects) -> bool:
    """Whether a Service of ours has a port."""
    service = services(objects).get(host)
    return service is not None and port in {each["port"] for each in service["spec"]["ports"]}


def _let_out(port: int | None, objects: Objects) -> bool:
    """Whether a policy lets the head out to a port there; 80 is that of Grafana's Service."""
    rules = [
        rule
        for policy in of_kind(objects, "NetworkPolicy")
        if matches(policy["spec"].get("podSelector"), _HEAD)
        for rule in policy["spec"].get("egress", [])
        if any(_MONITORING in str(peer.get("namespaceSelector")) for peer in rule.get("to", []))
    ]
    return port == 80 or any(port == p.get("port") for r in rules for p in r.get("ports", []))


def made(secrets: Mapping[str, Mapping[str, str]], objects: Objects) -> Iterator[Finding]:
    """Yield what made Secrets say of databases, users and Services that are not there."""
    text = "".join(str(each.get("data")) for each in of_kind(objects, "ConfigMap"))
    databases = set(_CREATE.findall(text.replace("\\n", "\n")))
    drivers = {"devmind-database": "postgresql", "devmind-mlflow": "postgresql+psycopg"}
    users = {"devmind-database": "devmind", "devmind-mlflow": "mlflow"}
    for secret in drivers.keys() & secrets.keys():
        url = urlsplit(secrets[secret]["url"])
        if url.scheme == "sqlite":
            if not url.path.startswith("//var/lib/devmind/"):
                yield Finding("keys.made", secret, url.path)
            continue
        own = users[secret]
        password = secrets["devmind-postgres"][_USERS[own]]
        said = (url.scheme, url.username, url.password, url.path)
        if said != (drivers[secret], own, password, f"/{own}") or own not in databases:
            yield Finding("keys.made", secret, url.geturl())
        if not listens(str(url.hostname), url.port, objects):
            yield Finding("keys.made", secret, f"{url.hostname}:{url.port}")
