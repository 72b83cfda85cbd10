"""Objects that name each other: whatever is named exists, and says the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.manifests.checks.objects import (
    NAMESPACE,
    Finding,
    Object,
    Objects,
    Pod,
    matches,
    name,
    named,
    of_kind,
    pods,
    ray_clusters,
)

SECRETS = {
    "devmind-ray": {"auth_token"},
    "devmind-api-keys": {"api-keys"},
    "devmind-database": {"url"},
    "devmind-mlflow": {"url"},
    "devmind-redis": {"password"},
    "devmind-postgres": {"postgres-password", "history-password", "mlflow-password"},
}
"""Secrets that are made outside of Git, with their keys; see `scripts/make_secrets.py`."""
_TUNNELS = {"cloudflared": {"token"}}
"""Made by hand of what Terraform prints; see `docs/cloudflare.md`."""
CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield what is named and not there, or said twice and differently."""
    for pod in pods(objects):
        yield from _references(pod, objects)
    yield from _cluster_secrets(objects)
    yield from _fetched_secrets(objects)
    yield from _services(objects)
    yield from _selectors(objects)
    yield from _routes(objects)
    yield from _namespaces(objects)
    yield from _bindings(objects)
    yield from _images(objects)


def _references(pod: Pod, objects: Objects) -> Iterator[Finding]:
    configs, claims = named(objects, "ConfigMap"), named(objects, "PersistentVolumeClaim")
    accounts = named(objects, "ServiceAccount")
    own = {each["metadata"]["name"] for each in _templates(objects)}
    account = pod.spec.get("serviceAccountName")
    if account and account not in accounts:
        yield Finding("agreement.account", pod.where, account)
    for container in pod.containers:
        yield from _container_references(
            f"{pod.where} {container['name']}", container, set(configs)
        )
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])} | own
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield Finding("agreement.volume", pod.where, mount["name"])
    for volume in pod.spec.get("volumes", []):
        if "configMap" in volume and volume["configMap"]["name"] not in configs:
            yield Finding("agreement.config", pod.where, volume["configMap"]["name"])
        if "secret" in volume and volume["secret"]["secretName"] not in SECRETS:
            yield Finding("agreement.secret", pod.where, volume["secret"]["secretName"])
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and claim not in claims:
            yield Finding("agreement.claim", pod.where, claim)


def _templates(objects: Objects) -> Iterator[Object]:
    for thing in of_kind(objects, "StatefulSet"):
        yield from thing["spec"].get("volumeClaimTemplates", [])


def _container_references(where: str, container: Object, configs: set[str]) -> Iterator[Finding]:
    for source in container.get("envFrom", []):
        config = source.get("configMapRef", {}).get("name")
        if config and config not in configs:
            yield Finding("agreement.config", where, config)
    for each in container.get("env", []):
        reference = (each.get("valueFrom") or {}).get("secretKeyRef")
        if reference:
            yield from _secret_key(where, reference)


def _secret_key(where: str, reference: Object) -> Iterator[Finding]:
    if reference["key"] not in (SECRETS | _TUNNELS).get(reference["name"], set()):
        yield Finding("agreement.secret", where, f"{reference['name']}/{reference['key']}")


def _cluster_secrets(objects: Objects) -> Iterator[Finding]:
    for where, _, cluster in ray_clusters(objects):
        secret = (cluster.get("authOptions") or {}).get("secretName")
        if secret not in SECRETS:
            yield Finding("agreement.secret", where, f"authOptions.secretName {secret}")
        redis = cluster.get("gcsFaultToleranceOptions") or {}
        password = (redis.get("redisPassword") or {}).get("valueFrom", {}).get("secretKeyRef")
        if password:
            yield from _secret_key(where, password)
        address = redis.get("redisAddress")
        if address and not _listens(objects, *address.split(":")):
            yield Finding("agreement.address", where, address)


def _fetched_secrets(objects: Objects) -> Iterator[Finding]:
    fetched = {
        thing["spec"]["target"]["name"]: {each["secretKey"] for each in thing["spec"]["data"]}
        for thing in of_kind(objects, "ExternalSecret")
    }
    for secret, keys in SECRETS.items() if fetched else ():
        if fetched.get(secret) != keys:
            yield Finding(
                "agreement.fetched-secret", f"ExternalSecret/{secret}", str(fetched.get(secret))
            )


