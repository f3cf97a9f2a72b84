"""The strings of the wire: media types, header names, error codes, and the shape of an error."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from gqlnews.errors import Code, GqlnewsError

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
HTML = "text/html"
UTF8 = "; charset=utf-8"

ALLOW = "Allow"
AUTHORIZATION = "authorization"
ACCEPT = "accept"
CONTENT_LENGTH = "content-length"
CONTENT_TYPE = "content-type"
VARY = "Vary"
WWW_AUTHENTICATE = "WWW-Authenticate"
BEARER = "Bearer"

NO_HEADERS: Mapping[str, str] = {}


def error_response(
    status: int, code: Code, message: str, media: str = JSON, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    """A refusal in the shape of GraphQL: `{"errors": [{"message", "extensions": {"code"}}]}`."""
    body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
    return Response(body, status, {CONTENT_TYPE: media + UTF8, **headers})


class RefusedError(GqlnewsError):
    """A request that is refused before GraphQL is reached, and how it is answered."""

    def __init__(self, status: int, code: Code, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers
