"""Generate the articles of the sample, block by block, and the stories that they form."""

from random import Random
from typing import NamedTuple

from gqlnews.sample import figures
from gqlnews.sample.fields import SampleArticle, Subject, make_article, make_excerpt, make_subject, make_title
from gqlnews.sample.figures import Quantiles, build_weights, happens

# Shape of a block: the articles that form a story, and the related list of each article.
#
# The sample is a sequence of *blocks*: consecutive articles that link only to articles of the same block, so
# that only one block at a time is in memory. A block contains, in this order:
#
# 1. *members* of a story: each lists all other members, and some of the outsiders that list no article;
# 2. *outsiders*: each lists no article, or only earlier ones, so that none of their links is mutual;
# 3. *duplicates*: articles with the same URL as an outsider.


LONE, CHAIN, STORY = 0, 1, 2
_KINDS = build_weights([(LONE, 1850), (CHAIN, 380), (STORY, 844)])
_CHAIN_SIZES = build_weights([(2, 300), (3, 60), (4, 20)])
_SMALL_STORY_OUTSIDERS = build_weights([(0, 55), (1, 25), (2, 10), (3, 6), (4, 4)])
_LARGE_STORY = 10
_OUTSIDER_LIST_LENGTH = Quantiles(
    (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0),
    (1, 4, 9, 24, 55, 85, 125, 130),
)
_SHARE_WITHOUT_LISTS = 0.3
_SHARE_OF_PUBLISHED_ENTRIES = 0.6
_MAX_LISTED = 130


class BlockShape(NamedTuple):
    """Number of articles of each kind in a block."""

    members: int
    outsiders: int
    duplicates: int

    @property
    def size(self) -> int:
        return self.members + self.outsiders + self.duplicates


def draw_shape(rng: Random, room: int) -> BlockShape:
    """Draw the shape of the next block, which has at most `room` articles (1 or more)."""
    kind = _KINDS.at(rng.random())
    members = min(room, figures.STORY_SIZES.at(rng.random())) if kind == STORY else 0
    if members == 1:
        members = 0
    outsiders = _draw_outsiders(rng, kind, members)
    outsiders = min(room - members, max(outsiders, 0 if members else 1))
    duplicates = sum(happens(rng, figures.SHARE_OF_DUPLICATES) for _ in range(outsiders))
    return BlockShape(members, outsiders, min(duplicates, room - members - outsiders))


def draw_links(rng: Random, shape: BlockShape, published: list[bool]) -> list[list[int]]:
    """Draw the related list of each article of the block, as indices in the block."""
    first_duplicate = shape.members + shape.outsiders
    outsiders = [
        _outsider_lists(rng, shape, index, published) for index in range(shape.members, first_duplicate)
    ]
    without_lists = [shape.members + i for i, listed in enumerate(outsiders) if not listed]
    members = [_member_lists(rng, shape, index, without_lists) for index in range(shape.members)]
    return members + outsiders + [[] for _ in range(shape.duplicates)]


def _draw_outsiders(rng: Random, kind: int, members: int) -> int:
    if kind == LONE:
        return 1
    if kind == CHAIN:
        return _CHAIN_SIZES.at(rng.random())
    if members < _LARGE_STORY:
        return _SMALL_STORY_OUTSIDERS.at(rng.random())
    return int(members * (1 + 2 * rng.random()))


def _member_lists(rng: Random, shape: BlockShape, index: int, without_lists: list[int]) -> list[int]:
    others = [other for other in range(shape.members) if other != index]
    extra = without_lists[: int(rng.random() * (len(without_lists) + 1))]
    return (others + extra)[:_MAX_LISTED]


