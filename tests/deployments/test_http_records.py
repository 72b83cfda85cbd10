"""Recording over HTTP: what is accepted, and what is refused with which words."""

import gzip
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from deployments.auth import Keys
from deployments.http import examples
from devmind.ci import build_id
from devmind.wire import BuildBody
from history.open import open_history
from tests.deployments.fakes import NOW, Instruments, ask, make_app, records

LIMIT = 100_000
BUILD = {"project": "shop", "pipeline": "ci", "external_id": "1", "queued_at": NOW.isoformat()}
ID = build_id("shop", "ci", "1", 1)
FINISH = {"status": "passed", "finished_at": NOW.isoformat()}
SCRIPTS = (
    "тест 测试 テスト 테스트 ทดสอบ परीक्षण δοκιμή מבחן اختبار տեստ ტესტი ፈተና ⵜⵉⵔⵎ ᏗᎪᏪᎶᏙᏗ 𐐻𐐨𐑅𐐻 🧪"
)
SHAPE = {"type", "title", "status", "detail", "request_id"}


@pytest.fixture(name="instruments")
def _instruments():
    return Instruments()


@pytest.fixture(name="app")
def _app(store, instruments):
    return make_app(Keys(), records=records(store, instruments), max_body_bytes=LIMIT)


@pytest.fixture(name="queued")
def _queued(app):
    assert ask(app, "POST", "/api/v1/builds", json=BUILD).status_code == 201


def refused(response, status=422):
    """The problem that *response* is, its shape checked."""
    body = response.json()

    assert status == response.status_code
    assert response.headers["content-type"] == "application/problem+json"
    assert SHAPE <= set(body) <= SHAPE | {"errors"}
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return body


def test_a_build_is_recorded_once(app, store, instruments):
    """
    The first time answers 201, a repeat 200 with the same sequence, and the history has it once.
    """
    first = ask(app, "POST", "/api/v1/builds", json=BUILD)
    second = ask(app, "POST", "/api/v1/builds", json=BUILD)

    assert first.status_code == 201
    assert first.json() == {"build_id": ID, "sequence": 1, "repeated": False}
    assert second.status_code == 200
    assert second.json() == {"build_id": ID, "sequence": 1, "repeated": True}
    assert len(store.tail("shop")) == 1
    assert instruments.get("devmind_events_recorded_total", kind="queued", repeated="false") == 1


def test_a_contradicting_repeat_is_a_conflict(app, queued):
    """
    What is recorded never changes; the answer says which build it is about.
    """
    other = ask(app, "POST", "/api/v1/builds", json={**BUILD, "trigger": "push"})

    assert ID in refused(other, 409)["detail"]


def test_a_build_is_followed_to_its_end(app, store, queued, instruments):
    """
    Tests as JUnit, tests as JSON and the outcome are all there afterwards, in order.
    """
    junit = ask(
        app,
        "POST",
        f"/api/v1/builds/{ID}/tests?name=unit",
        content=examples.JUNIT,
        headers={"content-type": "application/xml; charset=utf-8"},
    )
    listed = ask(app, "POST", f"/api/v1/builds/{ID}/tests", json=examples.REPORT)
    finished = ask(app, "POST", f"/api/v1/builds/{ID}/finish", json=FINISH)

    assert [r.status_code for r in (junit, listed, finished)] == [201, 201, 201]
    assert {"tests": 2, "failed": 1, "skipped": 0, "sequence": 2}.items() <= junit.json().items()
    assert [event.report for event in store.tail("shop")[1:3]] == ["unit", "test"]
    assert store.last_sequence("shop") == 4
    assert instruments.get("devmind_verdicts_recorded_total") == 4


def test_events_of_a_project_with_a_slash_are_recorded_together(app, store):
    """
    An import's batch is recorded in one go; sent again it adds nothing.
    """
    path = "/api/v1/projects/acme/shop/events"
    first = ask(app, "POST", path, json=examples.EVENTS)
    again = ask(app, "POST", path, json=examples.EVENTS)

    assert first.json() == {"recorded": 3, "repeated": 0, "last_sequence": 3}
    assert again.json() == {"recorded": 0, "repeated": 3, "last_sequence": 3}
    assert store.last_sequence("acme/shop") == 3
    assert [p["project"] for p in ask(app, "GET", "/api/v1/projects").json()["projects"]] == [
        "acme/shop"
    ]


