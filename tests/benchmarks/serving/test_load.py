import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.serving.wrk import Load, LoadFailed, parsed, run

RESULT = {
    "requests": 200,
    "duration_us": 2_000_000,
    "bytes": 4_000,
    "refused": 3,
    "lost": 1,
    "late": 0,
    "p50_us": 1_250.0,
    "p99_us": 9_000.0,
}


def test_what_wrk_says_is_read():
    """
    Answers a second leave errors out, and times become milliseconds.
    """
    found = parsed(f"Running 2s test\nRESULT {json.dumps(RESULT)}\n")

    assert (found.requests, found.errors, found.rate) == (200, 4, 98.0)
    assert (found.p50_ms, found.p99_ms, found.seconds) == (1.25, 9.0, 2.0)


@pytest.mark.parametrize("text", ["", "unable to connect to 127.0.0.1:1 Connection refused"])
def test_a_run_without_a_result_has_failed(text):
    """
    Where nothing was measured there is no figure, but the reason that wrk gave.
    """
    with pytest.raises(LoadFailed, match=text or "nothing"):
        parsed(text)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
def test_bodies_and_paths_come_by_turns(tmp_path):
    """
    Every body is sent, no path comes twice, and refusals are counted as errors.
    """
    seen = []

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            seen.append((self.path, body, self.headers["content-type"]))
            self.send_response(500 if body == "b" else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # wrk hangs up when its time is over

    (tmp_path / "bodies").write_text("a\nb\n")
    (tmp_path / "paths").write_text("/x?n={n}\n")
    load = Load(content_type="text/a", bodies=tmp_path / "bodies", paths=tmp_path / "paths")
    with Quiet(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = run(shutil.which("wrk"), url, load, concurrency=2, seconds=1, mark="m-")
        server.shutdown()

    paths = [path for path, *_ in seen]
    assert {body for _, body, _ in seen} == {"a", "b"}
    assert {kind for *_, kind in seen} == {"text/a"}
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("/x?n=m-") for path in paths)
    assert found.errors == pytest.approx(found.requests / 2, abs=2)
