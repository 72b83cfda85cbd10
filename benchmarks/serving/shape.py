"""Ray Serve alone in our shape and settings: what is left when nothing of ours is asked.

The deployments have our names and nothing in them. The ingress reads a body and shares a call to
the build optimizer, which returns what it is sent, with others that wait. What this costs, no
service of this shape can go below.
"""

# No postponed annotations: Serve reads those of `build_app`.

from collections.abc import Sequence
from typing import Any

from ray import serve

from deployments.app import MODEL_DEPLOYMENTS, AppArgs, _remote
from deployments.batches import Sent, sent
from deployments.remote import MANY

ASKED, *OTHERS = (*MODEL_DEPLOYMENTS, "history")
_TYPE = (b"content-type", b"application/json")


class Echo:
    """Returns what it is sent."""

    async def predict_many(self, bodies: Sequence[Sent[bytes]]) -> Sequence[bytes]:
        """Return *bodies*."""
        return [each.question for each in bodies]

    async def reconfigure(self, user_config: object) -> None:
        """Take any configuration."""


class Door:
    """An ASGI application that asks `Echo`.

    Args:
        handle: Of the deployment.
    """

    def __init__(self, handle: Any) -> None:
        self._asked = _remote(ASKED, handle).coalesced(MANY)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request with its body; one that has none is not passed on."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answer: bytes = await self._asked.ask(sent(body)) if body else b"{}"
        size = (b"content-length", str(len(answer)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [size, _TYPE]})
        await send({"type": "http.response.body", "body": answer})


class Ingress:
    """Has the door of our ingress, and nothing behind it.

    Args:
        handle: Of `Echo`.
        others: Are there, and are not asked.
    """

    def __init__(self, handle: Any, others: Sequence[Any]) -> None:
        self._handle, self._others = handle, others

    def __serve_build_asgi_app__(self) -> Door:
        return Door(self._handle)


def build_app(args: AppArgs) -> serve.Application:
    """Entry point of the configuration; *args* change nothing."""
    del args
    others = [serve.deployment(name=name)(Echo).bind() for name in OTHERS]
    asked = serve.deployment(name=ASKED)(Echo).bind()
    return serve.deployment(name="ingress")(serve.ingress()(Ingress)).bind(asked, others)
