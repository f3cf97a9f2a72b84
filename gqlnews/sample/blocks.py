"""One block of the sample: its articles, and the lists of those that list others."""

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
"""Minutes from a subject's beginning to an article on it."""
_LONGEST_SUBJECT = 20_000 + 2_880


class Entry(NamedTuple):
    """What a list says of an article; `current` where that is what the article itself says."""

    piece: Piece
    current: bool


class Block(NamedTuple):
    """Articles in the order of their indices, and the list of each."""

    subject: Subject
    pieces: list[Piece]
    related: list[list[Entry]]


def make_block(rng: Random, first: int, articles: int) -> Block:
    """The block that begins at index `first` of a sample of `articles`, and does not pass its end."""
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
    """An aggregator publishes one article of most stories, seldom two; and a quarter of the others."""
    members = [False] * shape.members
    if members and happens(rng, SHARE_OF_PUBLISHED_STORIES):
        for _ in range(2 if happens(rng, SHARE_PUBLISHED_TWICE) else 1):
            members[int(rng.random() * shape.members)] = True
    return members + [happens(rng, SHARE_OF_PUBLISHED_OUTSIDERS) for _ in range(shape.outsiders)]


def _draw_minute(rng: Random, subject: Subject) -> int:
    minute = subject.minute + _AFTER_SUBJECT.at(rng.random())
    return minute - minute % 1440 if happens(rng, SHARE_AT_MIDNIGHT) else minute


def _make_twin(rng: Random, pieces: list[Piece], shape: Shape, number: int) -> Piece:
    """Another file for the URL of an outsider: as old or older, and one in five disagrees on `published`."""
    model = pieces[shape.members + int(rng.random() * shape.outsiders)]
    older = int(rng.random() * 2_880) if happens(rng, SHARE_OF_OLDER_TWINS) else 0
    published = model.published != happens(rng, SHARE_OF_DISAGREEING_TWINS)
    return model._replace(number=number, minute=model.minute - older, published=published)


def _list_of(rng: Random, place: int, links: list[int], pieces: list[Piece], subject: Subject) -> list[Entry]:
    """The entries of one article: those linked, some drifted; a few lists also name their own article, an
    article that is not in the sample, or one article twice."""
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
    """The summary as it is, or as it was before the article changed."""
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
    """An article that no file holds."""
    return like._replace(title=make_title(rng, subject), url=f"{like.url.partition('?')[0]}/elsewhere")
