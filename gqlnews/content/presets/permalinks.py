"""Permalink patterns: the placeholders of Hugo and Jekyll, such as `/:year/:month/:title/`."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath

from gqlnews.content.dates import split_name
from gqlnews.content.presets.site import AddressFacts, ContentSite, Place, drop_index, slugify

Placeholder = Callable[[ContentSite, AddressFacts], str]

_PLACEHOLDER = re.compile(r":(\w+)(?:\[(\w*+)(?:(:)(\w*+))?\])?", re.ASCII)
_NOT_IN_JEKYLL_TITLE = re.compile(r"[^\w.~!$&'()+,;=@]+")
_HUGO_PUNCTUATION = frozenset("./\\_#+~@%-")
_PLAIN_PATH = re.compile(r"[\w./-]+", re.ASCII)
_SPACES = re.compile(r"\s*-\s*|\s+")
_ESCAPED_COLON = "\\:"
_NO_COLON = "\x00"


def hugo_path(site: ContentSite, text: str) -> str:
    """Sanitize a path as Hugo does: hyphens for spaces, no punctuation, and lower case by default."""
    if _PLAIN_PATH.fullmatch(text):
        return text if site.keeps_case else text.lower()
    allowed = (
        each
        for each in text.strip()
        if each.isalnum()
        or each.isspace()
        or each in _HUGO_PUNCTUATION
        or unicodedata.category(each).startswith("M")
    )
    path = _SPACES.sub("-", "".join(allowed))
    return path if site.keeps_case else path.lower()


def jekyll_title(text: str) -> str:
    """Make a path segment as Jekyll does for `:title`, which keeps the case and some punctuation."""
    return _NOT_IN_JEKYLL_TITLE.sub("-", text).removeprefix("-").removesuffix("-")


def file_name(place: Place) -> str:
    """Return the name of an article without its date; for `post/index`, that is `post`."""
    return drop_index(place.rest).rpartition("/")[2]


def sections(place: Place) -> list[str]:
    """Return the folders between the content root and the article."""
    return drop_index(place.rest).split("/")[:-1]


def _slug(page: AddressFacts) -> str:
    return page.slug or split_name(file_name(page.place)).rest


def _title(site: ContentSite, page: AddressFacts) -> str:
    return jekyll_title(_slug(page)) if site.preset == "jekyll" else hugo_path(site, page.title)


def _slug_else_title(site: ContentSite, page: AddressFacts) -> str:
    if site.preset == "jekyll":
        return slugify(_slug(page))
    return hugo_path(site, page.slug or page.title)


def _slug_else_filename(site: ContentSite, page: AddressFacts) -> str:
    return hugo_path(site, page.slug or file_name(page.place))


def _categories(site: ContentSite, page: AddressFacts) -> str:
    return "/".join(dict.fromkeys(category.lower() for category in page.categories))


def _slugified_categories(site: ContentSite, page: AddressFacts) -> str:
    return "/".join(dict.fromkeys(slugify(category) for category in page.categories))


def _collection(site: ContentSite, page: AddressFacts) -> str:
    return PurePosixPath(page.place.root).name.removeprefix("_")


def _strftime(pattern: str) -> Placeholder:
    return lambda site, page: page.date.strftime(pattern)


def _upper(pattern: str) -> Placeholder:
    return lambda site, page: page.date.strftime(pattern).upper()


PLACEHOLDERS: dict[str, Placeholder] = {
    "year": lambda site, page: f"{page.date.year:04}",
    "short_year": lambda site, page: f"{page.date.year % 100:02}",
    "month": lambda site, page: f"{page.date.month:02}",
    "i_month": lambda site, page: str(page.date.month),
    "short_month": _upper("%b"),
    "long_month": _strftime("%B"),
    "monthname": _strftime("%B"),
    "day": lambda site, page: f"{page.date.day:02}",
    "i_day": lambda site, page: str(page.date.day),
    "y_day": _strftime("%j"),
    "yearday": lambda site, page: str(page.date.timetuple().tm_yday),
    "w_year": lambda site, page: str(page.date.isocalendar().year),
    "week": lambda site, page: f"{page.date.isocalendar().week:02}",
    "w_day": lambda site, page: str(page.date.isoweekday()),
    "weekday": lambda site, page: str(page.date.isoweekday() % 7),
    "short_day": _upper("%a"),
    "long_day": _strftime("%A"),
    "weekdayname": _strftime("%A"),
    "hour": lambda site, page: f"{page.date.hour:02}",
    "minute": lambda site, page: f"{page.date.minute:02}",
    "second": lambda site, page: f"{page.date.second:02}",
    "title": _title,
    "slug": _slug_else_title,
    "slugorfilename": _slug_else_filename,
    "slugorcontentbasename": _slug_else_filename,
    "filename": lambda site, page: hugo_path(site, file_name(page.place)),
    "contentbasename": lambda site, page: hugo_path(site, file_name(page.place)),
    "basename": lambda site, page: file_name(page.place),
    "name": lambda site, page: slugify(split_name(file_name(page.place)).rest),
    "categories": _categories,
    "slugified_categories": _slugified_categories,
    "category": lambda site, page: slugify(page.categories[0]) if page.categories else "",
    "collection": _collection,
    "path": lambda site, page: page.place.rest,
    "section": lambda site, page: hugo_path(site, "/".join(sections(page.place)[:1])),
    "sections": lambda site, page: hugo_path(site, "/".join(sections(page.place))),
    "sectionslug": lambda site, page: hugo_path(site, "/".join(sections(page.place)[:1])),
    "sectionslugs": lambda site, page: hugo_path(site, "/".join(sections(page.place))),
    "output_ext": lambda site, page: ".html",
}
"""All known placeholders. Some have the same name and another meaning in Hugo and in Jekyll."""

_SLICED = frozenset({"sections", "sectionslugs"})


def unknown_placeholders(pattern: str) -> list[str]:
    """Return the placeholders of a pattern that are not known."""
    found = _PLACEHOLDER.finditer(pattern.replace(_ESCAPED_COLON, _NO_COLON))
    return [match[0] for match in found if match[1] not in PLACEHOLDERS]


def expand(pattern: str, site: ContentSite, page: AddressFacts) -> str:
    """Replace the placeholders of a pattern, all of which must be known."""

    def replace(match: re.Match[str]) -> str:
        name, first, colon, last = match.groups()
        if first is None or name not in _SLICED:
            return PLACEHOLDERS[name](site, page) + match[0][len(name) + 1 :]
        return hugo_path(site, "/".join(_slice(sections(page.place), first, colon, last)))

    path = _PLACEHOLDER.sub(replace, pattern.replace(_ESCAPED_COLON, _NO_COLON))
    return path.replace(_NO_COLON, ":")


def _slice(parts: list[str], first: str, colon: str | None, last: str | None) -> list[str]:
    """Return the sections of `:sections[1:]`, `:sections[0]`, `:sections[last]` and the like."""
    start = _index(first, parts, 0)
    return parts[start : _index(last or "", parts, len(parts))] if colon else parts[start : start + 1]


def _index(text: str, parts: list[str], default: int) -> int:
    if text == "last":
        return max(len(parts) - 1, 0)
    return int(text) if text.isdigit() else default
