"""Articles by decaying heat: log2(heat) + publishedDateTime ÷ halfLife, where heat is positive.

Programs compute this in floating point. Different articles that are closer than its precision have no
fixed order, but of those with equal heat the newest is first, whatever the rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import log2

from .orders import Key
from .records import Article

CLOSE = 4e-15  # relative: some rounding errors


def by_heat(articles: Iterable[Article], half_life: int) -> list[tuple[Key, Article]]:
    """Return the articles with their keys, ascending. `half_life` is in nanoseconds."""
    return sorted(((heat_key(one, half_life), one) for one in articles), key=lambda pair: pair[0])


def heat_key(article: Article, half_life: int) -> Key:
    score = 0.0 if not is_hot(article) else figure(article, half_life)
    return (not is_hot(article), -score, *article.order_key)


def is_hot(article: Article) -> bool:
    return article.heat is not None and article.heat > 0


def figure(article: Article, half_life: int) -> float:
    assert article.heat is not None
    return log2(article.heat) + article.published.nanoseconds / half_life


def is_open(one: tuple[Key, Article], next_one: tuple[Key, Article]) -> bool:
    """Whether rounding could put the second before the first."""
    (is_cold, first, *_), (_, second, *_) = one[0], next_one[0]
    apart = second - first
    return not is_cold and one[1].heat != next_one[1].heat and 0 < apart <= CLOSE * max(1.0, abs(first))
