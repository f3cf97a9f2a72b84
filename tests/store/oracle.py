"""What follows from several articles, worked out a second time: plain Python over the records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gqlnews.content.records import Article

NO_IMAGES = "[]"


def newest_first(articles: Iterable[Article]) -> list[Article]:
    """By instant, the newest first, then by slug."""
    return sorted(sorted(articles, key=lambda a: a.slug), key=lambda a: a.published_at or "", reverse=True)


def owners(articles: Iterable[Article]) -> dict[str, str]:
    """URL → the slug of the article that answers for it."""
    found: dict[str, str] = {}
    for article in sorted(newest_first(articles), key=lambda a: not a.published):
        for url in (article.web_url, article.original_url, article.amp_web_url, article.cdn_amp_web_url):
            if url is not None:
                found.setdefault(url, article.slug)
    return found


def targets(articles: Sequence[Article]) -> dict[tuple[str, int], str]:
    """(slug, position) of a related entry → the slug of the article behind it."""
    owner = owners(articles)
    return {
        (article.slug, position): owner[entry.url]
        for article in articles
        for position, entry in enumerate(article.related)
        if entry.url in owner
    }


def topics(articles: Iterable[Article]) -> dict[str, str]:
    """Slug → name: as most files name it, then the first by code point."""
    uses: dict[str, Counter[str]] = {}
    for article in articles:
        for slug, name in {(topic.slug, topic.name) for topic in article.topics}:
            uses.setdefault(slug, Counter())[name] += 1
    return {slug: min(names, key=lambda name: (-names[name], name)) for slug, names in uses.items()}


def providers(articles: Sequence[Article]) -> dict[str, tuple[list[str], str]]:
    """Domain → its names in order, and the JSON of its images."""
    ordered = newest_first(articles)
    own = {a.provider.domain for a in ordered if a.provider}
    listed = {r.provider.domain for a in ordered for r in a.related if r.provider}
    return {domain: (names(ordered, domain), images(ordered, domain)) for domain in own | listed}


def names(ordered: Sequence[Article], domain: str) -> list[str]:
    given = [a.provider.name for a in ordered if a.provider and a.provider.domain == domain]
    own = sorted(dict.fromkeys(given), key=lambda name: -given.count(name))
    files: dict[str, list[str]] = {}
    for article in ordered:
        for name in {r.provider.name for r in article.related if r.provider and r.provider.domain == domain}:
            files.setdefault(name, []).append(article.published_at or "")
    only_listed = sorted(files.keys() - set(own))
    only_listed.sort(key=lambda name: (len(files[name]), files[name][0]), reverse=True)
    return own + only_listed


def images(ordered: Sequence[Article], domain: str) -> str:
    mine = (a.provider.images for a in ordered if a.provider and a.provider.domain == domain)
    return next((found for found in mine if found != NO_IMAGES), NO_IMAGES)


def public(articles: Mapping[str, Article]) -> list[Article]:
    return [article for article in articles.values() if article.published]
