"""The response's `extensions` entry, for requests that ask for their cost."""

from typing import NamedTuple

import orjson

from gqlnews.config.limits import Limits


class Spent(NamedTuple):
    """Cost of a request: the maximum number of objects in its response, and its scan work."""

    cost: int
    scan: int = 0


def add_cost_extension(body: bytes, spent: Spent, limits: Limits) -> bytes:
    """Add `extensions.cost` to a response, a JSON object. A limit of 0 means none and is reported as null."""
    scan = {"requested": spent.scan, "limit": limits.scan or None}
    extension = orjson.dumps({"cost": {"requested": spent.cost, "limit": limits.cost or None, "scan": scan}})
    return b'%b,"extensions":%b}' % (body[:-1], extension)
