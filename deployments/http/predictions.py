"""Routes that answer questions."""

from __future__ import annotations

from typing import TypeVar

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from deployments.answers import (
    AssessAnswer,
    DurationAnswer,
    FailureAnswer,
    OptimizationAnswer,
    RemainingAnswer,
    SelectionAnswer,
)
from deployments.http import examples
from deployments.http.bodies import read_json
from deployments.http.documented import takes
from deployments.http.responses import REFUSED, answer, refusals
from deployments.http.security import Guard
from deployments.http.service import Predictions
from deployments.running_body import RemainingBody
from deployments.schemas import AssessBody, DurationBody, FailureBody, OptimizeBody, SelectionBody
from devmind.wire.base import Body

B = TypeVar("B", bound=Body)
BODIES: list[type[BaseModel]] = [
    RemainingBody,
    DurationBody,
    OptimizeBody,
    FailureBody,
    SelectionBody,
    AssessBody,
]
_REFUSALS = refusals(*REFUSED, 404, 413)


def predictions_router(predictions: Predictions, demand: Guard) -> APIRouter:
    """Return the routes below `/api/v1` that predict; `direct_routes` may call them.

    A project that was never seen is no error: the answer abstains and says why.
    """
    routes = APIRouter(
        prefix="/api/v1",
        tags=["predict"],
        dependencies=[Depends(demand("predict"))],
        responses={**_REFUSALS},
    )

    async def read(request: Request, model: type[B]) -> B:
        demand.admit(request, "predict")
        return await read_json(request, model)

    @routes.post(
        "/build-optimizer/predict",
        summary="How long will a build take?",
        response_model=DurationAnswer,
        openapi_extra=takes(DurationBody, a_push=examples.DURATION),
    )
    async def predict_duration(request: Request) -> Response:
        """Seconds: the median, and the interval in which four builds of five should fall."""
        body = await read(request, DurationBody)
        return answer(await predictions.duration(body.domain()))

    @routes.post(
        "/build-optimizer/remaining",
        summary="How much longer will a build run?",
        response_model=RemainingAnswer,
        openapi_extra=takes(RemainingBody, a_running_build=examples.REMAINING),
    )
    async def remaining(request: Request) -> Response:
        """Seconds from now on, given how long it has run and what its jobs have done."""
        body = await read(request, RemainingBody)
        return answer(await predictions.remaining(body.domain()))

    @routes.post(
        "/build-optimizer/optimize",
        summary="What would make a build faster?",
        response_model=OptimizationAnswer,
        openapi_extra=takes(OptimizeBody, a_project=examples.OPTIMIZE),
    )
    async def optimize(request: Request) -> Response:
        """The prediction and recommendations, each with the seconds it saves and its evidence."""
        body = await read(request, OptimizeBody)
        return answer(await predictions.optimize(body.domain()))

    @routes.post(
        "/failure-predictor/predict",
        summary="Will a build fail?",
        response_model=FailureAnswer,
        openapi_extra=takes(FailureBody, a_pull_request=examples.FAILURE),
    )
    async def predict_failure(request: Request) -> Response:
        """A calibrated probability with its reasons, beside the base rate."""
        body = await read(request, FailureBody)
        return answer(await predictions.failure(body.domain()))

    @routes.post(
        "/test-intelligence/select",
        summary="Which tests are worth running?",
        response_model=SelectionAnswer,
        openapi_extra=takes(
            SelectionBody, a_change=examples.SELECT, a_miss_rate=examples.SELECT_BY_MISS_RATE
        ),
    )
    async def select(request: Request) -> Response:
        """A subset by recall, miss rate, share of time or seconds; all tests where it must be."""
        body = await read(request, SelectionBody)
        return answer(await predictions.tests(body.domain()))

    @routes.post(
        "/assess",
        summary="All three at once",
        response_model=AssessAnswer,
        openapi_extra=takes(AssessBody, a_pull_request=examples.ASSESS),
    )
    async def assess(request: Request) -> Response:
        """Asked in parallel; a part that cannot be answered is `null` and named in `errors`."""
        body = await read(request, AssessBody)
        return answer(await predictions.assess(body.domain()))

    return routes
