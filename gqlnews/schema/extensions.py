"""What an answer says beside its data and errors: `extensions`, where the request asks for it."""

from typing import NamedTuple

import orjson

from gqlnews.limits import Limits


class Spent(NamedTuple):
    """What a request costs: the objects of its answer, and its scan work."""

    cost: int
    scan: int = 0


def with_cost(body: bytes, spent: Spent, limits: Limits) -> bytes:
    """The answer, a JSON object, with `extensions.cost`; a limit of 0 is none, and told as null."""
    scan = {"requested": spent.scan, "limit": limits.scan or None}
    told = orjson.dumps({"cost": {"requested": spent.cost, "limit": limits.cost or None, "scan": scan}})
    return b'%b,"extensions":%b}' % (body[:-1], told)