def services(objects: Objects) -> dict[str, Object]:
    """Return the Services by name, with those that the operator makes of a RayService."""
    made: dict[str, Object] = {}
    for thing in of_kind(objects, "RayService"):
        service = thing["spec"].get("serveService") or {}
        own = (service.get("metadata") or {}).get("name", f"{thing['metadata']['name']}-serve-svc")
        made[own] = service
    return named(objects, "Service") | made


def _listens(objects: Objects, host: str, port: Any) -> bool:
    service = services(objects).get(host)
    return service is not None and any(
        str(port) in {str(each.get("port")), str(each.get("name"))}
        for each in service["spec"]["ports"]
    )


def _services(objects: Objects) -> Iterator[Finding]:
    every = list(pods(objects))
    for thing in of_kind(objects, "Service"):
        selector = {"matchLabels": thing["spec"]["selector"]}
        chosen = [pod for pod in every if matches(selector, pod.labels)]
        for port in thing["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if not any(target in _ports(pod) for pod in chosen):
                yield Finding("agreement.service-port", name(thing), str(target))
    for thing in of_kind(objects, "RayService"):
        for port in (thing["spec"].get("serveService") or {}).get("spec", {}).get("ports", []):
            serving = [pod for pod in every if pod.ray and port["targetPort"] in _ports(pod)]
            if not serving or port["name"] != "serve":
                yield Finding("agreement.service-port", name(thing), str(port))
    for config in of_kind(objects, "ConfigMap"):
        yield from _urls(config, objects)


def _urls(config: Object, objects: Objects) -> Iterator[Finding]:
    for key in ("MLFLOW_TRACKING_URI", "JAEGER_ENDPOINT"):
        url = (config.get("data") or {}).get(key, "")
        if url.startswith("http://"):
            host, _, port = url.removeprefix("http://").partition(":")
            if not _listens(objects, host, port):
                yield Finding("agreement.address", name(config), url)


def _ports(pod: Pod) -> set[Any]:
    found: set[Any] = set()
    for container in pod.containers:
        for port in container.get("ports", []):
            found |= {port["containerPort"], port.get("name")}
    return found


def _selectors(objects: Objects) -> Iterator[Finding]:
    every = [pod.labels for pod in pods(objects)]
    for thing in of_kind(objects, "NetworkPolicy", "PodDisruptionBudget"):
        key = "podSelector" if thing["kind"] == "NetworkPolicy" else "selector"
        if not any(matches(thing["spec"].get(key), labels) for labels in every):
            yield Finding("agreement.selector", name(thing), str(thing["spec"].get(key)))
    for pod in pods(objects):
        for spread in pod.spec.get("topologySpreadConstraints", []):
            if not matches(spread.get("labelSelector"), pod.labels):
                yield Finding("agreement.selector", pod.where, str(spread["labelSelector"]))


def _routes(objects: Objects) -> Iterator[Finding]:
    known = named(objects, "Middleware")
    for thing in of_kind(objects, "IngressRoute"):
        for route in thing["spec"]["routes"]:
            for each in route.get("middlewares", []):
                if each["name"] not in known:
                    yield Finding("agreement.middleware", name(thing), each["name"])
            for service in route.get("services", []):
                if not _listens(objects, service["name"], service["port"]):
                    yield Finding(
                        "agreement.route", name(thing), f"{service['name']}:{service['port']}"
                    )


def _namespaces(objects: Objects) -> Iterator[Finding]:
    for thing in objects:
        if thing["kind"] not in CLUSTER_WIDE and thing["metadata"].get("namespace") != NAMESPACE:
            yield Finding(
                "agreement.namespace", name(thing), str(thing["metadata"].get("namespace"))
            )


def _bindings(objects: Objects) -> Iterator[Finding]:
    roles, accounts = named(objects, "Role"), named(objects, "ServiceAccount")
    for thing in of_kind(objects, "RoleBinding"):
        if thing["roleRef"]["name"] not in roles:
            yield Finding("agreement.binding", name(thing), thing["roleRef"]["name"])
        for subject in thing["subjects"]:
            if subject["name"] not in accounts or subject.get("namespace", NAMESPACE) != NAMESPACE:
                yield Finding("agreement.binding", name(thing), str(subject))


def _images(objects: Objects) -> Iterator[Finding]:
    tags: dict[str, set[str]] = {}
    for pod in pods(objects):
        for container in pod.containers:
            image, _, tag = container["image"].rpartition(":")
            tags.setdefault(image.rsplit("/", 1)[-1], set()).add(f"{image}:{tag}")
    for image, found in tags.items():
        if len(found) > 1:
            yield Finding("agreement.image", image, ", ".join(sorted(found)))
