"""The OpenAPI description: bodies that are read by hand are described like any other."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from deployments.http.responses import REFERENCE, ProblemBody


def takes(model: type[BaseModel], **examples: object) -> dict[str, Any]:
    """Describe a JSON body, for a route's `openapi_extra`."""
    return {"requestBody": {"required": True, "content": {"application/json": of(model, examples)}}}


def of(model: type[BaseModel], examples: dict[str, object]) -> dict[str, Any]:
    """Describe one kind of content."""
    named = {name.replace("_", " "): {"value": value} for name, value in examples.items()}
    return {"schema": {"$ref": REFERENCE.format(model=model.__name__)}, "examples": named}


def describe(app: FastAPI, bodies: list[type[BaseModel]]) -> None:
    """Let *app* describe *bodies* and the one shape of errors in its OpenAPI document."""
    mode: JsonSchemaMode = "validation"
    described: list[type[BaseModel]] = [*bodies, ProblemBody]
    named = [(model, mode) for model in described]
    schemas = models_json_schema(named, ref_template=REFERENCE)[1]["$defs"]

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            known = document.setdefault("components", {}).setdefault("schemas", {})
            known.update({name: schemas[name] for name in schemas if name not in known})
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it
