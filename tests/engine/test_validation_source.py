"""Error locations equal those of graphql-core."""

from graphql import Source
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.engine.validation import QuickSource


@given(st.text("\r\n ab\u2028é", max_size=30))
def test_locations_are_those_of_graphql_core(body: str) -> None:
    for position in range(len(body) + 1):
        if body[max(position - 1, 0) : position + 1] != "\r\n":  # no token begins within a line break
            assert QuickSource(body).get_location(position) == Source(body).get_location(position)
