"""Health checks: liveness (the process responds) and readiness (the store can be read).

The readiness check has its own database connection, so a busy server still passes it.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gqlnews.server.services import AppState


async def live(request: Request) -> Response:
    """Return 200 as long as the process responds."""
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """Return 200 if the store can be read, else 503."""
    service: AppState | None = getattr(request.state, "service", None)  # None before the application starts
    is_ready = service is not None and service.store.is_ready()
    return JSONResponse({"status": "ready" if is_ready else "unavailable"}, 200 if is_ready else 503)
