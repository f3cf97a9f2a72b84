"""Draw which articles form a story and which list which as related.

The sample is a sequence of *blocks*: runs of consecutive articles that link only to one another, so that
only one block at a time is in memory. A block contains, in this order:

1. *members*: the story; each lists all other members, and some of the outsiders that list no article;
2. *outsiders*: each lists no article, or only earlier ones, so that none of their links is mutual;
3. *twins*: files with the same URL as an outsider.
"""

from random import Random
from typing import NamedTuple

from gqlnews.sample.figures import SHARE_OF_TWINS, STORY_SIZES, Quantiles, happens, weighted

LONE, CHAIN, STORY = 0, 1, 2
_KINDS = weighted([(LONE, 1850), (CHAIN, 380), (STORY, 844)])
_CHAIN_SIZES = weighted([(2, 300), (3, 60), (4, 20)])
_SMALL_STORY_OUTSIDERS = weighted([(0, 55), (1, 25), (2, 10), (3, 6), (4, 4)])
_LARGE_STORY = 10
_LISTED_BY_OUTSIDER = Quantiles(
    (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0),
    (1, 4, 9, 24, 55, 85, 125, 130),
)
_SHARE_OF_QUIET = 0.3
_SHARE_OF_PUBLISHED_LISTED = 0.6
_MAX_LISTED = 130


class Shape(NamedTuple):
    """Number of articles of each kind in a block."""

    members: int
    outsiders: int
    twins: int

    @property
    def size(self) -> int:
        return self.members + self.outsiders + self.twins


def draw_shape(rng: Random, room: int) -> Shape:
    """Draw the shape of the next block, of at most `room` articles (1 or more)."""
    kind = _KINDS.at(rng.random())
    members = min(room, STORY_SIZES.at(rng.random())) if kind == STORY else 0
    if members == 1:
        members = 0
    outsiders = _draw_outsiders(rng, kind, members)
    outsiders = min(room - members, max(outsiders, 0 if members else 1))
    twins = sum(happens(rng, SHARE_OF_TWINS) for _ in range(outsiders))
    return Shape(members, outsiders, min(twins, room - members - outsiders))


def draw_links(rng: Random, shape: Shape, published: list[bool]) -> list[list[int]]:
    """Draw the related list of each article of the block, as indices in the block."""
    first_twin = shape.members + shape.outsiders
    outsiders = [_outsider_lists(rng, shape, place, published) for place in range(shape.members, first_twin)]
    quiet = [shape.members + i for i, listed in enumerate(outsiders) if not listed]
    members = [_member_lists(rng, shape, place, quiet) for place in range(shape.members)]
    return members + outsiders + [[] for _ in range(shape.twins)]


def _draw_outsiders(rng: Random, kind: int, members: int) -> int:
    if kind == LONE:
        return 1
    if kind == CHAIN:
        return _CHAIN_SIZES.at(rng.random())
    if members < _LARGE_STORY:
        return _SMALL_STORY_OUTSIDERS.at(rng.random())
    return int(members * (1 + 2 * rng.random()))


def _member_lists(rng: Random, shape: Shape, place: int, quiet: list[int]) -> list[int]:
    others = [other for other in range(shape.members) if other != place]
    extra = quiet[: int(rng.random() * (len(quiet) + 1))]
    return (others + extra)[:_MAX_LISTED]


def _outsider_lists(rng: Random, shape: Shape, place: int, published: list[bool]) -> list[int]:
    """Draw a window of earlier articles; published articles list few, mostly unpublished ones."""
    if not place or (shape.members and happens(rng, _SHARE_OF_QUIET)):
        return []
    wanted = _LISTED_BY_OUTSIDER.at(rng.random())
    start = int(rng.random() * place)
    if not published[place]:
        return [(start + step) % place for step in range(min(wanted, place))]
    few = min(1 + wanted // 4, place)
    window = ((start + step) % place for step in range(few))
    return [other for other in window if not published[other] or happens(rng, _SHARE_OF_PUBLISHED_LISTED)]
