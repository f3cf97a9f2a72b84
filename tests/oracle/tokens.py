"""Text → tokens, as SQLite's FTS5 produces them with `unicode61 remove_diacritics 2`.

SQLite itself decides for each character, because its tables match no single version of Unicode. A
character is part of a token (folded), dropped (an accent after its letter), or a gap between tokens.
"""

from __future__ import annotations

import sqlite3
from functools import cache

GAP = " "
SETUP = """
create virtual table texts using fts5(text, tokenize = "unicode61 remove_diacritics 2");
create virtual table words using fts5vocab(texts, instance);
"""


class Characters(dict[int, str]):
    """Code point → its text in a token. SQLite is queried once for each."""

    def __missing__(self, code: int) -> str:
        self[code] = found = folded(chr(code))
        return found


CHARACTERS = Characters()


def tokens(text: str) -> list[str]:
    return text.translate(CHARACTERS).split()


def folded(character: str) -> str:
    """Return what `character` becomes between two letters."""
    inside = sqlite_tokens(f"x{character}x")
    return GAP if len(inside) != 1 else inside[0][1:-1]


@cache
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.executescript(SETUP)
    return connection


def sqlite_tokens(text: str) -> list[str]:
    """Return the tokens that SQLite produces for a text."""
    connection = database()
    connection.execute("delete from texts")
    connection.execute("insert into texts values (?)", (text,))
    return [term for (term,) in connection.execute('select term from words order by "offset"')]
