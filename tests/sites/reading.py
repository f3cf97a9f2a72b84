"""Read a site as its generator does: what every article file says, and which files are no articles."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from . import fields
from .addresses import own_address, web_url
from .authors import Author, author_data, authors_of, names_written, unsafe_urls, whole_authors
from .configuration import Configuration, find_configuration, lower_keys, text_of
from .dates import DateError, read_date
from .front_matter import Header, HeaderError, split_header
from .hugo_addresses import bad_patterns
from .jekyll_addresses import with_defaults
from .places import Place, place_of

SUFFIXES = (".md", ".markdown", ".mdx")
SPECIAL = "_index README CONTRIBUTING LICENSE CHANGELOG CODE_OF_CONDUCT SECURITY AGENTS CLAUDE SUMMARY 404"


@dataclass(frozen=True)
class Article:
    """An article. Topics are pairs of slug and name; `excerpt_source` is a key, `more` or `paragraph`."""

    path: str
    slug: str
    title: str
    title_source: str
    published_at: str
    web_url: str | None
    original_url: str | None
    topics: tuple[tuple[str, str], ...]
    image: str | None
    excerpt: str | None
    excerpt_source: str
    published: bool
    language: str | None
    provider: tuple[str, str] | None
    """Domain and name."""
    authors: tuple[Author, ...]
    """As the file and the author data of the site name them."""
    modified_at: str | None
    group: str | None
    """The slug without its language part, which translations share; None for native files."""
    is_native: bool = False

    @property
    def section(self) -> str | None:
        return self.slug.rpartition("/")[0] or None


@dataclass
class Site:
    """A site. Paths are relative to the given folder; `problems` are pairs of path and code."""

    preset: str
    found_by: str | None
    name: str | None
    host: str | None
    base_url: str | None
    time_zone: str
    articles: dict[str, Article] = field(default_factory=dict)
    problems: set[tuple[str, str]] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    special: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)

    def translations(self, article: Article) -> list[str]:
        """Return the slugs of an article in other languages, by language."""
        if article.group is None or article.language is None:
            return []
        found = [
            (str(other.language), other.slug)
            for other in self.articles.values()
            if other.group == article.group and other.slug != article.slug
        ]
        return [slug for _, slug in sorted(found)]

    def topic_names(self) -> dict[str, str]:
        """Return each topic's name: that of most files, then the first by code point."""
        names: dict[str, Counter[str]] = {}
        for article in self.articles.values():
            for slug, name in article.topics:
                names.setdefault(slug, Counter())[name] += 1
        return {slug: min(each, key=lambda name: (-each[name], name)) for slug, each in names.items()}

    def authors(self, *, public: bool) -> dict[str, Author]:
        """Return each author by slug, as all articles together or only those in public describe him."""
        return whole_authors(
            (datetime.fromisoformat(article.published_at), article.slug, author)
            for article in self.articles.values()
            if article.published or not public
            for author in article.authors
        )

    def sections(self, *, public: bool) -> dict[str, int]:
        """Return the number of articles in and below each folder."""
        paths = [article.slug for article in self.articles.values() if article.published or not public]
        return Counter(folder.as_posix() for path in paths for folder in list(PurePath(path).parents)[:-1])


def read_site(given: Path, now: datetime | None = None) -> Site:
    """Read the files below the given folder, which may be the site's folder or a part of it."""
    config = find_configuration(given)
    config.people = author_data(config)
    found_by = None if config.file is None else Path(os.path.relpath(config.file, given)).as_posix()
    site = Site(
        config.preset,
        found_by,
        config.title or config.host,
        config.host,
        config.base_url,
        config.zone_name or "UTC",
    )
    if config.preset == "hugo" and bad_patterns(config.settings):
        site.problems.add((str(found_by), "bad-config"))
    taken: set[str] = set()
    for file in content_files(given):
        read_into(site, config, given, file, now or datetime.now(UTC), taken)
    return site


def content_files(given: Path) -> list[Path]:
    """Return the Markdown files, sorted by path; hidden files and folders are passed over."""
    found = [path for path in given.rglob("*") if path.suffix in SUFFIXES and path.is_file()]
    visible = [
        path for path in found if not any(part.startswith(".") for part in path.relative_to(given).parts)
    ]
    return sorted(visible, key=lambda path: path.relative_to(given).as_posix())


def read_into(
    site: Site, config: Configuration, given: Path, file: Path, now: datetime, taken: set[str]
) -> None:
    path = file.relative_to(given).as_posix()
    if file.name.split(".")[0] in SPECIAL.split():
        site.special.add(path)
        return
    place = place_of(config, file)
    article: Article | None
    try:
        header = split_header(file.read_bytes(), config.preset == "pelican")
    except HeaderError as error:
        if place is None:
            site.outside.add(path)
        else:
            site.problems.add((path, str(error)))
        return
    if place is None and not is_native(header.keys):
        site.outside.add(path)
        return
    try:
        if place is None or is_native(header.keys):
            article = read_native(path, header.keys, file)
        else:
            site.problems |= {(path, code) for code in warnings(header, config)}
            article = read_mapped(path, place, config, header, now)
    except (HeaderError, DateError) as error:
        # `ambiguous-date` is a warning; without another date, the file is not served, which needs an error.
        code = "bad-date" if str(error) == "ambiguous-date" else str(error)
        site.problems.add((path, code))
        return
    if article is None and config.file is None and header.is_missing:
        # In a folder of no generator, every file is expected to have front matter.
        site.problems.add((path, "no-front-matter"))
    elif article is None:
        site.pages.add(path)
    elif article.slug in taken:
        site.problems.add((path, "duplicate-slug"))
    else:
        taken.add(article.slug)
        site.articles[path] = article


