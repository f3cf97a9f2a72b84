"""Health: live is that the process answers, ready is that the store can be read too.

The probe has a connection of its own: a server that is busy stays in the rotation.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gqlnews.server.service import Service


async def live(request: Request) -> Response:
    """200 as long as the process answers at all."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """200 where the store can be read, else 503."""
    service: Service | None = getattr(request.state, "service", None)  # None before the application starts
    is_ready = service is not None and service.store.is_ready()
    return JSONResponse({"status": "ready" if is_ready else "unavailable"}, 200 if is_ready else 503)
