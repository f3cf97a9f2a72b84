"""Which HTTP status an answer or a refusal has: by the media type, and by whose codes are spoken.

The specification as clients know it, and graphql-http's audits: 400 for what GraphQL refuses, 200 where the
client takes only `application/json`. Its newest draft: 422 for what is no syntax error, 294 for data with
errors, whatever the media type. https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes
"""

import orjson

from gqlnews.errors import Code
from gqlnews.schema.engine import Answer
from gqlnews.server.wire import GRAPHQL_RESPONSE, RefusedError
from gqlnews.settings import HttpStatus

OK = 200
PARTIAL = 294
BAD_REQUEST = 400
UNPROCESSABLE = 422
OVERLOADED = 503


def status_of(answer: Answer, media: str, codes: HttpStatus) -> int:
    if Code.OVERLOADED in answer.codes:
        return OVERLOADED
    if codes is HttpStatus.SPEC:
        return OK if answer.ok or media != GRAPHQL_RESPONSE else BAD_REQUEST
    if answer.ok:
        return OK if answer.faultless else PARTIAL
    return BAD_REQUEST if _is_syntax(answer) else UNPROCESSABLE


def status_of_refusal(refused: RefusedError, media: str, codes: HttpStatus) -> int:
    """`refused.draft` and `refused.json` say otherwise where it has to."""
    if codes is HttpStatus.DRAFT and refused.draft is not None:
        return refused.draft
    return refused.json if refused.json is not None and media != GRAPHQL_RESPONSE else refused.status


def _is_syntax(answer: Answer) -> bool:
    first = orjson.loads(answer.body)["errors"][0]
    return bool(first["extensions"]["code"] == Code.PARSE_FAILED)
