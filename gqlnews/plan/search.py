"""What a user types into a search box, as an expression of SQLite's FTS5.

1. Blanks and control characters part the query into terms; what stands in double quotes is one, a phrase.
2. A term may begin with `-` (it must not match) and then `title:` (in the title alone); a word that ends in
   `*` matches what begins so. `OR` between two positive terms is the operator. All else is a word.
3. A term without a letter or a number is dropped. All positive terms, or of those that `OR` joins one, must
   match, and no negative one.

    fish "red kite" OR title:owl -map*  →  ("fish" AND ("red kite" OR {title} : "owl")) NOT ("map*" *)

Every word goes in quotes: there FTS5 knows no operator, and makes tokens as it did of the articles.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gqlnews.plan.token_letters import has_token

MOST_CHARACTERS = 1_000
"""What stands behind these is not read."""

MOST_TERMS = 32
"""What comes after these is not read, `OR` counted too."""

MOST_PREFIXES = 4
"""What comes after these is a word as it stands. To gather what has a short prefix takes FTS5 a tenth of a
second or more in 100,000 articles, and nothing can stop it meanwhile."""

NOTHING = '""'
"""An empty phrase: it finds nothing, where an empty expression is an error."""

_TERM = re.compile(r'(?P<minus>-?)(?P<title>(?:title:)?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ue000]")  # and what parts topics, or related titles, in the index
_HALVES = re.compile(r"[\ud800-\udfff]")  # of characters: SQLite takes none


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


def read_search(text: str) -> str:
    """The MATCH expression of a user's query; `NOTHING` where nothing can be found. Takes any text."""
    terms = _terms(text[:MOST_CHARACTERS])
    groups = [kept for group in _groups(terms) if (kept := _with_tokens(group))]
    if not groups:
        return NOTHING
    expression = _all_of(groups)
    excluded = _with_tokens([term for term in terms if term.negative])
    return f"({expression}) NOT ({_any_of(excluded)})" if excluded else expression


def _terms(text: str) -> list[_Term]:
    text = _HALVES.sub("\ufffd", _CONTROL.sub(" ", text))
    terms = [_term(found) for found in islice(_TERM.finditer(text), MOST_TERMS)]
    prefixes = [at for at, term in enumerate(terms) if term.is_prefix]
    for at in prefixes[MOST_PREFIXES:]:
        terms[at] = replace(terms[at], is_phrase=True)
    return terms


def _term(found: re.Match[str]) -> _Term:
    phrase = found["phrase"]
    text = found["word"] if phrase is None else phrase
    return _Term(text, phrase is not None, bool(found["minus"]), bool(found["title"]))


def _groups(terms: Sequence[_Term]) -> list[list[_Term]]:
    """The positive terms, those together that `OR` joins."""
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
