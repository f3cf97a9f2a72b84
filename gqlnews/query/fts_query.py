"""Translate a user's search query into an FTS5 MATCH expression. No input is a syntax error.

1. Whitespace and control characters separate terms; text in double quotes is one term, a phrase.
2. A term may begin with `-` (must not match), then `title:` (search the title only); a word that ends in `*`
   is a prefix. `OR` between two positive terms is the operator. Everything else is a word.
3. A term without a letter or digit is dropped. All positive terms must match (of those joined by `OR`, at
   least one), and no negative term may match.

    fish "red kite" OR title:owl -map*  →  ("fish" AND ("red kite" OR {title} : "owl")) NOT ("map*" *)

Every word is quoted, so that FTS5 sees no operators in it and tokenizes it like the indexed text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gqlnews.query.fts_tokens import has_token

MAX_CHARACTERS = 1_000
"""The rest of the text is ignored."""

MAX_TERMS = 32
"""Further terms are ignored; `OR` counts as one."""

MAX_PREFIXES = 4
"""Further prefixes are searched as whole words. FTS5 needs 0.1 s or more to collect the matches of a short
prefix in 100,000 articles and cannot be interrupted while it does."""

NOTHING = '""'
"""An empty phrase, which matches nothing; an empty expression would be an error."""

_TERM = re.compile(r'(?P<minus>-?)(?P<title>(?:title:)?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ue000]")  # and the separator of list items in the index
_HALVES = re.compile(r"[\ud800-\udfff]")  # lone surrogates, which SQLite rejects


@dataclass(frozen=True, slots=True)
class _Term:
    text: str
    is_phrase: bool = False
    negative: bool = False
    in_title: bool = False

    @property
    def is_prefix(self) -> bool:
        return self.text.endswith("*") and not self.is_phrase

    @property
    def is_or(self) -> bool:
        return self == _OR

    @property
    def expression(self) -> str:
        column = "{title} : " if self.in_title else ""
        star = " *" if self.is_prefix else ""
        return f'{column}"{self.text}"{star}'


_OR = _Term("OR")


def to_fts5_query(text: str) -> str:
    """Return the MATCH expression of a query; `NOTHING` if no positive term has a token."""
    terms = _terms(text[:MAX_CHARACTERS])
    groups = [group_with_tokens for group in _groups(terms) if (group_with_tokens := _with_tokens(group))]
    if not groups:
        return NOTHING
    expression = _all_of(groups)
    excluded = _with_tokens([term for term in terms if term.negative])
    return f"({expression}) NOT ({_any_of(excluded)})" if excluded else expression


def _terms(text: str) -> list[_Term]:
    text = _HALVES.sub("\ufffd", _CONTROL.sub(" ", text))
    terms = [_term(found) for found in islice(_TERM.finditer(text), MAX_TERMS)]
    prefixes = [at for at, term in enumerate(terms) if term.is_prefix]
    for at in prefixes[MAX_PREFIXES:]:
        terms[at] = replace(terms[at], is_phrase=True)
    return terms


def _term(found: re.Match[str]) -> _Term:
    phrase = found["phrase"]
    text = found["word"] if phrase is None else phrase
    return _Term(text, phrase is not None, bool(found["minus"]), bool(found["title"]))


def _groups(terms: Sequence[_Term]) -> list[list[_Term]]:
    """Group the positive terms: terms joined by `OR` form one group."""
    groups: list[list[_Term]] = []
    joins = False
    for at, term in enumerate(terms):
        if _is_operator(terms, at):
            joins = True
            continue
        if joins:
            groups[-1].append(term)
        elif not term.negative:
            groups.append([term])
        joins = False
    return groups


def _is_operator(terms: Sequence[_Term], at: int) -> bool:
    if not terms[at].is_or or not 0 < at < len(terms) - 1:
        return False
    return not any(term.negative or term.is_or for term in (terms[at - 1], terms[at + 1]))


def _with_tokens(terms: Sequence[_Term]) -> list[_Term]:
    return [term for term in terms if has_token(term.text)]


def _all_of(groups: Sequence[Sequence[_Term]]) -> str:
    return " AND ".join(group[0].expression if len(group) == 1 else f"({_any_of(group)})" for group in groups)


def _any_of(terms: Sequence[_Term]) -> str:
    return " OR ".join(term.expression for term in terms)
