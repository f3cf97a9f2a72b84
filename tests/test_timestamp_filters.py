"""Answered timestamps as operands of filters: every filter agrees with the answer that it was given.

Hypothesis generates the times of files, with up to nine sub-second digits, for every timestamp field with a
filter. The operators are compared with the order of the answers, parsed by the oracle.
"""

import operator
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.query.entities import Audience
from tests.effort import WITHOUT_SHRINKING, examples
from tests.ingest.folder import keys_of, text_of
from tests.oracle.instants import read_instant
from tests.product import Product, run_ingest

FIELDS = ("publishedDateTime", "modifiedDateTime", "updatedAt", "embargo")
CONFIG = """
[fields.embargo]
type = "DateTime"
filter = true
order = true
"""
ORDERS = {
    "publishedDateTime": "PUBLISHED_DATE_TIME",
    "modifiedDateTime": "MODIFIED_DATE_TIME",
    "updatedAt": "UPDATED_AT",
    "embargo": "EMBARGO",
}
OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
BASE = 1_714_564_800  # 2024-05-01T12:00:00Z
# Within a second of each other, so that only the digits after it decide.
NANOSECONDS = st.one_of(
    st.sampled_from([0, 1, 999_999, 1_000_000, 123_000_000, 123_000_001, 123_456_789, 999_999_999]),
    st.integers(0, 10**9),
)


def written(nanoseconds: int, digits: int) -> str:
    """Write an instant with this number of sub-second digits, and an offset."""
    text = datetime.fromtimestamp(BASE, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{nanoseconds:09}"[: digits + 1] if digits else ""
    return f"{text}{fraction}+00:00"


@examples(5, phases=WITHOUT_SHRINKING)
@given(st.lists(st.tuples(NANOSECONDS, st.integers(0, 9)), min_size=2, max_size=4))
def test_every_operator_agrees_with_the_answers(times: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, database = Path(place, "content"), Path(place, "store.db")
        folder.mkdir()
        (folder / "gqlnews.toml").write_text(CONFIG)
        for number, (nanoseconds, digits) in enumerate(times):
            file, date = folder / f"{number}.md", written(nanoseconds, digits)
            keys = keys_of(f"https://example.com/{number}", modifiedDateTime=date, embargo=date)
            file.write_text(text_of({**keys, "publishedDateTime": date}))
            modified = BASE * 10**9 + nanoseconds
            os.utime(file, ns=(modified, modified))
        run_ingest(folder, database)
        with Product(database) as product:
            for field in FIELDS:
                check_filters(product, field)
                check_cursors(product, field)
            check_site(product)


def check_filters(product: Product, field: str) -> None:
    """Filter by every answer, and by what JavaScript's `Date` makes of a clock time."""
    nodes = product.data(f"{{ articles {{ nodes {{ slug {field} }} }} }}")["articles"]["nodes"]
    stored = {node["slug"]: read_instant(node[field]).nanoseconds for node in nodes}
    operands = {node[field] for node in nodes}
    operands |= {in_javascript(text) for text in operands if field == "updatedAt" or "." not in text}
    aliases = [
        f'a{number}_{name}: articles(where: {{{field}: {{{name}: "{operand}"}}}}) {{ nodes {{ slug }} }}'
        for number, operand in enumerate(sorted(operands))
        for name in OPERATORS
    ]
    found = product.data(f"{{ {' '.join(aliases)} }}")
    for number, operand in enumerate(sorted(operands)):
        for name, holds in OPERATORS.items():
            slugs = {node["slug"] for node in found[f"a{number}_{name}"]["nodes"]}
            of = read_instant(operand).nanoseconds
            assert field != "updatedAt" or name != "eq" or slugs, f"no article of {operand}"
            assert slugs == {slug for slug, at in stored.items() if holds(at, of)}, (field, name, operand)


def in_javascript(text: str) -> str:
    """Return `new Date(text).toISOString()`."""
    at = datetime.fromisoformat(text)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1_000:03}Z"


def check_cursors(product: Product, field: str) -> None:
    """Page one by one in both directions, and see every article once, in the order of the answers."""
    for direction in ("ASC", "DESC"):
        order = f"orderBy: [{{field: {ORDERS[field]}, direction: {direction}}}]"
        seen, after = [], "null"
        while after:
            page = product.data(
                f"{{ articles(first: 1, after: {after}, {order}) "
                f"{{ edges {{ cursor node {{ slug {field} }} }} pageInfo {{ hasNextPage }} }} }}"
            )["articles"]
            seen += [edge["node"] for edge in page["edges"]]
            after = f'"{page["edges"][-1]["cursor"]}"' if page["pageInfo"]["hasNextPage"] else ""
        instants = [read_instant(node[field]).nanoseconds for node in seen]
        assert instants == sorted(instants, reverse=direction == "DESC")
        assert len({node["slug"] for node in seen}) == len(seen)


def check_site(product: Product) -> None:
    """The dates of the site are found as well, and its clock time has no more digits than a `Date`."""
    site = product.data("{ site { firstPublished lastPublished ingestedAt } }")["site"]
    bounds = f'gte: "{site["firstPublished"]}", lte: "{site["lastPublished"]}"'
    counts = product.data(
        f"{{ inside: articles(where: {{publishedDateTime: {{{bounds}}}}}) {{ totalCount }}"
        " all: articles { totalCount } }"
    )
    assert counts["inside"] == counts["all"]
    assert len(site["ingestedAt"].partition(".")[2]) <= len("123Z")


@pytest.mark.parametrize("audience", Audience)
def test_clock_times_of_the_examples_have_milliseconds(examples: Product, audience: Audience) -> None:
    query = "{ site { ingestedAt } articles(first: 100) { nodes { updatedAt } } }"
    data = examples.data(query, audience=audience)
    times = [data["site"]["ingestedAt"], *(node["updatedAt"] for node in data["articles"]["nodes"])]
    assert [text for text in times if len(text.partition(".")[2]) > len("123Z")] == []
