"""The dates of a mapped file, and from when until when its article is public."""

import re
from typing import NamedTuple

from gqlnews.content import mapping
from gqlnews.content.dates import DateFault, WrittenDate, date_in_path, from_day, parse_date, split_name
from gqlnews.content.diagnostics import ProblemCode, quote
from gqlnews.content.map_values import scalar_text
from gqlnews.content.mapper import Mapper
from gqlnews.content.presets.addresses import language_of
from gqlnews.content.presets.permalinks import file_name
from gqlnews.content.presets.site import AddressFacts, PublicationWindow
from gqlnews.content.yaml_strict import Node, parse_bool

_HIDDEN_STATUS = frozenset({"draft", "hidden"})
_DRAFTS = re.compile(r"(?:^|/)_drafts/")
_ELEVENTY_DATES = frozenset({"last modified", "created", "git last modified", "git created"})


class ArticleDate(NamedTuple):
    """Date of an article; None if its file has one that cannot be used, which is reported."""

    date: WrittenDate | None


def find_date(mapper: Mapper) -> ArticleDate | None:
    """Return the date of an article; None if the file has none at all."""
    ambiguous: Node | None = None
    for key, node in mapper.find_field(mapping.DATE):
        text = scalar_text(node)
        if (key == "published" and not mapping.looks_like_date(text)) or _is_keyword(mapper, text):
            continue
        date = parse_date(text or "", mapper.zone)
        mapper.use(key, node, "publishedDateTime")
        if isinstance(date, WrittenDate):
            return ArticleDate(date)
        _report_date(mapper, node, key, date)
        if date is DateFault.UNKNOWN:
            return ArticleDate(None)
        ambiguous = ambiguous or node
    found = _date_of_name(mapper) or _date_of_path(mapper)
    if found is None and ambiguous is not None:
        message = "No other source dates this article: write its date as `2021-04-15`."
        mapper.report(ambiguous, ProblemCode.BAD_DATE, message)
    return None if found is None and ambiguous is None else ArticleDate(found)


def _is_keyword(mapper: Mapper, text: str | None) -> bool:
    """Return whether a date of Eleventy is one of its words for the time of the file."""
    return mapper.site.preset == "eleventy" and (text or "").lower() in _ELEVENTY_DATES


def _report_date(mapper: Mapper, node: Node, key: str, fault: DateFault) -> None:
    text = quote(scalar_text(node) or "")
    if fault is DateFault.AMBIGUOUS:
        message = (
            f"`{key}` is `{text}`, which may be day/month or month/day: write a date such as `2021-04-15`."
        )
        mapper.report(node, ProblemCode.AMBIGUOUS_DATE, message)
    else:
        message = f"`{text}` is not a date: write one such as `2021-04-15T13:00:00Z` or `2021-04-15`."
        mapper.report(node, ProblemCode.BAD_DATE, message)


def _date_of_name(mapper: Mapper) -> WrittenDate | None:
    day = split_name(file_name(mapper.place)).day
    return None if day is None else from_day(*day, mapper.zone)


def _date_of_path(mapper: Mapper) -> WrittenDate | None:
    for key, node in mapper.find("path", "permalink"):
        date = date_in_path(scalar_text(node) or "", mapper.zone)
        if date is not None:
            mapper.use(key, node, "publishedDateTime")
            return date
    return date_in_path(mapper.place.path, mapper.zone)


def find_modified(mapper: Mapper) -> WrittenDate | None:
    for key, node in mapper.find_field(mapping.MODIFIED):
        date = parse_date(scalar_text(node) or "", mapper.zone)
        if isinstance(date, WrittenDate):
            mapper.use(key, node)
            return date
    return None


def find_publication_window(
    mapper: Mapper, page: AddressFacts, date: WrittenDate | None
) -> PublicationWindow:
    site = mapper.site
    published = (
        _find_flag(mapper, "draft") is not True
        and _find_flag(mapper, "published") is not False
        and not _has_hidden_status(mapper)
        and _DRAFTS.search(mapper.place.path) is None
        and language_of(site, page) not in site.disabled_languages
    )
    visible_from = _future_date(mapper, date) if site.hides_future else None
    visible_until = _expiry_date(mapper) if site.hides_expired else None
    return PublicationWindow(
        published,
        visible_from.instant.key if visible_from else None,
        visible_until.instant.key if visible_until else None,
    )


def _find_flag(mapper: Mapper, key: str) -> bool | None:
    """Return a boolean; any other value is an error, because it may mean that the article is hidden."""
    for _, node in mapper.find(key):
        text = scalar_text(node)
        if key == "published" and mapping.looks_like_date(text):
            continue
        mapper.use(key, node, *((key,) if key == "published" else ()))
        flag = parse_bool(text or "")
        if flag is None:
            mapper.report(
                node, ProblemCode.WRONG_TYPE, f"`{key}` must be true or false, not `{quote(text or '')}`."
            )
        return flag
    return None


def _has_hidden_status(mapper: Mapper) -> bool:
    for key, node in mapper.find("status"):
        if (scalar_text(node) or "").lower() in _HIDDEN_STATUS:
            mapper.use(key, node, "published")
            return True
    return False


def _future_date(mapper: Mapper, date: WrittenDate | None) -> WrittenDate | None:
    if mapper.site.preset != "hugo":
        return date
    for key, node in mapper.find(*mapping.HUGO_FUTURE_KEYS):
        other = parse_date(scalar_text(node) or "", mapper.zone)
        if isinstance(other, WrittenDate):
            mapper.use(key, node)
            return other
        is_reported = any(each.offset == node.offset for each in mapper.diagnostics)
        if key != "published" and not is_reported:  # it may mean that the article is hidden
            _report_date(mapper, node, key, DateFault.UNKNOWN)
    return date


def _expiry_date(mapper: Mapper) -> WrittenDate | None:
    """Return when the article expires; any other value is an error, because it may mean that it is hidden."""
    for key, node in mapper.find(*mapping.EXPIRY_KEYS):
        mapper.use(key, node)
        date = parse_date(scalar_text(node) or "", mapper.zone)
        if isinstance(date, WrittenDate):
            return date
        _report_date(mapper, node, key, DateFault.UNKNOWN)
    return None
