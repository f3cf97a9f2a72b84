"""A request whose one statement takes long: what is like each of many articles."""

import orjson

_QUERY = """query Large($first: Int!, $quality: Int!) {
  articles(first: $first, where: { quality: { gte: $quality } }) { nodes { similar(first: 5) { slug } } }
}"""
_QUALITIES = 40  # so many different ones, one after the other


def large(first: int, number: int) -> bytes:
    """The body of a POST. Of `first` articles; requests of different numbers differ, up to 40 of them."""
    variables = {"first": first, "quality": number % _QUALITIES}
    return orjson.dumps({"query": _QUERY, "variables": variables})
