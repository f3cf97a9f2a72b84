"""Articles by heat that halves: log2(heat) + publishedDateTime ÷ halfLife, where heat is above 0.

Programs work it out in floating point, so articles that come closer than that can tell have no settled order,
but for those of one heat: among them the newest is first, however the figures are rounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import log2

from .orders import Key
from .records import Article

CLOSE = 4e-15  # relative to the figures: some roundings


def by_heat(articles: Iterable[Article], half_life: int) -> list[tuple[Key, Article]]:
    """The articles with their keys, ascending. `half_life` is in nanoseconds."""
    return sorted(((heat_key(one, half_life), one) for one in articles), key=lambda pair: pair[0])


def heat_key(article: Article, half_life: int) -> Key:
    score = 0.0 if not is_hot(article) else figure(article, half_life)
    return (not is_hot(article), -score, *article.order_key)


def is_hot(article: Article) -> bool:
    return article.heat is not None and article.heat > 0


def figure(article: Article, half_life: int) -> float:
    assert article.heat is not None
    return log2(article.heat) + article.published.nanoseconds / half_life


def is_settled(articles: Iterable[Article], half_life: int) -> bool:
    """Whether no two neighbours of different heat are as hot as each other, or nearly."""
    hot = [one for one in articles if is_hot(one)]
    scored = sorted(((figure(one, half_life), one) for one in hot), key=lambda pair: pair[0])
    return not any(
        one.heat != other.heat and next_figure - first <= CLOSE * max(1.0, abs(first))
        for (first, one), (next_figure, other) in pairwise(scored)
    )
