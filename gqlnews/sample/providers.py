"""Generate providers: few with many articles, many with few, and some with several names."""

from functools import lru_cache
from typing import NamedTuple

from gqlnews.sample.figures import PROVIDER_RANKS, REAL_ARTICLES
from gqlnews.sample.words import coined

_KINDS = ("Herald", "Post", "Review", "Courier", "Times", "Gazette", "Wire", "Observer", "Weekly", "Journal")
_RENAMED = 180
"""Of this many busiest providers, one in five has several names."""


class Provider(NamedTuple):
    """Provider: its domain, all of its names, and the path of its badge image if it has one."""

    domain: str
    names: tuple[str, ...]
    badge: str | None


def provider_rank(share: float, articles: int) -> int:
    """Return the 0-based rank of the provider at `share` of all articles, in a sample of `articles`.

    The busiest providers are the same in every sample; larger samples have a longer tail.
    """
    rank = PROVIDER_RANKS.between(share)
    return int(rank + (_growth(articles) - 1.0) * rank * rank / PROVIDER_RANKS.values[-1])


@lru_cache(maxsize=4096)
def provider_at(rank: int, articles: int) -> Provider:
    """Generate the provider of a rank in a sample of `articles`, with a reserved `.example` domain."""
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
    """Return the length of the tail of providers relative to the real one."""
    return max(1.0, articles / REAL_ARTICLES)
