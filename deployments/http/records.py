"""Routes that record what happened."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from deployments.http import examples
from deployments.http.bodies import json_body, read_body
from deployments.http.documented import of, takes
from deployments.http.reports import read_report
from deployments.http.responses import (
    REFUSED,
    EventsAnswer,
    RecordedAnswer,
    ReportedAnswer,
    answer,
    refusals,
)
from deployments.http.security import Guard
from deployments.http.service import Records
from devmind.readers.junit import read_runs
from devmind.runs import RunLists
from devmind.wire import BuildBody, EventsBody, FinishBody, ReportBody
from history.columns import Columns
from history.drafts import Draft, lighter, report_draft
from history.events import ERROR, FAILED, SKIPPED, ProjectSummary, Receipt

BODIES: list[type[BaseModel]] = [BuildBody, FinishBody, ReportBody, EventsBody]
ReadBuildBody = Annotated[BuildBody, Depends(json_body(BuildBody))]
ReadFinishBody = Annotated[FinishBody, Depends(json_body(FinishBody))]
ReadEventsBody = Annotated[EventsBody, Depends(json_body(EventsBody))]
_XML = ("application/xml", "text/xml")
BuildId = Annotated[str, Path(max_length=200, examples=[examples.BUILD_ID])]
Project = Annotated[str, Path(min_length=1, max_length=200, examples=["acme/shop"])]
ReportName = Annotated[str | None, Query(max_length=400, description="Tells reports apart.")]
_RECORDED = {**refusals(*REFUSED, 409, 413), 200: {"description": "It was recorded before."}}
_ABOUT_A_BUILD = {**_RECORDED, **refusals(404)}
_REPORT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/xml": {
                "schema": {"type": "string", "description": "JUnit XML"},
                "example": examples.JUNIT,
            },
            "application/json": of(ReportBody, {"report": examples.REPORT}),
        },
    }
}


def records_router(records: Records, demand: Guard) -> APIRouter:
    """Return the routes below `/api/v1` that record; bodies may be packed with gzip."""
    routes = APIRouter(prefix="/api/v1", tags=["record"])
    may_record = [Depends(demand("record"))]

    @routes.post(
        "/builds",
        summary="Record that a build was queued",
        status_code=201,
        response_model=RecordedAnswer,
        responses=_RECORDED,
        dependencies=may_record,
        openapi_extra=takes(BuildBody, a_push=examples.BUILD),
    )
    async def queue(
        body: ReadBuildBody,
    ) -> Response:
        """Durable when it answers; sending it again changes nothing.

        Something else under the same project, pipeline, external id and attempt is a conflict.
        """
        return _recorded(await records.queued(body.domain()))

    @routes.post(
        "/builds/{build_id}/finish",
        summary="Record how a build ended",
        status_code=201,
        response_model=RecordedAnswer,
        responses=_ABOUT_A_BUILD,
        dependencies=may_record,
        openapi_extra=takes(FinishBody, passed=examples.FINISH),
    )
    async def finish(
        build_id: BuildId,
        body: ReadFinishBody,
    ) -> Response:
        """With its jobs and steps, where they are known: they make recommendations possible."""
        return _recorded(await records.finished(build_id, body.domain()))

    @routes.post(
        "/builds/{build_id}/tests",
        summary="Record the tests of a job",
        status_code=201,
        response_model=ReportedAnswer,
        responses={**_ABOUT_A_BUILD, **refusals(415)},
        dependencies=may_record,
        openapi_extra=_REPORT,
    )
    async def report(request: Request, build_id: BuildId, name: ReportName = None) -> Response:
        """JUnit XML or JSON, each job's under its own `name`.

        Send it before the build's end is recorded.
        """
        draft = await _read_report(request, build_id, name)
        assert draft.report is not None  # noqa: S101 - it is the draft of a report
        return _reported(await records.reported(draft), draft.report)

    @routes.post(
        "/projects/{project:path}/events",
        summary="Record events of a project in their order",
        response_model=EventsAnswer,
        responses={**refusals(*REFUSED, 404, 409, 413)},
        dependencies=may_record,
        openapi_extra=takes(EventsBody, a_build=examples.EVENTS),
    )
    async def events(
        project: Project,
        body: ReadEventsBody,
    ) -> Response:
        """What an import sends: all of them are recorded or none."""
        happened = await asyncio.to_thread(lambda: [lighter(each.domain()) for each in body.events])
        receipts = await records.events(project, happened)
        repeated = sum(receipt.repeated for receipt in receipts)
        return answer(
            EventsAnswer(
                recorded=len(receipts) - repeated,
                repeated=repeated,
                last_sequence=max(receipt.sequence for receipt in receipts),
            )
        )

    @routes.get(
        "/projects",
        summary="What is recorded",
        response_model=dict[str, list[ProjectSummary]],
        responses={**refusals(401, 403, 503)},
        dependencies=[Depends(demand("predict"))],
    )
    async def projects() -> Response:
        """Every project with the number of its builds and tests."""
        return answer({"projects": await records.projects()})

    return routes


async def _read_report(request: Request, build_id: str, name: str | None) -> Draft:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*_XML, "application/json"):
        raise HTTPException(415, "send JUnit as application/xml, or a report as application/json")
    body = await read_body(request)
    read = _read_xml if kind in _XML else _read_json
    return await asyncio.to_thread(read, body, build_id, name)


def _read_xml(body: bytes, build_id: str, name: str | None) -> Draft:
    return report_draft(build_id, name or "", read_runs(BytesIO(body), name=name or ""))


def _read_json(body: bytes, build_id: str, name: str | None) -> Draft:
    report = read_report(body, name)
    return report_draft(build_id, report.name, RunLists.of(report.runs))


def _recorded(receipt: Receipt) -> Response:
    body = RecordedAnswer(
        build_id=receipt.build_id, sequence=receipt.sequence, repeated=receipt.repeated
    )
    return answer(body, 200 if receipt.repeated else 201)


def _reported(receipt: Receipt, report: Columns) -> Response:
    body = ReportedAnswer(
        build_id=receipt.build_id,
        sequence=receipt.sequence,
        repeated=receipt.repeated,
        tests=len(report.names),
        failed=report.count(FAILED, ERROR),
        skipped=report.count(SKIPPED),
    )
    return answer(body, 200 if receipt.repeated else 201)
