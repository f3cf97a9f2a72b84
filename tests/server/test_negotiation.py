"""Content negotiation by `Accept`: RFC 9110, section 12.5.1."""

import pytest

from gqlnews.server.negotiation import (
    NOT_ACCEPTABLE,
    accepts_html,
    is_encoded,
    negotiate_media_type,
    prefers_html,
)
from gqlnews.server.response import GRAPHQL_RESPONSE as NEWER
from gqlnews.server.response import JSON as OLDER


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", OLDER),
        ("*/*", OLDER),
        ("application/*", OLDER),
        ("application/*;q=0.1", OLDER),
        (OLDER, OLDER),
        (NEWER, NEWER),
        (f"{NEWER}, */*", NEWER),
        (f"{NEWER};q=0.1, {OLDER}", OLDER),
        (f"{OLDER};q=0.9, {NEWER}", NEWER),
        (f"{OLDER}, {NEWER}", NEWER),
        (f"*/*, {OLDER};q=0", NEWER),
        (f"application/*, {OLDER};q=0.5", NEWER),
        (f"application/*, {OLDER};q=0, {NEWER};q=0", NOT_ACCEPTABLE),
        (f"*/*;q=0.1, {NEWER};q=0", OLDER),
        (f"application/*;q=0, {OLDER}", OLDER),
        ("application/*;q=0, */*", NOT_ACCEPTABLE),
        ("*/*;q=0", NOT_ACCEPTABLE),
        ("image/png", NOT_ACCEPTABLE),
        ("text/html", NOT_ACCEPTABLE),
        ("text/*", NOT_ACCEPTABLE),
        ("text/event-stream", OLDER),  # for its errors
        ("multipart/mixed", OLDER),
        ("multipart/mixed;q=0", NOT_ACCEPTABLE),
        (f" {NEWER.upper()} ; Q=0.5 ", NEWER),
        (f"{OLDER};charset=utf-8;q=0.2, {NEWER};q=0.1", OLDER),
        (f"{NEWER};q=nonsense", OLDER),  # as if it were absent
        (f"{NEWER};q=nan, {OLDER};q=0.1", OLDER),
        (f"{NEWER};q=-1", OLDER),
        (f"{NEWER};q=9, {OLDER}", NEWER),
        (",;,;q=1", OLDER),
    ],
)
def test_the_media_type(accept: str, answer: str) -> None:
    assert negotiate_media_type(accept) == answer


@pytest.mark.parametrize(
    ("accept", "likes"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("text/html, application/json", True),
        ("text/html;q=0.5, application/json", False),
        ("*/*", False),
        ("text/html;q=0", False),
    ],
)
def test_the_page_is_served_if_html_is_at_least_as_preferred(accept: str, likes: bool) -> None:
    assert prefers_html(accept) == likes


@pytest.mark.parametrize(
    ("accept", "accepts"),
    [
        ("", True),
        ("*/*", True),
        ("text/*;q=0.1", True),
        ("application/json, text/html;q=0.1", True),
        ("application/json", False),
        ("*/*, text/html;q=0", False),
    ],
)
def test_html_is_accepted_by_name_or_wildcard(accept: str, accepts: bool) -> None:
    assert accepts_html(accept) == accepts


@pytest.mark.parametrize(
    ("encoding", "encoded"),
    [("identity", False), ("Identity, identity", False), ("gzip", True), ("identity, br", True), ("x", True)],
)
def test_a_body_is_returned_unchanged(encoding: str, encoded: bool) -> None:
    assert is_encoded(encoding) == encoded
