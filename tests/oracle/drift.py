"""Drift: where a related entry's summary differs from its article."""

from __future__ import annotations

from dataclasses import dataclass

from .records import Article, Entry


@dataclass(frozen=True)
class Drift:
    field: str
    listed: str | None
    stored: str | None


def drift(entry: Entry, article: Article | None) -> list[Drift]:
    """Return each difference of a value in the summary, in the order of the contract."""
    if article is None:
        return []
    found: list[Drift] = []
    if entry.title != article.title:
        found.append(Drift("title", entry.title, article.title))
    if entry.excerpt is not None and entry.excerpt != article.excerpt:
        found.append(Drift("excerpt", entry.excerpt, article.excerpt))
    if entry.published is not None and entry.published.nanoseconds != article.published.nanoseconds:
        found.append(Drift("publishedDateTime", entry.published.text, article.published.text))
    if entry.quality is not None and entry.quality != article.quality:
        found.append(Drift("quality", str(entry.quality), number_text(article.quality)))
    return found


def number_text(value: int | None) -> str | None:
    return None if value is None else str(value)
