"""Routes for model versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response

from deployments.http import examples
from deployments.http.bodies import json_body
from deployments.http.documented import takes
from deployments.http.responses import REFUSED, answer, refusals
from deployments.http.security import Guard
from deployments.http.service import Lifecycle
from deployments.lifecycle_answers import (
    ModelsAnswer,
    Promoted,
    ShadowStarted,
)
from deployments.schemas import PromoteBody, RetrainBody, ShadowBody

BODIES: list[type[BaseModel]] = [RetrainBody, PromoteBody, ShadowBody]
_SMALL = 64 * 1024
ReadPromoteBody = Annotated[PromoteBody, Depends(json_body(PromoteBody, limit=_SMALL))]
ReadShadowBody = Annotated[ShadowBody, Depends(json_body(ShadowBody, limit=_SMALL))]
Model = Annotated[str, Path(max_length=100, examples=["build-optimizer"])]
Version = Annotated[str, Path(max_length=100, examples=["champion", "3"])]
_ALONE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
"""A card shows itself and nothing from elsewhere."""


def models_router(lifecycle: Lifecycle, demand: Guard) -> APIRouter:
    """Return the routes below `/models`."""
    routes = APIRouter(prefix="/models", tags=["models"], responses={**refusals(*REFUSED, 404)})
    may_look, may_change = [Depends(demand("predict"))], [Depends(demand("admin"))]

    @routes.get(
        "/status",
        summary="Every model and its versions",
        response_model=ModelsAnswer,
        dependencies=may_look,
    )
    async def status() -> Response:
        """Which version is champion, which is served, and what each one is worth."""
        return answer(ModelsAnswer(models=tuple(await lifecycle.status())))

    @routes.get(
        "/{model}/versions/{version}/card",
        summary="The model card of a version",
        response_model=dict[str, object],
        dependencies=may_look,
    )
    async def card(model: Model, version: Version) -> Response:
        """What it was trained on, what it is worth, what it leans on and where it is weak."""
        body = await lifecycle.card(model, version, page=False)
        return Response(body, media_type="application/json")

    @routes.get(
        "/{model}/versions/{version}/card.html",
        summary="The model card of a version as a page",
        response_class=HTMLResponse,
        dependencies=may_look,
    )
    async def page(model: Model, version: Version) -> Response:
        """One file that opens anywhere, with its charts in it."""
        body = await lifecycle.card(model, version, page=True)
        return HTMLResponse(body, headers=_ALONE)

    @routes.post(
        "/{model}/promote",
        summary="Make a version the champion",
        response_model=Promoted,
        responses={**refusals(409)},
        dependencies=may_change,
        openapi_extra=takes(PromoteBody, version_3=examples.PROMOTE),
    )
    async def promote(
        request: Request,
        model: Model,
        body: ReadPromoteBody,
    ) -> Response:
        """If the gate agrees; `force` overrides it and is written down.

        Replicas follow within seconds and keep the old version if the new one cannot be loaded.
        """
        by = request.state.holder
        return answer(await lifecycle.promote(model, body.version, force=body.force, by=by))

    @routes.post(
        "/{model}/shadow",
        summary="Let a version answer silently beside the champion",
        response_model=ShadowStarted,
        dependencies=may_change,
        openapi_extra=takes(ShadowBody, version_3=examples.SHADOW),
    )
    async def shadow(request: Request, model: Model, body: ReadShadowBody) -> Response:
        """Nobody is given its answers; `/models/status` compares them with the champion's.

        When both have answered for so many finished builds, the gate compares them on those.
        """
        started = await lifecycle.start_shadow(
            model,
            body.version,
            builds=body.builds,
            promote_if_better=body.promote_if_better,
            by=request.state.holder,
        )
        return answer(started)

    @routes.post(
        "/{model}/rollback",
        summary="Return to the previous champion",
        response_model=Promoted,
        dependencies=may_change,
    )
    async def rollback(request: Request, model: Model) -> Response:
        """Takes seconds and needs no training."""
        return answer(await lifecycle.rollback(model, by=request.state.holder))

    return routes
