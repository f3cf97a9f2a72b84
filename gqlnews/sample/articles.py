"""Generate the articles of the sample, block by block, and the stories that they form."""

from random import Random
from typing import NamedTuple

from gqlnews.sample.figures import (
    MINUTES,
    SHARE_AT_MIDNIGHT,
    SHARE_OF_DISAGREEING_TWINS,
    SHARE_OF_DRIFTED_EXCERPTS,
    SHARE_OF_DRIFTED_NUMBERS,
    SHARE_OF_DRIFTED_TITLES,
    SHARE_OF_OLDER_TWINS,
    SHARE_OF_PUBLISHED_OUTSIDERS,
    SHARE_OF_PUBLISHED_STORIES,
    SHARE_OF_TWINS,
    SHARE_PUBLISHED_TWICE,
    SHARE_WITH_ITSELF,
    SHARE_WITH_REPEATS,
    SHARE_WITH_STRANGERS,
    STORY_SIZES,
    Quantiles,
    happens,
    weighted,
)
from gqlnews.sample.pieces import Piece, Subject, make_excerpt, make_piece, make_subject, make_title

# Draw which articles form a story and which list which as related.
#
# The sample is a sequence of *blocks*: runs of consecutive articles that link only to one another, so that
# only one block at a time is in memory. A block contains, in this order:
#
# 1. *members*: the story; each lists all other members, and some of the outsiders that list no article;
# 2. *outsiders*: each lists no article, or only earlier ones, so that none of their links is mutual;
# 3. *twins*: files with the same URL as an outsider.


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


# Generate one block of the sample: its articles and their related lists.


_AFTER_SUBJECT = Quantiles((0.0, 0.3, 0.6, 0.85, 1.0), (0, 300, 2_600, 7_500, 20_000))
"""Minutes from the start of a subject to an article about it."""
_LONGEST_SUBJECT = 20_000 + 2_880


class Entry(NamedTuple):
    """Related entry about an article; `current` if it equals what the article's own file says."""

    piece: Piece
    current: bool


class Block(NamedTuple):
    """Articles in index order, and the related list of each."""

    subject: Subject
    pieces: list[Piece]
    related: list[list[Entry]]


def make_block(rng: Random, first: int, articles: int) -> Block:
    """Generate the block at index `first`; it does not extend past a sample of `articles`."""
    room = min(articles - first, max(6, articles // 8))
    shape = draw_shape(rng, room)
    subject = make_subject(rng, int(rng.random() * (MINUTES - _LONGEST_SUBJECT)) + 2_880)
    published = _draw_published(rng, shape)
    pieces = [
        make_piece(rng, first + place, articles, subject, _draw_minute(rng, subject), published[place])
        for place in range(shape.members + shape.outsiders)
    ]
    pieces += [_make_twin(rng, pieces, shape, first + len(pieces) + twin) for twin in range(shape.twins)]
    links = draw_links(rng, shape, published)
    related = [_list_of(rng, place, links[place], pieces, subject) for place in range(shape.size)]
    return Block(subject, pieces, related)


def _draw_published(rng: Random, shape: Shape) -> list[bool]:
    """Draw which articles are published: one of most stories, rarely two, and a quarter of the outsiders."""
    members = [False] * shape.members
    if members and happens(rng, SHARE_OF_PUBLISHED_STORIES):
        for _ in range(2 if happens(rng, SHARE_PUBLISHED_TWICE) else 1):
            members[int(rng.random() * shape.members)] = True
    return members + [happens(rng, SHARE_OF_PUBLISHED_OUTSIDERS) for _ in range(shape.outsiders)]


def _draw_minute(rng: Random, subject: Subject) -> int:
    minute = subject.minute + _AFTER_SUBJECT.at(rng.random())
    return minute - minute % 1440 if happens(rng, SHARE_AT_MIDNIGHT) else minute


def _make_twin(rng: Random, pieces: list[Piece], shape: Shape, number: int) -> Piece:
    """Create another file for an outsider's URL, as old or older; one in five disagrees on `published`."""
    model = pieces[shape.members + int(rng.random() * shape.outsiders)]
    older = int(rng.random() * 2_880) if happens(rng, SHARE_OF_OLDER_TWINS) else 0
    published = model.published != happens(rng, SHARE_OF_DISAGREEING_TWINS)
    return model._replace(number=number, minute=model.minute - older, published=published)


def _list_of(rng: Random, place: int, links: list[int], pieces: list[Piece], subject: Subject) -> list[Entry]:
    """Build the related entries of one article, some of them drifted.

    A few lists also contain their own article, an article that is not in the sample, or repeated entries.
    """
    entries = [_drifted(rng, pieces[link], subject) for link in links]
    if not entries:
        return entries
    if happens(rng, SHARE_WITH_ITSELF):
        entries.insert(int(rng.random() * len(entries)), Entry(pieces[place], current=True))
    if happens(rng, SHARE_WITH_REPEATS):
        entries += entries[: 1 + int(rng.random() * 2)]
    if happens(rng, SHARE_WITH_STRANGERS):
        entries.append(Entry(_elsewhere(rng, pieces[links[0]], subject), current=False))
    return entries


def _drifted(rng: Random, piece: Piece, subject: Subject) -> Entry:
    """Build an entry with the article's current values or, for some, values that have drifted from them."""
    text, number = rng.random(), rng.random()
    if text < SHARE_OF_DRIFTED_TITLES:
        piece = piece._replace(title=make_title(rng, subject))
    if text < SHARE_OF_DRIFTED_EXCERPTS:
        piece = piece._replace(excerpt=make_excerpt(rng, subject))
    if number < SHARE_OF_DRIFTED_NUMBERS:
        later = piece.minute + 1 + int(rng.random() * 600)
        piece = piece._replace(quality=piece.quality + 3, minute=min(later, MINUTES - 1))
    return Entry(piece, current=text >= SHARE_OF_DRIFTED_EXCERPTS and number >= SHARE_OF_DRIFTED_NUMBERS)


def _elsewhere(rng: Random, like: Piece, subject: Subject) -> Piece:
    """Create an article that has no file in the sample."""
    return like._replace(title=make_title(rng, subject), url=f"{like.url.partition('?')[0]}/elsewhere")
