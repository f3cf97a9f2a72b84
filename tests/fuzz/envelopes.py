"""Envelopes of a document: JSON bodies of any shape, and GET parameters."""

import json
from typing import Any
from urllib.parse import quote_plus

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.values import anything

QUERIES = (
    "{ site { version } }",
    "query A { __typename } query B { site { articleCount } }",
    "query ($a: Int) { articles(first: $a) { totalCount } }",
    "subscription { articleChanged { slug } }",
    "mutation { __typename }",
    "{",
)
NAMES = ("query", "variables", "operationName", "extensions", "id", "documentId", "hash", "")
_hash = "0" * 64
extensions = anything | st.sampled_from(
    [
        {"cost": True},
        {"cost": 1},
        {"persistedQuery": {"version": 1, "sha256Hash": _hash}},
        {"persistedQuery": 5},
    ]
)
_variables: SearchStrategy[Any] = st.fixed_dictionaries({}, optional={"a": st.integers(-1, 9) | anything})
_most: SearchStrategy[Any] = st.fixed_dictionaries(
    {"query": st.sampled_from(QUERIES)},
    optional={
        "variables": _variables,
        "operationName": st.sampled_from(["A", "B", "", None]),
        "extensions": extensions,
        "another": anything,
    },
)
_unusual: SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "query": st.sampled_from(QUERIES) | anything,
        "variables": _variables | anything,
        "operationName": st.just("A") | anything,
        "extensions": extensions,
        "documentId": st.sampled_from(["", _hash, f"sha256:{_hash}"]) | anything,
    },
)
envelopes = st.one_of(_most, _most, _unusual)
batches = st.lists(envelopes, max_size=5)
RAW = (
    *(
        b"",
        b"[]",
        b"null",
        b"NaN",
        b'{"query":NaN}',
        b"\xff\xfe{",
        b"\xef\xbb\xbf{}",
        b'{"query":"\\ud800"}',
        b"\x1f\x8b",
    ),
    *(
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"query":"{a}","query":1}',
        b'{"variables":' + b"9" * 200_000 + b"}",
    ),
    *(b'{"query":"{a}"}{', b'{"query":"\x00"}', b'{"query":"{ site { version } }","variables":{"a":1e999}}'),
    *(b'{"query":"' + b"\\u0000" * 40_000 + b'"}', b" " * 262_145, b"query={a}"),
)
bodies: SearchStrategy[bytes] = st.one_of(
    (_most | envelopes | batches | anything).map(lambda value: json.dumps(value).encode()),
    envelopes.map(lambda value: json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")),
    st.builds(lambda value, cut: json.dumps(value).encode()[:cut], envelopes, st.integers(0, 80)),
    st.sampled_from(RAW),
    st.binary(max_size=100),
)


def _parameter(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{quote_plus(name)}={quote_plus(text, errors='surrogatepass')}"


_parameters = st.lists(
    st.builds(
        _parameter, st.sampled_from(NAMES) | st.text(max_size=5), st.sampled_from(QUERIES) | extensions
    ),
    max_size=5,
)
_letters = st.sampled_from([*'abc%&=+;?/0{}[]"', "%00", "%ff", "%", "&&", "query="])
query_strings: SearchStrategy[str] = st.one_of(
    _parameters.map("&".join),
    envelopes.map(lambda given: "&".join(_parameter(name, value) for name, value in given.items())),
    st.lists(_letters, max_size=40).map("".join),
)
