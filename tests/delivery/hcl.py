"""Terraform files read without Terraform's providers, and checked against a provider's schema."""

import json
import re

import hcl2

META = {"lifecycle", "depends_on", "count", "for_each", "provider", "timeouts"}
"""What Terraform itself takes in every resource."""
_OBJECT = re.compile(r"\{(.*)\}", re.DOTALL)


def read(folder):
    """Return all blocks of the files in *folder*: kind -> list of them."""
    blocks = {}
    for path in sorted(folder.glob("*.tf")):
        for kind, found in plain(hcl2.loads(path.read_text())).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


def plain(value):
    """Return *value* without the parser's own keys and quotes."""
    if isinstance(value, dict):
        return {
            unquoted(key): plain(inner) for key, inner in value.items() if not key.startswith("__")
        }
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return unquoted(value)


def unquoted(text):
    return text[1:-1] if isinstance(text, str) and re.fullmatch(r'"[^"]*"', text) else text


def resources(blocks):
    """Yield schema name, own name and attributes of every resource and data source."""
    for kind, prefix in (("resource", ""), ("data", "data.")):
        for block in blocks.get(kind, []):
            for type_, named in block.items():
                for name, body in named.items():
                    yield prefix + type_, name, body


def wrong(schema, type_, body):
    """Return what the provider would refuse: unknown, read-only and missing attributes."""
    if type_ not in schema:
        return [f"unknown type {type_}"]
    return list(_wrong(schema[type_], "", {k: v for k, v in body.items() if k not in META}))


def _wrong(levels, level, body):
    known = levels[level]
    for name, value in body.items():
        where = f"{level}.{name}".strip(".")
        if name not in known or known[name]["mode"] == "read-only":
            yield f"{where} is not to be set"
        elif where in levels:
            for inner in _objects(value):
                yield from _wrong(levels, where, inner)
    for name, attribute in known.items():
        if attribute["mode"] == "required" and name not in body:
            yield f"{level}.{name} is missing".strip(".")


def _objects(value):
    """Return the objects of an attribute; of a `for` expression, the keys it makes."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return [inner for one in value for inner in _objects(one)]
    made = re.search(r":\s*(\{.*\})", str(value), re.DOTALL)
    return [_keys(made[1])] if made else []


def _keys(text):
    """Return the nested keys of an object that stands in an expression."""
    found = {}
    for name, inner in re.findall(r"(\w+)\s*=\s*(\{.*\}|[^,{}]+)", text[1:-1], re.DOTALL):
        found[name] = _keys(inner.strip()) if inner.strip().startswith("{") else inner
    return found


def load_schema(folder):
    """Return the provider's resources, or `None` where the schemas are not here."""
    files = sorted(folder.glob("cloudflare_provider_*.json"))
    return json.loads(files[-1].read_text())["resources"] if files else None
