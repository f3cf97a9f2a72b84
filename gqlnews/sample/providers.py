"""Who publishes: a few providers much, many a little, and some of them under several names."""

from functools import lru_cache
from typing import NamedTuple

from gqlnews.sample.figures import PROVIDER_RANKS, REAL_ARTICLES
from gqlnews.sample.words import coined

_KINDS = ("Herald", "Post", "Review", "Courier", "Times", "Gazette", "Wire", "Observer", "Weekly", "Journal")
_RENAMED = 180
"""Among that many of the busiest providers, one in five has several names."""


class Provider(NamedTuple):
    """One domain, every name that its files give it, and the path of its badge where it has one."""

    domain: str
    names: tuple[str, ...]
    badge: str | None


def provider_rank(share: float, articles: int) -> int:
    """The 0-based rank of the provider at `share` of all articles, in a sample of `articles`.

    The busiest stay who they are; the more articles there are, the longer the tail.
    """
    rank = PROVIDER_RANKS.between(share)
    return int(rank + (_growth(articles) - 1.0) * rank * rank / PROVIDER_RANKS.values[-1])


@lru_cache(maxsize=4096)
def provider_at(rank: int, articles: int) -> Provider:
    """The provider of that rank, in a sample of `articles`: a `.example`, which nobody can own."""
    word = coined(rank)
    kind = _KINDS[rank % len(_KINDS)]
    domain = f"{word}-{kind.lower()}.example"
    name = f"{word.capitalize()} {kind}"
    spellings: tuple[str, ...] = ()
    if rank % 5 == 0 and rank < _RENAMED * _growth(articles):
        spellings = (f"The {name}", domain, f"{name} Online", name.upper())[: 1 + rank // 5 % 4]
    badge = f"/assets/images/organizations/{domain}-50x50.jpg" if rank % 10 in (0, 3, 6) else None
    return Provider(domain, (name, *spellings), badge)


def _growth(articles: int) -> float:
    """How many times as long as the real tail of providers this one is."""
    return max(1.0, articles / REAL_ARTICLES)
