"""Choose the HTTP status of a response, by media type and status code policy.

SPEC, which clients and the graphql-http audits expect: 400 if GraphQL rejects the request, or 200 for the
media type `application/json`. DRAFT, the newest draft: 400 only for syntax errors, else 422, and 294 for data
with errors, for any media type. https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes
"""

import orjson

from gqlnews.config.settings import StatusCodePolicy
from gqlnews.engine.engine import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.server.http import GRAPHQL_RESPONSE, HTTPError

OK = 200
PARTIAL = 294
BAD_REQUEST = 400
UNPROCESSABLE = 422
OVERLOADED = 503


def status_of(answer: GraphQLResponse, media: str, codes: StatusCodePolicy) -> int:
    if Code.OVERLOADED in answer.codes:
        return OVERLOADED
    if codes is StatusCodePolicy.SPEC:
        return OK if answer.ok or media != GRAPHQL_RESPONSE else BAD_REQUEST
    if answer.ok:
        return OK if answer.is_clean else PARTIAL
    return BAD_REQUEST if _is_syntax(answer) else UNPROCESSABLE


def status_of_refusal(refused: HTTPError, media: str, codes: StatusCodePolicy) -> int:
    """The status of an error outside GraphQL; `refused.draft` and `refused.json` override it."""
    if codes is StatusCodePolicy.DRAFT and refused.draft is not None:
        return refused.draft
    return refused.json if refused.json is not None and media != GRAPHQL_RESPONSE else refused.status


def _is_syntax(answer: GraphQLResponse) -> bool:
    first = orjson.loads(answer.body)["errors"][0]
    return bool(first["extensions"]["code"] == Code.PARSE_FAILED)
