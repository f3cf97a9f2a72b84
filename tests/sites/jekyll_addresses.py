"""Addresses of Jekyll: posts, collections, and the defaults of the configuration."""

from __future__ import annotations

import fnmatch
import re
from typing import Any
from urllib.parse import quote

from .configuration import Configuration, text_of
from .dates import When
from .places import Place

STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
DATED = re.compile(r"^(?:\d{4}-\d{1,2}-\d{1,2})-(?P<slug>.*)$")


def kind_of(place: Place) -> str:
    """Return `posts`, `drafts` or the label of a collection."""
    return place.root.rsplit("/", 1)[-1].removeprefix("_")


def with_defaults(config: Configuration, place: Place, keys: dict[str, Any]) -> dict[str, Any]:
    """Add the values of `defaults` in the configuration whose scope holds: longer paths, named types win."""
    merged: dict[str, Any] = {}
    last: dict[str, Any] | None = None
    path = place.inside + place.file.suffix
    for rule in config.settings.get("defaults") or []:
        scope = rule.get("scope") or {}
        if not in_scope(scope, path, kind_of(place)):
            continue
        values = rule.get("values") or {}
        merged = {**merged, **values} if wins(last, scope) else {**values, **merged}
        last = scope if wins(last, scope) else last
    return {**merged, **{key: value for key, value in keys.items() if value is not None or key not in merged}}


def in_scope(scope: dict[str, Any], path: str, kind: str) -> bool:
    folder = text_of(scope.get("path")) or ""
    matches = (
        fnmatch.fnmatch(path, folder)
        if "*" in folder
        else path == folder or path.startswith(f"{folder}/".lstrip("/"))
    )
    wanted = text_of(scope.get("type"))
    return matches and wanted in (None, kind)


def wins(last: dict[str, Any] | None, scope: dict[str, Any]) -> bool:
    if last is None:
        return True
    old, new = text_of(last.get("path")) or "", text_of(scope.get("path")) or ""
    if len(old) != len(new):
        return len(new) > len(old)
    return "type" in scope or "type" not in last


def jekyll_address(
    config: Configuration, place: Place, keys: dict[str, Any], when: When, own: str | None = None
) -> str:
    kind = kind_of(place)
    name = place.below.rsplit("/", 1)[-1]
    dated = DATED.match(name)
    slug = text_of(keys.get("slug")) or (dated["slug"] if dated else name)
    local = when.local.astimezone(config.zone)  # Jekyll converts every date to the zone of the site
    values = {
        "categories": "/".join(categories(place, keys)),
        "collection": kind,
        "path": place.below,
        "name": slugify(name),
        "title": slugify(slug, pretty=True),
        "slug": slugify(slug),
        "output_ext": ".html",
        "year": f"{local:%Y}",
        "month": f"{local:%m}",
        "day": f"{local:%d}",
        "hour": f"{local:%H}",
        "minute": f"{local:%M}",
        "second": f"{local:%S}",
        "i_day": str(local.day),
        "i_month": str(local.month),
        "short_month": f"{local:%b}",
        "long_month": f"{local:%B}",
        "short_year": f"{local:%y}",
        "w_year": f"{local:%G}",
        "week": f"{local:%V}",
        "w_day": f"{local:%u}",
        "short_day": f"{local:%a}",
        "long_day": f"{local:%A}",
        "y_day": f"{local:%j}",
    }
    template = own or template_of(config, kind)
    names = "|".join(sorted(values, key=lambda name: -len(name)))
    path = re.sub(rf":({names})", lambda found: quote(values[found[1]], safe="/~!$&'()*+,;=:@"), template)
    return "/" + re.sub(r"/{2,}", "/", path).lstrip("/")


def template_of(config: Configuration, kind: str) -> str:
    """Return the pattern: the collection's, else the site's; collections take only the ending of that."""
    collections = config.settings.get("collections") or {}
    settings = collections.get(kind) if isinstance(collections, dict) else None
    style = text_of(config.settings.get("permalink")) or "date"
    if isinstance(settings, dict) and (own := text_of(settings.get("permalink"))):
        return STYLES.get(own, own)
    if kind in {"posts", "drafts"}:
        return STYLES.get(style, style)
    if style == "pretty" or style.endswith("/"):
        return "/:collection/:path/"
    return "/:collection/:path:output_ext"


def categories(place: Place, keys: dict[str, Any]) -> list[str]:
    """Return the folders above `_posts`, then the file's own categories; in lower case, each once."""
    found = place.root.split("/")[:-1] if kind_of(place) in {"posts", "drafts"} else []
    for key in ("categories", "category"):
        value = keys.get(key)
        if isinstance(value, list):
            found += [str(item) for item in value if item is not None]
        elif isinstance(value, str):
            found += value.split() if key == "categories" else [value]
    return list(dict.fromkeys(category.lower() for category in found if category))


def slugify(text: str, pretty: bool = False) -> str:
    """Replace runs of other characters with a hyphen; `pretty` keeps case and what a URL may hold."""
    others = r"[^\w.~!$&'()+,;=@]+" if pretty else r"[\W_]+"
    slug = re.sub(r"^-|-$", "", re.sub(others, "-", text))
    return slug if pretty else slug.lower()
