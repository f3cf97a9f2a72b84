"""Full-text search over what one audience sees: matches, and their BM25 scores as FTS5 computes them.

The place of a token is an integer made of the article's number, the column and the position. The next
position in a column is the next integer, so a phrase is a sequence of consecutive integers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from math import log

from .records import Article
from .terms import Query, Term, parse
from .tokens import tokens

APART = "\ue000"  # the token between two topics or two related titles
WEIGHTS = (10.0, 4.0, 3.0, 3.0, 2.0, 1.0)
POSITIONS = 28  # bits
COLUMNS = 4  # bits
K1 = 1.2
B = 0.75
LEAST_IDF = 1e-6
SCALE = 1e12


def columns(article: Article) -> tuple[str, ...]:
    """Return title, excerpt, provider, topics, body and related titles."""
    return (
        article.title,
        article.excerpt or "",
        article.provider.name if article.provider else "",
        f" {APART} ".join(article.topics),
        article.body or "",
        f" {APART} ".join(entry.title for entry in article.related),
    )


class TextIndex:
    def __init__(self, articles: Sequence[Article]) -> None:
        self._articles = articles
        self._places: dict[str, list[int]] = defaultdict(list)
        self._lengths: list[int] = []
        for number, article in enumerate(articles):
            self._add(number, article)
        self._words = sorted(self._places)
        self.found = lru_cache(maxsize=200)(self._found)

    def _add(self, number: int, article: Article) -> None:
        length = 0
        for column, text in enumerate(columns(article)):
            words = tokens(text)
            start = (number << COLUMNS | column) << POSITIONS
            for place, word in enumerate(words, start):
                self._places[word].append(place)
            length += len(words)
        self._lengths.append(length)

    def matching(self, text: str) -> set[str]:
        """Return the slugs of matching articles."""
        return {self._articles[number].slug for number in self.found(text)}

    def _found(self, text: str) -> dict[int, int]:
        """Return number → score × 10^12, rounded, of the matching articles."""
        query = parse(text)
        if not query.groups or not self._articles:
            return {}
        numbers = set.intersection(*(self._of_group(group) for group in query.groups))
        numbers -= {number for term in query.without for number in self._of_term(term)}
        scores = self._scores(query, numbers)
        return {number: round(scores[number] * SCALE) for number in numbers}

    def hits(self, text: str) -> list[tuple[Article, int]]:
        return [(self._articles[number], score) for number, score in self.found(text).items()]

    # ------------------------------------------------------------ matching

    def _of_group(self, group: Sequence[Term]) -> set[int]:
        return {number for term in group for number in self._of_term(term)}

    def _of_term(self, term: Term) -> set[int]:
        return {place >> COLUMNS + POSITIONS for place in self._instances(term)}

    def _instances(self, term: Term) -> set[int]:
        """Return the places where the phrase begins."""
        found = set(self._token_places(term, 0))
        for distance in range(1, len(term.tokens)):
            found &= {place - distance for place in self._token_places(term, distance)}
        return {place for place in found if not term.title or column_of(place) == 0}

    def _token_places(self, term: Term, number: int) -> list[int]:
        token = term.tokens[number]
        if not term.prefix or number < len(term.tokens) - 1:
            return self._places.get(token, [])
        start = bisect_left(self._words, token)
        places: list[int] = []
        for word in self._words[start:]:
            if not word.startswith(token):
                break
            places += self._places[word]
        return places

    # ------------------------------------------------------------ rank

    def _scores(self, query: Query, numbers: set[int]) -> dict[int, float]:
        """Return the BM25 score of each article, higher is better, with phrases summed in query order."""
        rows = len(self._articles)
        average = sum(self._lengths) / rows
        scores = dict.fromkeys(numbers, 0.0)
        for term in query.terms:
            weights: dict[int, float] = defaultdict(float)
            for place in self._instances(term):
                weights[place >> COLUMNS + POSITIONS] += WEIGHTS[column_of(place)]
            idf = inverse_frequency(rows, len(weights))
            for number in numbers & weights.keys():
                long = K1 * (1 - B + B * self._lengths[number] / average)
                frequency = weights[number]
                scores[number] += idf * (frequency * (K1 + 1.0) / (frequency + long))
        return scores


def inverse_frequency(rows: int, with_phrase: int) -> float:
    idf = log((rows - with_phrase + 0.5) / (with_phrase + 0.5))
    return idf if idf > 0.0 else LEAST_IDF


def column_of(place: int) -> int:
    return place >> POSITIONS & (1 << COLUMNS) - 1
