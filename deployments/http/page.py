"""`/docs`: the API on one page that loads nothing from anywhere else.

The usual pages fetch their scripts from a content network, which a service that never leaves the
team's network cannot count on; this one is made here, from the OpenAPI document.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1f24;background:#fff}h2{margin-top:2.5rem;text-transform:capitalize}
details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:#f6f8fa;padding:.7rem;overflow:auto;border-radius:6px}
.verb{display:inline-block;min-width:3.5rem;font-weight:700}.get{color:#0969da}.post{color:#1a7f37}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .6rem}
td,th{text-align:left;vertical-align:top}
td,th{border-bottom:1px solid #d0d7de;font-size:14px}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}pre{background:#161b22}
details,td,th{border-color:#30363d}.get{color:#58a6ff}.post{color:#3fb950}a{color:#58a6ff}}
"""


def page_router(app: FastAPI) -> APIRouter:
    """Return the route `/docs` that describes *app*."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(render(app.openapi()))

    return routes


def render(document: dict[str, Any]) -> str:
    """Return an OpenAPI document as one HTML page."""
    title, version = escape(document["info"]["title"]), escape(document["info"]["version"])
    sections = "".join(_section(document, tag) for tag in document["tags"])
    about = "".join(f"<p>{_inline(p)}</p>" for p in document["info"]["description"].split("\n\n"))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title} <small>{version}</small></h1>{about}"
        f'<p>For programs: <a href="openapi.json">openapi.json</a>.</p>{sections}'
    )


def _section(document: dict[str, Any], tag: dict[str, str]) -> str:
    routes = [
        _route(document, path, verb, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if tag["name"] in operation.get("tags", ())
    ]
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{''.join(routes)}"


def _route(document: dict[str, Any], path: str, verb: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{_inline(operation.get('description', ''))}</p>"]
    parts += [_parameters(operation["parameters"])] if "parameters" in operation else []
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body, <code>{escape(kind)}</code>:</p>{_example(content)}")
        parts.append(_schema(document, content["schema"]))
    for status, response in operation["responses"].items():
        parts.append(f"<p><b>{escape(status)}</b> {_inline(response['description'])}</p>")
        for content in response.get("content", {}).values():
            parts.append(_schema(document, content.get("schema", {})))
    return (
        f'<details id="{escape(operation["operationId"])}"><summary><span class="verb {verb}">'
        f"{verb.upper()}</span> <code>{escape(path)}</code> {escape(operation['summary'])}"
        f"</summary>{''.join(parts)}</details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = [[p["name"], p["in"], p.get("description", "")] for p in parameters]
    return _table(["parameter", "in", ""], rows)


def _example(content: dict[str, Any]) -> str:
    shown = [example["value"] for example in content.get("examples", {}).values()]
    shown += [content["example"]] if "example" in content else []
    texts = [value if isinstance(value, str) else json.dumps(value, indent=2) for value in shown]
    return "".join(f"<pre>{escape(text)}</pre>" for text in texts)


def _schema(document: dict[str, Any], schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    found = document["components"]["schemas"].get(name)
    if found is None:
        return ""
    needed = found.get("required", [])
    rows = [
        [field, _kind(known), "" if field in needed else "optional", known.get("description", "")]
        for field, known in found.get("properties", {}).items()
    ]
    text = f"<p>{_inline(found.get('description', ''))}</p>"
    table = _table(["field", "type", "", ""], rows)
    return f"<details><summary>{escape(name)}</summary>{text}{table}</details>"


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_kind(part) for part in schema[several]))
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("const") or schema.get("type", "any"))


def _table(head: list[str], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_inline(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{top}{body}</table>"


def _inline(text: str) -> str:
    """Return *text* escaped, its `code` and **bold** marked."""
    for mark, tag in (("`", "code"), ("**", "b")):
        pieces = (escape(text) if mark == "`" else text).split(mark)
        text = "".join(
            f"<{tag}>{piece}</{tag}>" if at % 2 else piece for at, piece in enumerate(pieces)
        )
    return text
