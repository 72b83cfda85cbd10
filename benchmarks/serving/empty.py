"""An application that does nothing, to see how long Ray Serve alone takes to answer."""

# No postponed annotations: Serve reads them.

from ray import serve
from starlette.requests import Request


class Empty:
    """Says yes."""

    async def __call__(self, request: Request) -> str:
        """Answer any request."""
        return request.url.path


app = serve.deployment(name="empty")(Empty).bind()
