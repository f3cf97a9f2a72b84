"""Global IDs as clients send them."""

from base64 import b64encode

import orjson
import pytest

from gqlnews.schema.node import node_argument


@pytest.mark.parametrize(
    ("decoded", "ref"),
    [
        ("Article:a", ["Article", "a"]),
        ("Article:a:b", ["Article", "a:b"]),
        ("Article", ["", ""]),
        ("Article:a\0b", ["", ""]),
        ("Art\0icle:a", ["", ""]),
    ],
)
def test_an_id_is_its_type_and_key_or_matches_nothing(decoded: str, ref: list[str]) -> None:
    arguments = node_argument({"id": b64encode(decoded.encode()).decode()})
    assert orjson.loads(str(arguments.values["refs"])) == [ref]