def _outsider_lists(rng: Random, shape: BlockShape, index: int, published: list[bool]) -> list[int]:
    """Draw a window of earlier articles. Published articles list few articles, most of them unpublished."""
    if not index or (shape.members and happens(rng, _SHARE_WITHOUT_LISTS)):
        return []
    length = _OUTSIDER_LIST_LENGTH.at(rng.random())
    start = int(rng.random() * index)
    if not published[index]:
        return [(start + step) % index for step in range(min(length, index))]
    count = min(1 + length // 4, index)
    window = ((start + step) % index for step in range(count))
    return [other for other in window if not published[other] or happens(rng, _SHARE_OF_PUBLISHED_ENTRIES)]


# Articles of a block, and their related lists.


_MINUTES_AFTER_START = Quantiles((0.0, 0.3, 0.6, 0.85, 1.0), (0, 300, 2_600, 7_500, 20_000))
"""Minutes from the start of a subject to an article about it."""
_MAX_SUBJECT_MINUTES = 20_000 + 2_880


class Entry(NamedTuple):
    """Related entry about an article; `is_current` if it equals the fields in the article's own file."""

    article: SampleArticle
    is_current: bool


class Block(NamedTuple):
    """Articles in index order, and the related list of each."""

    subject: Subject
    articles: list[SampleArticle]
    related: list[list[Entry]]


def make_block(rng: Random, first: int, total: int) -> Block:
    """Generate the block that starts with article number `first` of a sample of `total` articles."""
    room = min(total - first, max(6, total // 8))
    shape = draw_shape(rng, room)
    subject = make_subject(rng, int(rng.random() * (figures.MINUTES - _MAX_SUBJECT_MINUTES)) + 2_880)
    published = _draw_published(rng, shape)
    articles = [
        make_article(rng, first + index, total, subject, _draw_minute(rng, subject), published[index])
        for index in range(shape.members + shape.outsiders)
    ]
    articles += [
        _make_duplicate(rng, articles, shape, first + len(articles) + duplicate)
        for duplicate in range(shape.duplicates)
    ]
    links = draw_links(rng, shape, published)
    related = [_build_related(rng, index, links[index], articles, subject) for index in range(shape.size)]
    return Block(subject, articles, related)


def _draw_published(rng: Random, shape: BlockShape) -> list[bool]:
    """Draw the published articles: in most stories one, rarely two; and about a quarter of the outsiders."""
    members = [False] * shape.members
    if members and happens(rng, figures.SHARE_OF_PUBLISHED_STORIES):
        for _ in range(2 if happens(rng, figures.SHARE_PUBLISHED_TWICE) else 1):
            members[int(rng.random() * shape.members)] = True
    return members + [happens(rng, figures.SHARE_OF_PUBLISHED_OUTSIDERS) for _ in range(shape.outsiders)]


def _draw_minute(rng: Random, subject: Subject) -> int:
    minute = subject.minute + _MINUTES_AFTER_START.at(rng.random())
    return minute - minute % 1440 if happens(rng, figures.SHARE_AT_MIDNIGHT) else minute


def _make_duplicate(
    rng: Random, articles: list[SampleArticle], shape: BlockShape, number: int
) -> SampleArticle:
    """Copy an outsider as another article with the same URL, as old or older; some differ in `published`."""
    original = articles[shape.members + int(rng.random() * shape.outsiders)]
    older = int(rng.random() * 2_880) if happens(rng, figures.SHARE_OF_OLDER_DUPLICATES) else 0
    published = original.published != happens(rng, figures.SHARE_OF_DISAGREEING_DUPLICATES)
    return original._replace(number=number, minute=original.minute - older, published=published)


def _build_related(
    rng: Random, index: int, links: list[int], articles: list[SampleArticle], subject: Subject
) -> list[Entry]:
    """Build the related entries of one article, some of them drifted.

    Some lists also contain the article itself, an article that is not in the sample, or repeated entries.
    """
    entries = [_build_entry(rng, articles[link], subject) for link in links]
    if not entries:
        return entries
    if happens(rng, figures.SHARE_LISTING_THEMSELVES):
        entries.insert(int(rng.random() * len(entries)), Entry(articles[index], is_current=True))
    if happens(rng, figures.SHARE_WITH_REPEATS):
        entries += entries[: 1 + int(rng.random() * 2)]
    if happens(rng, figures.SHARE_WITH_EXTERNAL_ENTRIES):
        url = f"{articles[links[0]].url.partition('?')[0]}/elsewhere"  # of no file in the sample
        external = articles[links[0]]._replace(title=make_title(rng, subject), url=url)
        entries.append(Entry(external, is_current=False))
    return entries


def _build_entry(rng: Random, article: SampleArticle, subject: Subject) -> Entry:
    """Build an entry with the article's current values or, for some, values that have drifted from them."""
    text, number = rng.random(), rng.random()
    if text < figures.SHARE_OF_DRIFTED_TITLES:
        article = article._replace(title=make_title(rng, subject))
    if text < figures.SHARE_OF_DRIFTED_EXCERPTS:
        article = article._replace(excerpt=make_excerpt(rng, subject))
    if number < figures.SHARE_OF_DRIFTED_NUMBERS:
        later = article.minute + 1 + int(rng.random() * 600)
        article = article._replace(quality=article.quality + 3, minute=min(later, figures.MINUTES - 1))
    return Entry(
        article,
        is_current=text >= figures.SHARE_OF_DRIFTED_EXCERPTS and number >= figures.SHARE_OF_DRIFTED_NUMBERS,
    )
