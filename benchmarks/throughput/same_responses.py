"""Check that all servers return the same responses before anything is timed."""

from collections.abc import Sequence
from itertools import zip_longest

import orjson

from benchmarks.throughput.client import Client, Response
from benchmarks.throughput.process import Server


def fetch_responses(server: Server, bodies: Sequence[bytes]) -> list[Response]:
    """Return the response to each request. Raises SystemExit if one has errors."""
    with Client(server.url) as client:
        found = [client.post(body) for body in bodies]
    for body, response in zip(bodies, found, strict=True):
        if response.status != 200 or "errors" in orjson.loads(response.body):  # noqa: PLR2004 - OK
            raise SystemExit(
                f"{server.name} rejected {body.decode()}: {response.status} {response.body[:1000].decode()}"
            )
    return found


def require_same_responses(expected: Sequence[Response], server: Server, bodies: Sequence[bytes]) -> None:
    """Raise SystemExit if the data differs from what is expected, including the order of its keys."""
    for body, mine, other in zip(bodies, expected, fetch_responses(server, bodies), strict=True):
        want, got = _data(mine), _data(other)
        if want != got:
            raise SystemExit(
                f"{server.name} and gqlnews respond differently to {body.decode()}:\n{_difference(want, got)}"
            )


def _data(response: Response) -> bytes:
    """Return `data` as compact JSON in its original key order."""
    return orjson.dumps(orjson.loads(response.body)["data"])


def _difference(expected: bytes, actual: bytes) -> str:
    """Return the text around the first byte that differs."""
    at = next(i for i, (a, b) in enumerate(zip_longest(expected, actual)) if a != b)
    part = slice(max(0, at - 100), at + 100)
    wanted, got = (body[part].decode(errors="replace") for body in (expected, actual))
    return f"expected: {wanted}\nactual:   {got}"
