"""Generate one block of the sample: its articles and their related lists."""

from random import Random
from typing import NamedTuple

from gqlnews.sample.clock import MINUTES
from gqlnews.sample.figures import (
    SHARE_AT_MIDNIGHT,
    SHARE_OF_DISAGREEING_TWINS,
    SHARE_OF_DRIFTED_EXCERPTS,
    SHARE_OF_DRIFTED_NUMBERS,
    SHARE_OF_DRIFTED_TITLES,
    SHARE_OF_OLDER_TWINS,
    SHARE_OF_PUBLISHED_OUTSIDERS,
    SHARE_OF_PUBLISHED_STORIES,
    SHARE_PUBLISHED_TWICE,
    SHARE_WITH_ITSELF,
    SHARE_WITH_REPEATS,
    SHARE_WITH_STRANGERS,
    Quantiles,
    happens,
)
from gqlnews.sample.pieces import Piece, Subject, make_excerpt, make_piece, make_subject, make_title
from gqlnews.sample.shapes import Shape, draw_links, draw_shape

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
