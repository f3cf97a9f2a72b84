"""Data derived from several articles, computed independently in plain Python over the records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gqlnews.content.models import ParsedArticle

NO_IMAGES = "[]"


def newest_first(articles: Iterable[ParsedArticle]) -> list[ParsedArticle]:
    """Sort by instant, newest first, then by slug."""
    return sorted(sorted(articles, key=lambda a: a.slug), key=lambda a: a.published_at or "", reverse=True)


def owners(articles: Iterable[ParsedArticle]) -> dict[str, str]:
    """URL → the slug of the article that owns it."""
    found: dict[str, str] = {}
    for article in sorted(newest_first(articles), key=lambda a: not a.published):
        for url in (article.web_url, article.original_url, article.amp_web_url, article.cdn_amp_web_url):
            if url is not None:
                found.setdefault(url, article.slug)
    return found


def targets(articles: Sequence[ParsedArticle]) -> dict[tuple[str, int], str]:
    """(slug, position) of a related entry → the slug of the article that it links to."""
    owner = owners(articles)
    return {
        (article.slug, position): owner[entry.url]
        for article in articles
        for position, entry in enumerate(article.related)
        if entry.url in owner
    }


def topics(articles: Iterable[ParsedArticle]) -> dict[str, str]:
    """Slug → name: the one that most files use; of several, the first by code point."""
    uses: dict[str, Counter[str]] = {}
    for article in articles:
        for slug, name in {(topic.slug, topic.name) for topic in article.topics}:
            uses.setdefault(slug, Counter())[name] += 1
    return {slug: min(names, key=lambda name: (-names[name], name)) for slug, names in uses.items()}


def providers(articles: Sequence[ParsedArticle]) -> dict[str, tuple[list[str], str]]:
    """Domain → its names in order, and the JSON of its images."""
    ordered = newest_first(articles)
    own = {a.provider.domain for a in ordered if a.provider}
    listed = {r.provider.domain for a in ordered for r in a.related if r.provider}
    return {domain: (names(ordered, domain), images(ordered, domain)) for domain in own | listed}


def names(ordered: Sequence[ParsedArticle], domain: str) -> list[str]:
    given = [a.provider.name for a in ordered if a.provider and a.provider.domain == domain]
    own = sorted(dict.fromkeys(given), key=lambda name: -given.count(name))
    files: dict[str, list[str]] = {}
    for article in ordered:
        for name in {r.provider.name for r in article.related if r.provider and r.provider.domain == domain}:
            files.setdefault(name, []).append(article.published_at or "")
    only_listed = sorted(files.keys() - set(own))
    only_listed.sort(key=lambda name: (len(files[name]), files[name][0]), reverse=True)
    return own + only_listed


def images(ordered: Sequence[ParsedArticle], domain: str) -> str:
    mine = (a.provider.images for a in ordered if a.provider and a.provider.domain == domain)
    return next((found for found in mine if found != NO_IMAGES), NO_IMAGES)


class Story(NamedTuple):
    """A story as stored, with the slugs of its articles."""

    title: str
    lead: str
    first_published: str
    last_published: str
    last_at: str
    members: frozenset[str]


def stories(articles: Sequence[ParsedArticle]) -> dict[str, Story]:
    """Least slug → story: connected components of articles that list each other."""
    leads = {(lister, target) for (lister, _), target in targets(articles).items() if lister != target}
    groups: list[set[str]] = []
    for lister, target in leads:
        if (target, lister) in leads:
            met = [group for group in groups if group & {lister, target}]
            groups = [group for group in groups if group not in met] + [{lister, target}.union(*met)]
    ordered = newest_first(articles)
    return {min(group): story([a for a in ordered if a.slug in group]) for group in groups}


def story(members: Sequence[ParsedArticle]) -> Story:
    """Build the story of these articles, which are sorted newest first."""
    last = members[0]
    first = next(a for a in members if a.published_at == members[-1].published_at)
    best = max(map(prominence, members))
    lead = next(a for a in members if prominence(a) == best)
    return Story(
        lead.title,
        lead.slug,
        first.published_date_time or "",
        last.published_date_time or "",
        last.published_at or "",
        frozenset(a.slug for a in members),
    )


def prominence(article: ParsedArticle) -> tuple[float, float]:
    """Return heat and quality as a sort key; a missing value sorts below all others."""
    given = (article.key_values["heat"], article.quality)
    heat, quality = (float("-inf") if number is None else number for number in given)
    return heat, quality


def public(articles: Mapping[str, ParsedArticle]) -> list[ParsedArticle]:
    return [article for article in articles.values() if article.published]
