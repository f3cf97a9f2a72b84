"""Run the ASGI servers of these benchmarks with Uvicorn, in its fastest configuration."""

import socket
from typing import Any, Literal

import uvicorn

BACKLOG = 2048


def serve(app: Any, lifespan: Literal["on", "off"]) -> None:
    """Serve on a free loopback port; print the URL once connections are accepted."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/graphql", flush=True)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        lifespan=lifespan,
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listener])
