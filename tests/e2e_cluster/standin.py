"""A stand-in for kubectl, and objects as Kubernetes gives them."""

import json
import sys

from tests.e2e_cluster.kubernetes import Cluster

PROGRAM = r"""#!{python}
import json, pathlib, sys, time
state = pathlib.Path(sys.argv[0]).parent
said = " ".join(sys.argv[1:])
with open(state / "calls", "a") as calls:
    calls.write(said + "\n")
if "port-forward" in said:
    local, _, port = sys.argv[-1].partition(":")
    import http.server
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kept = self.headers.get("Authorization") == "Bearer token"
            public = self.path in ("/health", "/api/gcs_healthz")
            self.send_response(200 if kept or public else 401)
            self.end_headers()
            self.wfile.write((state / "served").read_bytes())
        def log_message(self, *words):
            pass
    http.server.HTTPServer(("127.0.0.1", int(local)), Handler).serve_forever()
answers = json.loads((state / "answers").read_text())
for wanted, queue in answers.items():
    if wanted in said:
        answer = queue[0]
        if len(queue) > 1:
            queue.pop(0)
            (state / "answers").write_text(json.dumps(answers))
        if isinstance(answer, str):
            sys.exit(answer)
        print(json.dumps(answer) if answer else "", end="")
        sys.exit()
"""


class StandIn:
    """A kubectl that gives canned answers, one after the other; a text is a failure."""

    def __init__(self, folder):
        self._folder = folder
        program = folder / "kubectl"
        program.write_text(PROGRAM.replace("{python}", sys.executable))
        program.chmod(0o755)
        self.cluster = Cluster(program, "tests")
        self.says()

    def says(self, **answers):
        held = {name.replace("_", " "): queue for name, queue in answers.items()}
        (self._folder / "answers").write_text(json.dumps(held))

    def serves(self, body):
        (self._folder / "served").write_text(json.dumps(body))

    @property
    def calls(self):
        return (self._folder / "calls").read_text().splitlines()


def of(objects, kind):
    """Return the objects of a kind by their names."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}
