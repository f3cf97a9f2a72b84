"""Text → tokens, as SQLite's FTS5 makes them with `unicode61 remove_diacritics 2`.

What one character becomes is asked of SQLite itself, whose tables are those of no one version of Unicode: it
is part of a token (folded), nothing (an accent that follows its letter), or a gap between tokens.
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
    """By code point, what stands in a token for the character; asked for once each."""

    def __missing__(self, code: int) -> str:
        self[code] = found = folded(chr(code))
        return found


CHARACTERS = Characters()


def tokens(text: str) -> list[str]:
    return text.translate(CHARACTERS).split()


def folded(character: str) -> str:
    """What `character` is between two letters."""
    inside = sqlite_tokens(f"x{character}x")
    return GAP if len(inside) != 1 else inside[0][1:-1]


@cache
def database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.executescript(SETUP)
    return connection


def sqlite_tokens(text: str) -> list[str]:
    """The tokens that SQLite makes of a whole text."""
    connection = database()
    connection.execute("delete from texts")
    connection.execute("insert into texts values (?)", (text,))
    return [term for (term,) in connection.execute('select term from words order by "offset"')]
