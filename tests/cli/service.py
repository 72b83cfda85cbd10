"""A real HTTP server that answers as the contract says, as far as a test tells it to."""

import gzip
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Request:
    method: str
    path: str
    raw_path: str
    query: dict
    headers: dict
    raw: bytes

    @property
    def body(self):
        packed = self.headers.get("content-encoding") == "gzip"
        return gzip.decompress(self.raw) if packed else self.raw

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Reply:
    body: object = None
    status: int = 200
    headers: dict = field(default_factory=dict)


def problem(status, name="", detail="", **more):
    body = {"type": f"urn:devmind:problem:{name}", "title": "T", "detail": detail, "status": status}
    return Reply(body | {"request_id": "r1"} | more, status)


class Service:
    """Answers each request with what was told for its method and path: the last reply stays."""

    def __init__(self):
        self.requests = []
        self._replies = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answers(self, method, path, *replies):
        """Give *replies* in turn: a `Reply`, a body, or a function of the request."""
        self._replies[method, path] = list(replies)

    def asked(self, path):
        return [request for request in self.requests if request.path == path]

    def reply(self, request):
        self.requests.append(request)
        replies = self._replies.get((request.method, request.path))
        if not replies:
            return problem(404, "not-found", f"No route {request.path}.")
        found = replies.pop(0) if len(replies) > 1 else replies[0]
        found = found(request) if callable(found) else found
        return found if isinstance(found, Reply) else Reply(found)

    def _handler(service):  # noqa: N805 the handler's own `self` is another
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self):
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                reply = service.reply(
                    Request(
                        method=self.command,
                        path=unquote(url.path),
                        raw_path=self.path,
                        query=parse_qs(url.query),
                        headers={name.lower(): value for name, value in self.headers.items()},
                        raw=self.rfile.read(length),
                    )
                )
                if reply.status == 0:  # hang up
                    self.close_connection = True
                    return
                text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                self.send_response(reply.status)
                kind = "application/json" if reply.status < 400 else "application/problem+json"
                for name, value in ({"Content-Type": kind} | reply.headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = _answer  # noqa: N815 names of the base class

            def log_message(self, *_):
                pass

        return Handler


HANG_UP = Reply(status=0)

DURATION = {
    "project_name": "shop/web",
    "pipeline_id": "ci.yml",
    "p10_s": 60.0,
    "p50_s": 90.0,
    "p90_s": 150.0,
    "interval": 0.8,
    "confidence": 0.8,
    "abstained": False,
    "abstention_reason": None,
    "reasons": [{"factor": "recent", "text": "the last builds took 95 s", "effect_s": 12.0}],
    "model_version": "3",
    "as_of": 41,
}
FAILURE = {
    "pipeline_id": "ci.yml",
    "project_name": "shop/web",
    "failure_probability": 0.31,
    "risk_level": "medium",
    "base_rate": 0.12,
    "contributing_factors": [{"factor": "branch", "text": "3 of 5 failed", "weight": 0.1}],
    "recommendations": ["Run the tests of the cart first."],
    "confidence": 0.69,
    "abstained": False,
    "abstention_reason": None,
    "model_version": "5",
    "as_of": 41,
}


def selection(selected, skipped, **more):
    return {
        "project_name": "shop/web",
        "commit_hash": "abc",
        "total_tests": len(selected) + len(skipped),
        "selected_tests": selected,
        "skipped_tests": skipped,
        "estimated_time_savings": 300.0,
        "estimated_time_savings_share": 0.6,
        "coverage_retention": 0.97,
        "confidence": 0.95,
        "run_all": False,
        "run_all_reason": None,
        "reasons": [],
        "abstained": False,
        "model_version": "2",
        "as_of": 41,
    } | more
