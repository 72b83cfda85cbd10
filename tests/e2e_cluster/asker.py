"""Asks a service all the time, without retries, and prints every second how that goes.

Runs in a pod, from its text alone: nothing but the standard library. The environment gives URL,
BODY and KEY. Two lanes ask: `fresh` opens a connection for every question, so that each pod behind
the name gets some; `kept` keeps one, and opens another only when it has broken.
"""

import http.client
import json
import os
import threading
import time
from urllib.parse import urlsplit

PAUSE_S = 0.1
TIMEOUT_S = 10
SHOWN = 10


class Lane:
    """One who asks; `answered` and `failures` count, `said` keeps the first failures' words."""

    def __init__(self, url, body, key, *, keeps):
        self.answered, self.failures, self.said = 0, 0, []
        self._url, self._body, self._keeps = urlsplit(url), body, keeps
        self._headers = {"Content-Type": "application/json", "X-API-Key": key}
        self._connection = None

    def ask(self):
        """Ask once, and count what comes of it."""
        try:
            status = self._status()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            self._failed(repr(error))
            return
        if status == http.HTTPStatus.OK:
            self.answered += 1
        else:
            self._failed(f"status {status}")
        if not self._keeps:
            self._drop()

    def _status(self):
        if self._connection is None:
            place = (self._url.hostname, self._url.port)
            self._connection = http.client.HTTPConnection(*place, timeout=TIMEOUT_S)
        self._connection.request("POST", self._url.path, self._body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def _drop(self):
        self._connection.close()
        self._connection = None

    def _failed(self, why):
        self.failures += 1
        if len(self.said) < SHOWN:
            self.said.append(f"{time.strftime('%H:%M:%S')} {why}")

    def report(self):
        """Return the counts as JSON fields."""
        return {"answered": self.answered, "failures": self.failures, "said": self.said}


def forever(lane):
    """Ask without end."""
    while True:
        lane.ask()
        time.sleep(PAUSE_S)


def main():
    """Start both lanes and report on them."""
    asked = (os.environ["URL"], os.environ["BODY"], os.environ["KEY"])
    lanes = {"fresh": Lane(*asked, keeps=False), "kept": Lane(*asked, keeps=True)}
    for lane in lanes.values():
        threading.Thread(target=forever, args=[lane], daemon=True).start()
    while True:
        time.sleep(1)
        print(  # noqa: T201 - its log is what is read
            json.dumps({name: lane.report() for name, lane in lanes.items()}), flush=True
        )


if __name__ == "__main__":
    main()
