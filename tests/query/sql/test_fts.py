"""What a search query matches, run by SQLite itself."""

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.query.fts_query import (
    _RANGES,
    MATCH_NOTHING,
    MAX_CHARACTERS,
    MAX_TERMS,
    has_token,
    to_fts5_query,
)

TABLE = "CREATE VIRTUAL TABLE doc USING fts5 (title, body, tokenize = 'unicode61 remove_diacritics 2')"
DOCUMENTS = {
    1: ("Fish and chips", "A red kite over the harbour"),
    2: ("Owls", "Fish in the café; don't feed the owls, nor the 5 disks"),
    3: ("The red owl's kite", "Harbour or haven: OR gate a b"),
    4: ("Naïve", "title and map"),
}

# query → the documents that it finds
FOUND: dict[str, set[int]] = {
    "fish": {1, 2},
    "FISH": {1, 2},
    "fish harbour": {1},
    "chips harbour": {1},  # in different columns
    "cafe": {2},
    "naive": {4},
    '"red kite"': {1},
    '"red kite': {1},
    '"kite red"': set(),
    "don't": {2},
    "t-don": set(),  # a phrase
    '5"disks': {2},
    "fish -chips": {2},
    "fish -harbour -café": set(),
    'fish -"red kite"': {2},
    "-fish": set(),
    "-": set(),
    "fish - chips": {1},
    "--fish": set(),
    '--"red kite"': {1},
    "chips OR naive": {1, 4},
    "fish chips OR owls": {1, 2},
    "chips OR owls fish": {1, 2},
    "chips OR naive OR gate": {1, 3, 4},
    "chips or gate": set(),
    "OR gate": {3},  # a word
    "gate OR": {3},
    "gate OR OR haven": {3},
    "gate OR -fish": {3},
    "-fish OR gate": {3},
    '"OR"': {3},
    "chips OR !": {1},
    "fish ! OR ?": {1, 2},
    "! OR ? fish": {1, 2},
    "kit*": {1, 3},
    "fish ki*": {1},
    "red ki*": {1, 3},
    "the-ha*": {1},
    '"kit*"': set(),
    '"kit"*': set(),
    "k*e": set(),
    "*": set(),
    "fish *": {1, 2},
    "-ha* fish": {2},
    "title:fish": {1},
    "title:red": {3},
    'title:"red owl"': {3},
    "title:nai*": {4},
    "fish -title:fish": {2},
    "fish -title:chips": {2},
    "title:fish OR title:naive": {1, 4},
    "title:": {4},  # a word
    "title: map": {4},
    "Title:map": set(),  # a phrase
    "body:fish": set(),
    "-title: fish": {1, 2},
    "title:map": set(),
    "NOT fish": set(),
    "fish NEAR owls": set(),
    "fish\0owls": {2},
    "fish\x1fowls": {2},
    "fish\ud800": {1, 2},
    "(fish)": {1, 2},
    "^fish": {1, 2},
    "fish + chips": {1},
    "{title}:fish": set(),
    "'fish'": {1, 2},
    "": set(),
    '"': set(),
    '""""': set(),
}

Find = Callable[[str], set[int]]


def match_of(query: str) -> str:
    return to_fts5_query(query, ("title",))


@pytest.fixture(scope="module")
def find() -> Iterator[Find]:
    """Return a function that runs a MATCH expression and returns the matching documents."""
    db = sqlite3.connect(":memory:")
    db.execute(TABLE)
    db.executemany(
        "INSERT INTO doc (rowid, title, body) VALUES (?, ?, ?)", [(n, *d) for n, d in DOCUMENTS.items()]
    )
    yield lambda match: {
        number for (number,) in db.execute("SELECT rowid FROM doc WHERE doc MATCH ?", (match,))
    }
    db.close()


@pytest.mark.parametrize(("query", "found"), FOUND.items(), ids=ascii)
def test_a_query_finds(find: Find, query: str, found: set[int]) -> None:
    assert find(match_of(query)) == found


pieces = st.sampled_from(
    ['"', "-", "*", " ", "OR", "title:", "fish", "é", "!", "\0", "\ud800", "AND", "(", "{", ":"]
)
queries = st.one_of(st.text(st.characters(exclude_categories=[])), st.lists(pieces, max_size=40).map("".join))


@given(queries)
def test_any_text_is_a_valid_query(find: Find, query: str) -> None:
    assert find(match_of(query)) <= DOCUMENTS.keys()


@given(queries)
def test_a_word_without_letters_and_numbers_changes_nothing(find: Find, query: str) -> None:
    query = query.replace('"', " ").replace("OR", " ")
    assert find(match_of(f"{query} ! fish")) == find(match_of(f"{query} fish"))


@pytest.mark.parametrize(
    "query",
    [
        "fish " * 10_000,
        " OR ".join(["fish"] * 5_000),
        "-x " * 10_000 + "fish",
        "fish " + "-x " * 10_000,
        "f* " * 10_000,
        "x" * 100_000,
        '"' + "fish " * 20_000,
        "a-" * 50_000,
        '"' * 100_000,
        "title:" * 20_000,
        "\ud800" * 100_000,
    ],
    ids=lambda query: ascii(query[:10]),
)
def test_a_query_may_have_any_length(find: Find, query: str) -> None:
    assert find(match_of(query)) <= DOCUMENTS.keys()


def test_terms_after_the_maximum_are_ignored(find: Find) -> None:
    most = "fish " * MAX_TERMS
    assert find(match_of(most + "owls")) == {1, 2}
    assert find(match_of(most.removeprefix("fish ") + "owls")) == {2}


def test_characters_after_the_maximum_are_ignored(find: Find) -> None:
    most = "fish".ljust(MAX_CHARACTERS)
    assert find(match_of(most + "owls")) == {1, 2}
    assert find(match_of(most[4:] + "owls")) == {2}


def test_match_nothing_matches_nothing(find: Find) -> None:
    assert find(MATCH_NOTHING) == set()


def test_token_characters_are_those_of_sqlite() -> None:
    edges = {int(edge, 16) + step for edge in re.findall("[0-9a-f]+", _RANGES) for step in (-1, 0, 1)}
    edges -= {*range(0xD800, 0xE000), sys.maxunicode + 1}
    db = sqlite3.connect(":memory:")
    db.execute(TABLE)
    db.execute("CREATE VIRTUAL TABLE token USING fts5vocab (doc, instance)")
    db.executemany("INSERT INTO doc (rowid, body) VALUES (?, ?)", [(edge, chr(edge)) for edge in edges])
    made = {number for (number,) in db.execute("SELECT doc FROM token")}
    db.close()
    assert {edge for edge in edges if has_token(chr(edge))} == made


def test_a_fifth_prefix_is_a_word() -> None:
    """Counted over the whole query, including excluded terms."""
    assert match_of("a* b* c* -d* e* f") == '("a*" * AND "b*" * AND "c*" * AND "e*" AND "f") NOT ("d*" *)'


@pytest.mark.parametrize(
    ("columns", "expression"),
    [
        (("title", "body"), '{title} : "a" AND {body} : "b"'),
        (("body",), '"title:a" AND {body} : "b"'),
        ((), '"title:a" AND "body:b"'),
    ],
)
def test_a_term_can_be_limited_to_a_declared_column(columns: tuple[str, ...], expression: str) -> None:
    assert to_fts5_query("title:a body:b", columns) == expression
