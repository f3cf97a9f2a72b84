"""A request with one slow statement: the `similar` articles of many articles."""

import orjson

_QUERY = """query Large($first: Int!, $quality: Int!) {
  articles(first: $first, where: { quality: { gte: $quality } }) { nodes { similar(first: 5) { slug } } }
}"""
_QUALITIES = 40  # number of different requests, used in turn


def large(first: int, number: int) -> bytes:
    """Return the body of a POST for `first` articles. Up to 40 different numbers give different requests."""
    variables = {"first": first, "quality": number % _QUALITIES}
    return orjson.dumps({"query": _QUERY, "variables": variables})
