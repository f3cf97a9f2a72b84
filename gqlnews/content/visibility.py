"""Hide articles before their date and after they expire, at the time of the ingest.

The result contains when it changes: the ingest parses the file again at that instant.
"""

import time

import msgspec

from gqlnews.content.models import ParsedArticle
from gqlnews.content.presets.site import PublicationWindow
from gqlnews.timestamps import from_epoch_ns


def apply_visibility(
    article: ParsedArticle, visibility: PublicationWindow, now_ns: int | None
) -> ParsedArticle:
    """Return the article as it is visible now; `due` is when that changes, None for never."""
    now = from_epoch_ns(time.time_ns() if now_ns is None else now_ns).key
    published = _is_published(visibility, now)
    limits = [each for each in (visibility.visible_from, visibility.visible_until) if each is not None]
    changes = [each for each in limits if each > now and _is_published(visibility, each) != published]
    return msgspec.structs.replace(article, published=published, due=min(changes, default=None))


def _is_published(visibility: PublicationWindow, at: str) -> bool:
    """Return whether the article is published at an instant, a sort key."""
    begin, end = visibility.visible_from, visibility.visible_until
    return visibility.published and (begin is None or at >= begin) and (end is None or at < end)
