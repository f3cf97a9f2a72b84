"""Sites for tests, and files of them parsed as an ingest parses them."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from gqlnews.content.models import ContentProblem, ParsedArticle, ParseOptions
from gqlnews.content.parse_file import parse_article
from gqlnews.content.presets import hugo, jekyll
from gqlnews.content.presets.generators import DEFAULT_SITES, configure_astro, configure_zola
from gqlnews.content.presets.settings import SiteSettings
from gqlnews.content.presets.site import ContentSite
from gqlnews.timestamps import to_epoch_seconds

_CONFIGURE = {
    "hugo": hugo.configure,
    "jekyll": jekyll.configure,
    "zola": configure_zola,
    "astro": configure_astro,
}


def site(preset: str, config: Mapping[str, Any] | None = None, /, **changes: Any) -> ContentSite:
    """Return the site of a configuration, with some fields changed."""
    found = _CONFIGURE[preset](SiteSettings(config)) if config is not None else DEFAULT_SITES[preset]
    return msgspec.structs.replace(found, **changes)


def parse(
    text: str, of: ContentSite | str = "generic", path: str = "2021-04-15-launch.md", now: str | None = None
) -> tuple[ParsedArticle | None, tuple[ContentProblem, ...]]:
    """Parse a file of a site, at the time `now`."""
    own = of if isinstance(of, ContentSite) else site(of)
    now_ns = None if now is None else int(to_epoch_seconds(now) * 1_000_000_000)
    return parse_article(path, text.encode(), ParseOptions(sites=(own,), now_ns=now_ns))


def read(
    text: str, of: ContentSite | str = "generic", path: str = "2021-04-15-launch.md", now: str | None = None
) -> ParsedArticle:
    """Parse a file that has no problem."""
    article, problems = parse(text, of, path, now)
    assert problems == ()
    assert article is not None
    return article


def codes(
    text: str, of: ContentSite | str = "generic", path: str = "2021-04-15-launch.md"
) -> list[tuple[str, int | None]]:
    """Return code and line of each problem."""
    return [(problem.code, problem.line) for problem in parse(text, of, path)[1]]


def yaml(body: str = "", /, **keys: Any) -> str:
    """Return a file with this front matter."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(["---", *lines, "---", body])


def images(article: ParsedArticle) -> list[dict[str, Any]]:
    """Return the images without what is null."""
    found: list[dict[str, Any]] = json.loads(article.images)
    return [{key: value for key, value in each.items() if value not in {None, False}} for each in found]


def urls(article: ParsedArticle) -> list[str]:
    return [image["url"] for image in images(article)]
