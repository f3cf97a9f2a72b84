"""Reading a GraphQL request out of HTTP, as the GraphQL over HTTP specification has it.

https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from gqlnews.errors import Code
from gqlnews.schema.engine import Asked
from gqlnews.server.wire import (
    ACCEPT,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    GRAPHQL_RESPONSE,
    HTML,
    JSON,
    RefusedError,
)

MAX_BODY_BYTES = 256 * 1024
READS = frozenset({"GET", "HEAD"})


async def read_request(request: Request) -> Asked:
    """The GraphQL request in a GET's parameters or a POST's body. Raises RefusedError."""
    if request.method in READS:
        return _of_parameters(request.query_params)
    _require_json(request.headers.get(CONTENT_TYPE, ""))
    return _of_mapping(_json(await _body(request), "The body"), only_query=False)


def media_type(request: Request) -> str:
    """The type to answer in: the specification's own where the client names it and likes it no less."""
    liked = _accepted(request)
    return GRAPHQL_RESPONSE if liked.get(GRAPHQL_RESPONSE, 0.0) > 0.0 and _first(liked) else JSON


def wants_page(request: Request) -> bool:
    """Whether a browser opened the address: a GET that asks for HTML and brings no query."""
    return (
        request.method in READS
        and "query" not in request.query_params
        and _accepted(request).get(HTML, 0.0) > 0.0
    )


def _first(liked: Mapping[str, float]) -> bool:
    return liked[GRAPHQL_RESPONSE] >= liked.get(JSON, 0.0)


def _accepted(request: Request) -> dict[str, float]:
    """Media types that `Accept` names, with how much each is liked, 0 to 1."""
    parts = ",".join(request.headers.getlist(ACCEPT)).split(",")
    return {name: _weight(parameters.get("q", "1")) for name, parameters in map(_media_range, parts)}


def _media_range(text: str) -> tuple[str, dict[str, str]]:
    """`text/html; q=0.9` → `("text/html", {"q": "0.9"})`."""
    name, *parameters = (piece.strip().lower() for piece in text.split(";"))
    return name, {key.strip(): value.strip(' "') for key, _, value in (p.partition("=") for p in parameters)}


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _of_parameters(parameters: Mapping[str, str]) -> Asked:
    """A GET's `variables` and `extensions` are JSON in text."""
    given: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(given[name].encode(), f"`{name}`")
        else:
            given.pop(name, None)
    return _of_mapping(given, only_query=True)


def _of_mapping(given: object, *, only_query: bool) -> Asked:
    if not isinstance(given, dict):
        raise _bad("The body must be a JSON object with `query`; batches are not served.")
    query = given.get("query")
    if not isinstance(query, str) or not query:
        raise _bad("`query` is missing: give the GraphQL document as text.")
    _require(given, "extensions", dict, "an object")
    return Asked(
        query=query,
        variables=_require(given, "variables", dict, "an object"),
        operation_name=_require(given, "operationName", str, "text") or None,
        only_query=only_query,
    )


def _require(given: Mapping[str, Any], name: str, kind: type, what: str) -> Any:
    value = given.get(name)
    if value is not None and not isinstance(value, kind):
        raise _bad(f"`{name}` must be {what} or null.")
    return value


def _require_json(content_type: str) -> None:
    name, parameters = _media_range(content_type)
    if name != JSON or parameters.get("charset", "utf-8") not in {"utf-8", "utf8"}:
        message = f"Send the body as `{JSON}` in UTF-8, not as `{content_type}`."
        raise RefusedError(415, Code.UNSUPPORTED_MEDIA_TYPE, message, **{"Accept-Post": JSON})


async def _body(request: Request) -> bytes:
    """The body, read no further than the limit."""
    declared = request.headers.get(CONTENT_LENGTH, "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _json(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad(f"{what} is not JSON: {error}") from error


def _bad(message: str) -> RefusedError:
    return RefusedError(400, Code.BAD_REQUEST, message)


def _too_large() -> RefusedError:
    return RefusedError(413, Code.BODY_TOO_LARGE, f"The body is longer than {MAX_BODY_BYTES} bytes.")
