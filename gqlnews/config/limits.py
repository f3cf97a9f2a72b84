"""Limits for one request. A request that exceeds one is rejected; 0 is no limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of documents, operations and their results.

    `tokens` limits the document. `depth`, `aliases`, `root_fields` and `directives` limit the operation as
    written, with every spread of a fragment counted. `page` limits the size of a connection page and of a
    list of ids. `cost` is in objects, `scan` in thousands of comparisons (query/scan.py). `seconds` is the
    run time of the request's SQL statements and `max_response_bytes` the size of their result.

    Without `introspection` nothing reveals the schema: error messages contain no suggestions either.
    """

    tokens: int = 0
    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    page: int = 0
    cost: int = 0
    scan: int = 0
    seconds: float = 0.0
    max_response_bytes: int = 0
    introspection: bool = True


UNLIMITED = Limits()
SERVED = Limits(
    tokens=2_000,
    depth=16,
    aliases=30,
    root_fields=20,
    directives=50,
    page=100,
    cost=20_000,
    scan=80_000,  # about 0.8 s, less than half of `seconds`
    seconds=2.0,
    max_response_bytes=64 << 20,
)
"""Default limits of the server."""
