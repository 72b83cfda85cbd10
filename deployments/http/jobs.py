"""Routes for training jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from deployments.http import examples
from deployments.http.bodies import json_body
from deployments.http.documented import takes
from deployments.http.models import Model
from deployments.http.responses import REFUSED, answer, refusals
from deployments.http.security import Guard
from deployments.http.service import Lifecycle
from deployments.lifecycle_answers import JobAnswer, JobLogAnswer, JobsAnswer
from deployments.schemas import RetrainBody

_SMALL = 64 * 1024
ReadRetrainBody = Annotated[RetrainBody, Depends(json_body(RetrainBody, limit=_SMALL))]
JobId = Annotated[str, Path(max_length=200)]
OfModel = Annotated[str | None, Query(max_length=100, description="Only jobs of this model.")]
Offset = Annotated[
    int, Query(ge=0, le=2**62, description="`next_offset` of the page before, 0 for the first.")
]


def jobs_router(lifecycle: Lifecycle, demand: Guard) -> APIRouter:
    """Return the routes below `/models` that start, follow and cancel training jobs."""
    routes = APIRouter(prefix="/models", tags=["models"], responses={**refusals(*REFUSED, 404)})
    may_look, may_change = [Depends(demand("predict"))], [Depends(demand("admin"))]

    @routes.get("/jobs", summary="Training jobs", response_model=JobsAnswer, dependencies=may_look)
    async def jobs(model: OfModel = None) -> Response:
        """The newest fifty, newest first."""
        return answer(JobsAnswer(jobs=tuple(await lifecycle.jobs(model))))

    @routes.get(
        "/jobs/{job_id}", summary="A training job", response_model=JobAnswer, dependencies=may_look
    )
    async def job(job_id: JobId) -> Response:
        """Its state, its progress, and why it failed if it did."""
        return answer(await lifecycle.job(job_id))

    @routes.post(
        "/retrain/{model}",
        summary="Train a model on the newest history",
        status_code=202,
        response_model=JobAnswer,
        responses={**refusals(409)},
        dependencies=may_change,
        openapi_extra=takes(RetrainBody, promote_what_is_better=examples.RETRAIN),
    )
    async def retrain(model: Model, body: ReadRetrainBody) -> Response:
        """Starts a job and answers at once; a model has one job at a time."""
        return answer(await lifecycle.retrain(model, body.domain()), 202)

    @routes.get(
        "/jobs/{job_id}/logs",
        summary="What a training job wrote",
        response_model=JobLogAnswer,
        dependencies=may_look,
    )
    async def job_logs(job_id: JobId, offset: Offset = 0) -> Response:
        """Lines of JSON, a page at a time; it outlives the job and the cluster it ran on."""
        return answer(await lifecycle.job_logs(job_id, offset))

    @routes.post(
        "/jobs/{job_id}/cancel",
        summary="Cancel a training job",
        response_model=JobAnswer,
        responses={**refusals(409)},
        dependencies=may_change,
    )
    async def cancel(request: Request, job_id: JobId) -> Response:
        """Queued or running, it registers nothing any more; a second time changes nothing."""
        return answer(await lifecycle.cancel(job_id, by=request.state.holder))

    return routes