def is_native(keys: dict[str, Any]) -> bool:
    """Whether the file is written in our own words."""
    urls = any(key in keys for key in ("webUrl", "originalUrl", "sourceUrl"))
    return "publishedDateTime" in keys or (urls and not fields.has_date_key(keys))


def warnings(header: Header, config: Configuration) -> Iterator[str]:
    """Yield the warnings that follow from the header alone."""
    keys = {**header.keys, **(lower_keys(header.keys) if has_no_case(config) else {})}
    if header.repeated:
        yield "repeated-key"
    texts = [text for key in fields.TITLE + fields.EXCERPT if (text := text_of(fields.at(keys, key)))]
    texts += [name for key in fields.TOPICS for name in names(keys.get(key))]
    texts += names_written(keys)
    if any(unescape(text) != text for text in texts):
        yield "html-entity"
    if fields.unsafe_images(keys) or unsafe_urls(keys):
        yield "unsafe-url"
    for key in fields.DATE:
        if (value := text_of(keys.get(key))) and (key != "published" or fields.is_a_date(value)):
            try:
                read_date(value, config.zone)
            except DateError as error:
                if str(error) == "ambiguous-date":
                    yield "ambiguous-date"
            return


def names(value: Any) -> list[str]:
    return (
        [item for item in value if isinstance(item, str)] if isinstance(value, list) else [str(value or "")]
    )


def read_native(path: str, keys: dict[str, Any], file: Path) -> Article:
    """Read a file in our own words, its slug relative to the given folder. Raises DateError."""
    if not text_of(keys.get("title")) or not text_of(keys.get("publishedDateTime")):
        raise HeaderError("missing-key")
    when = read_date(keys["publishedDateTime"], UTC)
    provider = keys.get("provider") or {}
    domain = text_of(provider.get("domain"))
    original = text_of(keys.get("originalUrl")) or text_of(keys.get("sourceUrl"))
    found = fields.sources(keys.get("images"))
    published = text_of(keys.get("published"))
    modified = text_of(keys.get("modifiedDateTime"))
    return Article(
        is_native=True,
        path=path,
        slug=path.removesuffix(file.suffix),
        title=fields.decoded(keys["title"]),
        title_source="title",
        published_at=when.text,
        web_url=text_of(keys.get("webUrl")),
        original_url=original,
        topics=fields.topics({"topics": keys.get("topics")}, False),
        image=found[0] if found else None,
        excerpt=text_of(keys.get("excerpt")),
        excerpt_source="excerpt",
        published=published not in fields.FALSE
        and (text_of(keys.get("draft")) not in fields.TRUE or published in fields.TRUE),
        language=lower_code(text_of(keys.get("language"))),
        provider=(domain, text_of(provider.get("name")) or domain) if domain else None,
        authors=authors_of({"authors": keys.get("authors")}, {}, text_of(keys.get("webUrl"))),
        modified_at=read_date(modified, UTC).text if modified else None,
        group=None,
    )


def read_mapped(
    path: str, place: Place, config: Configuration, header: Header, now: datetime
) -> Article | None:
    """Read a file in the words of its generator, or return None for a page. Raises DateError."""
    keys = header.keys
    folded = has_no_case(config)
    if folded:
        keys = lower_keys(keys)
    if config.preset == "jekyll":
        keys = with_defaults(config, place, keys)
    when = fields.when_of(keys, place.inside, own_address(keys), config.zone, folded)
    if when is None:
        return None
    suffix = place.file.suffix
    name = place.below.removesuffix("/index").rsplit("/", 1)[-1]
    title, title_source = fields.title_of(keys, header.body, suffix, name)
    address = web_url(config, place, keys, when, title)
    excerpt, excerpt_source = fields.excerpt(keys, header.body, suffix)
    links = [text for key in fields.ORIGINAL if (text := text_of(keys.get(key.lower() if folded else key)))]
    original = links[0] if links and fields.is_safe(links[0]) else None
    hides = (hides_future(config), config.preset == "hugo")
    spoken = [text for key in ("lang", "language", "locale") if (text := text_of(keys.get(key)))]
    return Article(
        path=path,
        slug=place.slug,
        title=title,
        title_source=title_source,
        published_at=when.text,
        web_url=address,
        original_url=original,
        topics=fields.topics(keys, config.preset == "jekyll"),
        image=fields.image(keys, header.body, suffix, address, folded),
        excerpt=excerpt,
        excerpt_source=excerpt_source,
        published=fields.is_published(keys, when, place.inside, now, hides, config.zone),
        language=lower_code(spoken[0]) if spoken else place.language,
        provider=provider_of(config, keys, original),
        authors=authors_of(keys, config.people, address, folded),
        modified_at=fields.modified_at(keys, config.zone, folded),
        group=place.group,
    )


def lower_code(text: str | None) -> str | None:
    return text and text.replace("_", "-").lower()


def has_no_case(config: Configuration) -> bool:
    """Whether the generator reads `Title` and `title` as one key."""
    return config.preset in {"hugo", "pelican"}


def hides_future(config: Configuration) -> bool:
    if config.preset == "jekyll":
        return text_of(config.settings.get("future")) != "true"
    return config.preset == "hugo"


def provider_of(config: Configuration, keys: dict[str, Any], original: str | None) -> tuple[str, str] | None:
    """The site itself; a link post has the host of its link, named by `source` or `publisher`."""
    if original and (host := urlsplit(original).hostname):
        return host, text_of(keys.get("source")) or text_of(keys.get("publisher")) or host
    return (config.host, config.title or config.host) if config.host else None
