"""Limit the size of the errors in a response.

Messages of graphql-core repeat names and values of the request in every error, so a small request could
otherwise cause a very large response.
"""

from collections.abc import Sequence

import orjson
from graphql import GraphQLError

from gqlnews.errors import shorten

MAX_ERRORS = 10  # per error response
MAX_LOCATIONS = 10  # per error
MAX_REFUSAL_BYTES = 32 << 10  # of JSON for all errors; past it, only messages and extensions are sent


def bounded_error(error: GraphQLError) -> GraphQLError:
    """Copy an error with a short message and few locations, without references to nodes or other errors."""
    bounded = GraphQLError(shorten(error.message), path=error.path, extensions=error.extensions)
    if error.locations:
        bounded.locations = error.locations[:MAX_LOCATIONS]
    return bounded


def encode_errors(errors: Sequence[GraphQLError]) -> bytes:
    """Encode the errors of a response as a JSON array of bounded size."""
    bounded = [bounded_error(error).formatted for error in errors]
    body = orjson.dumps(bounded)
    if len(body) <= MAX_REFUSAL_BYTES:
        return body
    return orjson.dumps(
        [{key: one[key] for key in ("message", "extensions") if key in one} for one in bounded]
    )
