"""What an answer says beside its data and errors: `extensions`, where the request asks for it."""

import orjson


def with_cost(body: bytes, cost: int, most: int) -> bytes:
    """The answer, a JSON object, with `extensions.cost`; `most` 0 is no limit, and told as null."""
    told = orjson.dumps({"cost": {"requested": cost, "limit": most or None}})
    return b'%b,"extensions":%b}' % (body[:-1], told)