def test_a_packed_body_is_read(app, store):
    """
    Gzip is unpacked, in several members too.
    """
    body = json.dumps(BUILD).encode()
    packed = gzip.compress(body[:20]) + gzip.compress(body[20:])
    sent = ask(app, "POST", "/api/v1/builds", content=packed, headers={"content-encoding": "gzip"})

    assert sent.status_code == 201
    assert store.last_sequence("shop") == 1


WRONG_BUILDS = {
    "unknown field": ({"colour": "red"}, "colour", "unknown"),
    "NaN": ({"attempt": float("nan")}, "attempt", "integer"),
    "number as text": ({"attempt": "1"}, "attempt", "integer"),
    "time without zone": ({"queued_at": "2026-03-02T12:00:00"}, "queued_at", "zone"),
    "time as a number": ({"queued_at": 1_772_452_800}, "queued_at", "datetime"),
    "no project": ({"project": ""}, "project", "at least 1"),
    "long path": (
        {"change": {"files": [{"path": "x" * 10_000}]}},
        "change.files.0.path",
        "at most 4096",
    ),
    "negative lines": (
        {"change": {"files": [{"path": "x", "lines_added": -1}]}},
        "change.files.0.lines_added",
        "greater than or equal to 0",
    ),
}


@pytest.mark.parametrize(("change", "field", "advice"), WRONG_BUILDS.values(), ids=WRONG_BUILDS)
def test_a_wrong_field_is_named_with_its_value_and_advice(app, store, change, field, advice):
    """
    The field that is wrong is named, its value shown shortened, and nothing is recorded.
    """
    content = json.dumps({**BUILD, **change})
    wrong = refused(ask(app, "POST", "/api/v1/builds", content=content))["errors"]

    assert [field] == [error["field"] for error in wrong]
    assert advice in wrong[0]["advice"]
    assert len(wrong[0]["value"]) < 200
    assert store.last_sequence("shop") == 0


IMPOSSIBLE_TIMES = {
    "finished before queued": {"finished_at": (NOW - timedelta(days=1)).isoformat()},
    "finished in the future": {"finished_at": (NOW + timedelta(hours=1)).isoformat()},
    "finished before started": {"started_at": (NOW + timedelta(seconds=1)).isoformat()},
}


@pytest.mark.parametrize("change", IMPOSSIBLE_TIMES.values(), ids=IMPOSSIBLE_TIMES)
def test_impossible_times_are_refused(app, store, queued, change):
    """
    An outcome that cannot be is refused with its time, and the build can still be finished.
    """
    path = f"/api/v1/builds/{ID}/finish"
    wrong = refused(ask(app, "POST", path, json={**FINISH, **change}))["errors"][0]

    assert "2026-03-0" in wrong["value"]
    assert ask(app, "POST", path, json=FINISH).status_code == 201


def test_a_build_from_the_future_is_refused(app, store):
    """
    A queueing time beyond the clocks' skew is refused, and the answer says what time it is here.
    """
    later = (NOW + timedelta(minutes=6)).isoformat()
    wrong = refused(ask(app, "POST", "/api/v1/builds", json={**BUILD, "queued_at": later}))

    assert later in wrong["errors"][0]["value"]
    assert NOW.isoformat() in wrong["detail"]


def test_one_bad_event_spoils_the_batch(app, store):
    """
    A batch with an event of another project or an impossible time is refused as a whole.
    """
    other = BuildBody.model_validate({**BUILD, "project": "other"}).model_dump(mode="json")
    events = [{"kind": "queued", "build": BUILD}, {"kind": "queued", "build": other}]
    sent = ask(app, "POST", "/api/v1/projects/shop/events", json={"events": events})

    assert "'other'" in refused(sent)["detail"]
    assert store.last_sequence("shop") == 0


UNUSABLE = {
    "not JSON": ("{", {}, "body"),
    "deep nesting": ("[" * 100_000, {}, "body"),
    "not an object": ("7", {}, "body"),
    "NaN as a build": ("NaN", {}, "body"),
    "lone surrogate": ('{"project": "\\ud800"}', {}, "body"),
    "half a gzip": (gzip.compress(b"x" * 1000)[:-9], {"content-encoding": "gzip"}, "gzip body"),
    "no gzip": (b"plain", {"content-encoding": "gzip"}, "gzip body"),
    "unknown packing": (b"x", {"content-encoding": "br"}, "Content-Encoding"),
}


