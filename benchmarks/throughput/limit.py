"""`python -m benchmarks.throughput.limit FILE`: the upper bound for any server on this stack.

A bare ASGI application that reads a request and returns the stored response for its body, with the same
headers. FILE holds (request body, headers, response body) tuples, written by `write_responses`.
"""

import pickle
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

from benchmarks.throughput.client import Response
from benchmarks.throughput.listening import serve

Message = MutableMapping[str, Any]
_NOT_COPIED = frozenset({"date", "connection"})  # Uvicorn sends these itself


def write_responses(file: Path, responses: Iterable[tuple[bytes, Response]]) -> None:
    """Store (request body, response) pairs for the application."""
    messages = [(request, _headers(response), response.body) for request, response in responses]
    file.write_bytes(pickle.dumps(messages))


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower().encode(), value.encode())
        for name, value in response.headers
        if name.lower() not in _NOT_COPIED
    ]


class RecordedResponses:
    """The ASGI application."""

    def __init__(self, file: Path) -> None:
        self._messages = {
            request: (
                {"type": "http.response.start", "status": 200, "headers": headers},
                {"type": "http.response.body", "body": body},
            )
            for request, headers, body in pickle.loads(file.read_bytes())  # noqa: S301 - written by write_responses
        }

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        message = await receive()
        request = message["body"]
        while message["more_body"]:
            message = await receive()
            request += message["body"]
        for response in self._messages[request]:
            await send(response)


if __name__ == "__main__":
    serve(RecordedResponses(Path(sys.argv[1])), lifespan="off")
