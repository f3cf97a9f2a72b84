"""Bounds on the errors of a response: a refusal must not be larger than the request that it refuses.

Messages of graphql-core repeat names and values of the request, once an error.
"""

from collections.abc import Sequence

import orjson
from graphql import GraphQLError

from gqlnews.errors import shorten

MAX_ERRORS = 10  # of one refusal
MAX_LOCATIONS = 10  # of one error
MAX_REFUSAL_BYTES = 32 << 10  # of the JSON of all errors; beyond it, messages and codes alone are sent


def bounded_error(error: GraphQLError) -> GraphQLError:
    """A copy with a short message and few locations, which holds neither the document nor another error."""
    bounded = GraphQLError(shorten(error.message), path=error.path, extensions=error.extensions)
    if error.locations:
        bounded.locations = error.locations[:MAX_LOCATIONS]
    return bounded


def encode_errors(errors: Sequence[GraphQLError]) -> bytes:
    """The errors of a response as a JSON array of bounded size."""
    bounded = [bounded_error(error).formatted for error in errors]
    body = orjson.dumps(bounded)
    if len(body) <= MAX_REFUSAL_BYTES:
        return body
    return orjson.dumps(
        [{key: one[key] for key in ("message", "extensions") if key in one} for one in bounded]
    )