@pytest.mark.parametrize(("content", "headers", "field"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_body_is_refused(app, content, headers, field):
    """
    A body that cannot be read at all gets the same shape of answer.
    """
    sent = ask(app, "POST", "/api/v1/builds", content=content, headers=headers)

    assert field == refused(sent)["errors"][0]["field"]


async def _drip():
    for _ in range(LIMIT // 1000 + 2):
        yield b" " * 1000


TOO_LONG = {
    "announced": (b" " * (LIMIT + 1), {}),
    "dripping": (_drip, {}),
    "a bomb": (gzip.compress(b" " * (LIMIT * 50)), {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize(("content", "headers"), TOO_LONG.values(), ids=TOO_LONG)
def test_a_body_over_the_limit_is_refused(app, content, headers):
    """
    413 with the limit, whether it is announced, drips in or unpacks to too much.
    """
    body = content() if callable(content) else content
    sent = ask(app, "POST", "/api/v1/builds", content=body, headers=headers)

    assert str(LIMIT) in refused(sent, 413)["detail"]


HOSTILE_XML = {
    "entity bomb": '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><testsuite>&b;</testsuite>',
    "outside file": (
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite>&f;</testsuite>'
    ),
    "cut short": '<testsuite><testcase name="a"/><testcase na',
    "not XML": '{"runs": []}',
    "empty": "",
    "wrong encoding": b'<?xml version="1.0" encoding="utf-8"?><testsuite name="\xff\xfe"/>',
}


@pytest.mark.parametrize("xml", HOSTILE_XML.values(), ids=HOSTILE_XML)
def test_hostile_xml_is_refused(app, store, queued, xml):
    """
    Hostile, broken or foreign XML records nothing and reveals nothing.
    """
    sent = ask(
        app,
        "POST",
        f"/api/v1/builds/{ID}/tests",
        content=xml,
        headers={"content-type": "text/xml"},
    )

    assert "root:" not in refused(sent)["detail"]
    assert store.last_sequence("shop") == 1


def test_a_report_of_another_kind_is_refused(app, queued):
    """
    A content type that is not read here is a 415 that says what is.
    """
    sent = ask(app, "POST", f"/api/v1/builds/{ID}/tests", content="a,b")

    assert "application/xml" in refused(sent, 415)["detail"]


def test_a_test_name_in_many_scripts_survives(app, store, queued):
    """
    A name is kept as it was sent, in any script.
    """
    report = {"runs": [{"name": SCRIPTS, "verdict": "passed"}]}
    sent = ask(app, "POST", f"/api/v1/builds/{ID}/tests", json=report)

    assert sent.status_code == 201
    assert store.test_names("shop")[0].name == SCRIPTS


@pytest.mark.parametrize("duration", [-1, float("nan"), float("inf")])
def test_an_impossible_test_duration_is_refused(app, queued, duration):
    """
    Negative and infinite durations and NaN are refused where they are.
    """
    report = json.dumps({"runs": [{"name": "a", "verdict": "passed", "duration_s": duration}]})
    sent = ask(
        app,
        "POST",
        f"/api/v1/builds/{ID}/tests",
        content=report,
        headers={"content-type": "application/json"},
    )

    assert refused(sent)["errors"][0]["field"] == "runs.0.duration_s"


@pytest.mark.parametrize(
    ("path", "body"), [("finish", FINISH), ("tests", examples.REPORT)], ids=["finish", "tests"]
)
def test_a_build_that_was_never_queued_is_not_found(app, path, body):
    """
    Ends and tests of an unknown build are refused with advice.
    """
    sent = ask(app, "POST", f"/api/v1/builds/nobody/{path}", json=body)

    assert "Record that it was queued first" in refused(sent, 404)["detail"]


def test_reports_go_where_their_build_is_even_when_it_is_gone(tmp_path):
    """
    A build that was in the history a moment ago and is no longer is refused, and nothing is kept.
    """
    with open_history(f"sqlite:///{tmp_path}/one.db") as store:
        app = make_app(Keys(), records=records(store))
        path = f"/api/v1/builds/{ID}/tests"
        ask(app, "POST", "/api/v1/builds", json=BUILD)
        kept = [ask(app, "POST", f"{path}", json=examples.REPORT).status_code for _ in range(2)]
        with store._database.write() as connection:
            for table in ("tests", "events", "builds", "projects"):
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - of this test
        gone = ask(app, "POST", path, json=examples.REPORT)

        assert kept == [201, 200]
        assert ID in refused(gone, 404)["detail"]
        assert store.projects() == []
