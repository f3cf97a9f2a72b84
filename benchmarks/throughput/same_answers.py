"""Check that all servers return the same responses before anything is timed."""

from collections.abc import Sequence
from itertools import zip_longest

import orjson

from benchmarks.throughput.client import Answer, Client
from benchmarks.throughput.process import Server


def answers(server: Server, bodies: Sequence[bytes]) -> list[Answer]:
    """Return the response to each request. Raises SystemExit if one has errors."""
    with Client(server.url) as client:
        found = [client.ask(body) for body in bodies]
    for body, answer in zip(bodies, found, strict=True):
        if answer.status != 200 or "errors" in orjson.loads(answer.body):  # noqa: PLR2004 - OK
            raise SystemExit(
                f"{server.name} refused {body.decode()}: {answer.status} {answer.body[:1000].decode()}"
            )
    return found


def require_same_answers(expected: Sequence[Answer], server: Server, bodies: Sequence[bytes]) -> None:
    """Raise SystemExit if the data differs from what is expected, including the order of its keys."""
    for body, mine, other in zip(bodies, expected, answers(server, bodies), strict=True):
        want, got = _data(mine), _data(other)
        if want != got:
            raise SystemExit(
                f"{server.name} answers {body.decode()} differently from gqlnews:\n{_difference(want, got)}"
            )


def _data(answer: Answer) -> bytes:
    """Return `data` as compact JSON in its original key order."""
    return orjson.dumps(orjson.loads(answer.body)["data"])


def _difference(want: bytes, got: bytes) -> str:
    """Return the text around the first byte that differs."""
    at = next(i for i, (a, b) in enumerate(zip_longest(want, got)) if a != b)
    part = slice(max(0, at - 100), at + 100)
    return f"gqlnews: {want[part].decode(errors='replace')}\nit:      {got[part].decode(errors='replace')}"
