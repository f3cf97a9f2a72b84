"""Generate the fields of one article: provider, texts, and a Markdown body."""

from functools import lru_cache
from random import Random
from typing import NamedTuple

from gqlnews.sample import figures
from gqlnews.sample.figures import build_weights, format_date, generate_word, happens, lexicon, pick

# Providers: few with many articles, many with few articles, and some with several names.


_KINDS = ("Herald", "Post", "Review", "Courier", "Times", "Gazette", "Wire", "Observer", "Weekly", "Journal")
_RENAMED = 180
"""The rank below which one in five providers has several names."""


class SampleProvider(NamedTuple):
    """Provider: its domain, all of its names, and the path of its badge image if it has one."""

    domain: str
    names: tuple[str, ...]
    badge: str | None


def provider_rank(share: float, total: int) -> int:
    """Return the 0-based rank of the provider at `share` of all articles, in a sample of `total`.

    The busiest providers are the same in every sample; larger samples have a longer tail.
    """
    rank = figures.PROVIDER_RANKS.between(share)
    return int(rank + (_growth(total) - 1.0) * rank * rank / figures.PROVIDER_RANKS.values[-1])


@lru_cache(maxsize=4096)
def provider_at(rank: int, total: int) -> SampleProvider:
    """Generate the provider with this rank in a sample of `total` articles; its domain ends in `.example`."""
    word = generate_word(rank)
    kind = _KINDS[rank % len(_KINDS)]
    domain = f"{word}-{kind.lower()}.example"
    name = f"{word.capitalize()} {kind}"
    spellings: tuple[str, ...] = ()
    if rank % 5 == 0 and rank < _RENAMED * _growth(total):
        spellings = (f"The {name}", domain, f"{name} Online", name.upper())[: 1 + rank // 5 % 4]
    badge = f"/assets/images/organizations/{domain}-50x50.jpg" if rank % 10 in (0, 3, 6) else None
    return SampleProvider(domain, (name, *spellings), badge)


def _growth(total: int) -> float:
    """Return the number of providers relative to that of the real content."""
    return max(1.0, total / figures.REAL_ARTICLES)


# Fields of one article, for its own file and for the related lists of others.


_TOPIC = build_weights([(index, count) for index, (_, count) in enumerate(figures.TOPICS) if index])
_MORE_TOPICS = build_weights([(0, 1755), (1, 6502), (2, 383), (3, 42)])
_WIDTHS = ((1200, 630), (1200, 630), (700, 393), (700, 466), (600, 315), (2121, 1414), (700, 350), (480, 360))
_TITLES = ("{}",) * 8 + ("“{}”", "{}: What Comes Next?", "{} — and Why", "Q&A: {}")


class SampleArticle(NamedTuple):
    """Fields of an article. `url` and `image` are as written in the file; `minute` is its publication date in
    minutes since the start of the sample's first day."""

    number: int
    title: str
    excerpt: str
    minute: int
    url: str
    has_amp: bool
    is_video: bool
    quality: int
    provider: SampleProvider
    provider_name: str
    image: str | None
    width: int
    height: int
    published: bool
    heat: int
    topics: tuple[str, ...]


class Subject(NamedTuple):
    """Common properties of the articles of a block: words, topic, and start time in minutes."""

    words: tuple[str, ...]
    topic: str
    minute: int


def make_article(
    rng: Random, number: int, total: int, subject: Subject, minute: int, published: bool
) -> SampleArticle:
    """Generate article number `number`, counted from 0, of a sample of `total` articles."""
    provider = provider_at(provider_rank(rng.random(), total), total)
    name_share = rng.random() * 2.2
    quality = (figures.QUALITY_PUBLISHED if published else figures.QUALITY_UNPUBLISHED).at(rng.random())
    width, height = _WIDTHS[int(rng.random() * len(_WIDTHS))]
    escaped = "&amp;h=" if happens(rng, figures.SHARE_OF_ESCAPED_IMAGES) else "-h"
    image = (
        f"https://images.example/{number}.jpg?w={width}{escaped}{height}"
        if happens(rng, figures.SHARE_WITH_IMAGE)
        else None
    )
    return SampleArticle(
        number=number,
        title=make_title(rng, subject),
        excerpt=make_excerpt(rng, subject),
        minute=minute,
        url=_url(rng, number, minute, provider),
        has_amp=happens(rng, figures.SHARE_WITH_AMP),
        is_video=happens(rng, figures.SHARE_OF_VIDEOS),
        quality=quality,
        provider=provider,
        provider_name=provider.names[
            0 if name_share < 1 else int((name_share - 1) / 1.2 * len(provider.names))
        ],
        image=image,
        width=width,
        height=height,
        published=published,
        heat=_heat(rng, quality, published),
        topics=_topics(rng, subject),
    )


def make_subject(rng: Random, minute: int) -> Subject:
    """Draw the words and the topic of a block that starts at `minute`."""
    words = tuple(pick(rng, lexicon().titled, 12))
    return Subject(words, figures.TOPICS[_TOPIC.at(rng.random())][0], minute)


def make_title(rng: Random, subject: Subject) -> str:
    """Generate a title with a realistic length; some have quotation marks, a colon, a dash or `&`."""
    length = figures.TITLE_LENGTH.at(rng.random())
    words = pick(rng, lexicon().titled, length // 6 + 2)
    words[::2] = pick(rng, subject.words, len(words[::2]))
    cut = " ".join(words)[: length + 1].rpartition(" ")[0]
    return _TITLES[int(rng.random() * len(_TITLES))].format(cut)


def make_excerpt(rng: Random, subject: Subject) -> str:
    """Generate the first sentences of an article, cut off at any character, as aggregators do."""
    length = figures.EXCERPT_LENGTH.at(rng.random())
    return running_text(rng, length // 20 + 1, subject)[:length].rstrip()


def running_text(rng: Random, count: int, subject: Subject) -> str:
    """Generate `count` phrases, three per sentence; every second phrase ends with a word of the subject."""
    phrases = pick(rng, lexicon().phrases, count)
    subject_words = pick(rng, subject.words, count // 2)
    phrases[1::2] = [f"{phrase} {word}" for phrase, word in zip(phrases[1::2], subject_words, strict=True)]
    grouped = (" ".join(phrases[start : start + 3]) for start in range(0, len(phrases), 3))
    return "".join([f"{words[0].upper()}{words[1:]}. " for words in grouped])


def _url(rng: Random, number: int, minute: int, provider: SampleProvider) -> str:
    path = f"https://www.{provider.domain}/{format_date(minute).replace('-', '/')}/{number}"
    return f"{path}?from=feed&amp;page=1" if happens(rng, figures.SHARE_OF_ESCAPED_PAGES) else path


def _heat(rng: Random, quality: int, published: bool) -> int:
    if not published:
        return -1 if happens(rng, figures.SHARE_WITHOUT_HEAT) else quality
    if happens(rng, figures.SHARE_WITH_HEAT_BONUS):
        return quality + figures.HEAT_BONUS.at(rng.random())
    return quality


def _topics(rng: Random, subject: Subject) -> tuple[str, ...]:
    more = _MORE_TOPICS.at(rng.random())
    names = [figures.TOPICS[0][0]] if happens(rng, figures.SHARE_IN_FIRST_TOPIC) or not more else []
    if more:
        names.append(subject.topic)
    names.extend(figures.TOPICS[_TOPIC.at(rng.random())][0] for _ in range(more - 1))
    return tuple(dict.fromkeys(names))


# Markdown bodies with headings, paragraphs, lists, tables, code and quotes.


def make_body(rng: Random, subject: Subject) -> str:
    """Generate a body of one to six sections."""
    sections = (_section(rng, subject) for _ in range(1 + int(rng.random() * 6)))
    return "\n\n".join(sections) + "\n"


def _section(rng: Random, subject: Subject) -> str:
    heading = " ".join(pick(rng, lexicon().titled, 3))
    special = _SPECIALS[int(rng.random() * len(_SPECIALS))]
    return f"## {heading}\n\n{_paragraph(rng, subject)}\n\n{special(rng)}\n\n{_paragraph(rng, subject)}"


def _paragraph(rng: Random, subject: Subject) -> str:
    text = running_text(rng, 6 + int(rng.random() * 16), subject)
    return f"{text}That is **{pick(rng, subject.words, 1)[0]}**."


def _bullets(rng: Random) -> str:
    return "\n".join(f"- {' '.join(pick(rng, lexicon().topical, 4))}" for _ in range(3))


def _table(rng: Random) -> str:
    rows = "\n".join(f"| {word} | {int(rng.random() * 900)} |" for word in pick(rng, lexicon().titled, 3))
    return f"| What | Count |\n|---|--:|\n{rows}"


def _code(rng: Random) -> str:
    name = pick(rng, lexicon().topical, 1)[0]
    return f"```python\n{name!r}.upper()\n```"


def _quote(rng: Random) -> str:
    return f"> {' '.join(pick(rng, lexicon().phrases, 3))}."


def _link(rng: Random) -> str:
    word = pick(rng, lexicon().topical, 1)[0]
    return f"[{word}](https://reference.example/{int(rng.random() * 1000)}) and *{word}* again."


_SPECIALS = (_bullets, _table, _code, _quote, _link)
