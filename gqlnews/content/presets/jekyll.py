"""Jekyll: https://jekyllrb.com/docs/configuration/ and https://jekyllrb.com/docs/permalinks/."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec

from gqlnews.content.presets.permalinks import expand
from gqlnews.content.presets.settings import SiteSettings
from gqlnews.content.presets.site import AddressFacts, ContentSite, FrontMatterDefault, Place, to_address

_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_POSTS = re.compile(r"(?:^|/)_(?:posts|drafts)$")
_POSTS_FOLDER = re.compile(r"(?:^|(?<=/))_posts/")
_OLD_TYPES = {"post": "posts", "page": "pages", "draft": "drafts"}


def configure(settings: SiteSettings) -> ContentSite:
    """Build the site from Jekyll's configuration."""
    source = (settings.text("source") or "").strip("./")
    base = f"{source}/" if source else ""
    style = settings.text("permalink")
    pattern = _STYLES.get(style or "date") or settings.pattern("permalink") or _STYLES["date"]
    collections = tuple(_collections(settings, _suffix(style or "date", pattern)))
    folder = (settings.text("collections_dir") or "").strip("./")
    below = f"{base}{folder}/" if folder else base
    url, path = settings.text("url") or "", (settings.text("baseurl") or "").rstrip("/")
    return ContentSite(
        preset="jekyll",
        roots=(
            f"{base}**/_posts",
            f"{base}**/_drafts",
            *(f"{below}_{label}" for label, _ in collections),
        ),
        common=source,
        base_url=url.rstrip("/") + (f"/{path.lstrip('/')}" if path else "") or None,
        title=settings.text("title"),
        time_zone=settings.time_zone("timezone"),
        hides_future=not settings.flag("future"),
        permalinks=(("", pattern),),
        collections=collections,
        defaults=tuple(_defaults(settings)),
        language=settings.text("lang"),
    )


def _collections(settings: SiteSettings, suffix: str) -> Iterator[tuple[str, str]]:
    """Yield label and pattern of the collections that Jekyll writes."""
    collections = settings.table("collections")
    for label in collections:
        collection = collections.table(label)
        if collection.flag("output") and label != "posts":
            yield label, collection.pattern("permalink") or f"/:collection/:path{suffix}"


def _suffix(style: str, pattern: str) -> str:
    """Return the end of the default pattern of collections, which is that of the posts' pattern."""
    if style in _STYLES and style not in {"pretty", "weekdate"}:
        return ":output_ext"
    return "/" if pattern.endswith("/") else ":output_ext" if pattern.endswith(":output_ext") else ""


def _defaults(settings: SiteSettings) -> Iterator[FrontMatterDefault]:
    for entry in settings.tables("defaults"):
        scope, values = entry.table("scope"), entry.table("values")
        kind = scope.text("type") or ""
        yield FrontMatterDefault(
            (scope.text("path") or "").strip("/"),
            _OLD_TYPES.get(kind, kind),
            msgspec.json.encode(values.values).decode(),
        )


# Addresses.


def address(site: ContentSite, page: AddressFacts) -> str:
    """Return the address of a post, or of an article in a collection."""
    label = PurePosixPath(page.place.root).name.removeprefix("_")
    patterns = dict(site.permalinks if _is_post(page.place) else site.collections)
    pattern = patterns["" if _is_post(page.place) else label]
    return to_address(expand(pattern, site, page))


def _is_post(place: Place) -> bool:
    return _POSTS.search(place.root) is not None


def trim(stem: str) -> str:
    """Remove the folder `_posts` from a slug."""
    return _POSTS_FOLDER.sub("", stem)


def folder_categories(site: ContentSite, place: Place) -> tuple[str, ...]:
    """Return the folders above `_posts`, which are categories of the address."""
    if not _is_post(place):
        return ()
    parts = place.root[len(site.common) :].strip("/").split("/")[:-1]
    return tuple(parts)


# Defaults of the front matter.


def default_values(site: ContentSite, place: Place, extension: str) -> dict[str, Any]:
    """Return the default front matter of an article: of several values, that of the longest path counts."""
    path = f"{place.path[len(site.common) :].strip('/')}{extension}"
    kind = PurePosixPath(place.root).name.removeprefix("_")
    matching = [each for each in site.defaults if _applies(each, path, kind)]
    matching.sort(key=lambda each: (len(each.path), bool(each.type)))
    values: dict[str, Any] = {}
    for each in matching:
        values = _merge(values, msgspec.json.decode(each.values))
    return values


def _applies(default: FrontMatterDefault, path: str, kind: str) -> bool:
    if default.type and default.type != kind:
        return False
    if not default.path or path == default.path or path.startswith(f"{default.path}/"):
        return True
    if "*" not in default.path:
        return False
    pattern = re.escape(default.path).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return re.match(f"{pattern}(?:/|$)", path) is not None


def _merge(values: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, other in others.items():
        old = merged.get(key)
        merged[key] = _merge(old, other) if isinstance(old, dict) and isinstance(other, dict) else other
    return merged
