"""Encode full-text expressions for the function `search_hits`.

Expressions are those of `to_fts5_query` in gqlnews/query/fts_query.py:

    ("fish" AND ("red kite" OR {title} : "owl")) NOT ("map*" *)

    {"groups": [[{"tokens": ["fish"]}], [{"tokens": ["red", "kite"]}, {"tokens": ["owl"], "column": 0}]],
     "not": [{"tokens": ["map"], "end": "maq"}], "fts5": …}

A prefix is its last token and `end`, the first text after all words with the prefix. A phrase also has the
hashes of its tokens but the first, `next`.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from gqlnews.columns import TOKENIZER
from gqlnews.database.postgresql.postings import COLUMNS, word_hash, word_key

_CACHED_EXPRESSIONS = 1_000
_FIRST_SURROGATE, _AFTER_SURROGATES = 0xD800, 0xE000
_TOKEN = re.compile(
    r'(?:\{(?P<column>[a-z_]+)\} : )?"(?P<text>[^"]*)"(?P<prefix> \*)?|(?P<symbol>\(|\)| AND | OR | NOT )'
)

_Lexeme = dict[str, Any] | str


def after_prefix(prefix: str) -> str:
    """Return the first text, by code point, after all texts with this prefix."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return "\U0010ffff" * (len(prefix) + 1)
    following = ord(head[-1]) + 1
    return head[:-1] + chr(_AFTER_SURROGATES if following == _FIRST_SURROGATE else following)


@lru_cache(_CACHED_EXPRESSIONS)
def encode(expression: str) -> str:
    """Return the JSON text of an expression, an argument of `search_hits`. Thread-safe.

    Raises ValueError if `to_fts5_query` does not write such an expression.
    """
    groups, excluded = _parse(expression)
    phrases = [phrase for group in (*groups, excluded) for phrase in group]
    for phrase, tokens in zip(phrases, _tokenize([phrase["text"] for phrase in phrases]), strict=True):
        del phrase["text"]
        phrase["tokens"] = tokens
        if len(tokens) > 1:
            phrase["next"] = [word_hash(token) for token in tokens[1:]]
        if phrase.pop("prefix") and tokens:
            phrase["end"] = after_prefix(tokens[-1])
    return json.dumps({"groups": groups, "not": excluded, "fts5": expression}, ensure_ascii=False)


def _parse(expression: str) -> tuple[list[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Return the groups of phrases, and the excluded phrases."""
    lexemes = list(_lexemes(expression))
    if " NOT " not in lexemes:
        return _and(lexemes), []
    index = lexemes.index(" NOT ")
    return _and(_inner(lexemes[:index])), _joined(_inner(lexemes[index + 1 :]), " OR ")


def _lexemes(expression: str) -> Iterator[_Lexeme]:
    """Yield the terms as dictionaries, and what is between them as texts."""
    end = 0
    for match in _TOKEN.finditer(expression):
        if match.start() != end:
            break
        end = match.end()
        yield match["symbol"] or _phrase(match)
    if end != len(expression) or not expression:
        raise ValueError(f"cannot parse the full-text expression {expression!r} at {end}")


def _phrase(match: re.Match[str]) -> dict[str, Any]:
    phrase: dict[str, Any] = {"text": match["text"], "prefix": match["prefix"] is not None}
    if match["column"]:
        if match["column"] not in COLUMNS:
            raise ValueError(f"a full-text expression has no column {match['column']!r}")
        phrase["column"] = COLUMNS.index(match["column"])
    return phrase


def _inner(lexemes: Sequence[_Lexeme]) -> Sequence[_Lexeme]:
    if not lexemes or lexemes[0] != "(" or lexemes[-1] != ")":
        raise ValueError("terms of a full-text expression are not in parentheses")
    return lexemes[1:-1]


def _and(lexemes: Sequence[_Lexeme]) -> list[list[dict[str, Any]]]:
    """Parse groups between `AND`: a term, or several with `OR` in parentheses."""
    ends = [-1, *(index for index, lexeme in enumerate(lexemes) if lexeme == " AND "), len(lexemes)]
    groups = [lexemes[start + 1 : end] for start, end in pairwise(ends)]
    return [_joined(group if len(group) == 1 else _inner(group), " OR ") for group in groups]


def _joined(lexemes: Sequence[_Lexeme], operator: str) -> list[dict[str, Any]]:
    terms = [lexeme for lexeme in lexemes[::2] if isinstance(lexeme, dict)]
    if len(terms) * 2 != len(lexemes) + 1 or any(lexeme != operator for lexeme in lexemes[1::2]):
        raise ValueError("a full-text expression is not terms between operators")
    return terms


class _Tokenizer:
    """SQLite's tokenizer, in an in-memory index."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.text_factory = bytes
        self._db.execute(
            f"CREATE VIRTUAL TABLE texts USING fts5 (text, content = '', tokenize = '{TOKENIZER}')"
        )
        self._db.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab (texts, instance)")

    def tokenize(self, texts: Iterable[str]) -> list[list[str]]:
        """Return the words of each text as PostgreSQL stores them."""
        with self._lock:
            rows = list(enumerate(texts))
            self._db.executemany("INSERT INTO texts (rowid, text) VALUES (?, ?)", rows)
            words: list[list[str]] = [[] for _ in rows]
            for number, word in self._db.execute("SELECT doc, term FROM tokens ORDER BY doc, offset"):
                words[number].append(word_key(word))
            self._db.execute("INSERT INTO texts (texts) VALUES ('delete-all')")
            return words


@cache
def _tokenizer() -> _Tokenizer:
    return _Tokenizer()


def _tokenize(texts: Iterable[str]) -> list[list[str]]:
    return _tokenizer().tokenize(texts)
