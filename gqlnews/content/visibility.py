"""Hide articles before their date and after they expire, at the time of the ingest.

The result contains when it changes: the ingest shows or hides the article then.
"""

import time
from typing import Any

import msgspec

from gqlnews.content.models import ParsedArticle
from gqlnews.content.presets.site import PublicationWindow
from gqlnews.timestamps import from_epoch_ns


def apply_visibility(
    article: ParsedArticle, visibility: PublicationWindow, now_ns: int | None, **others: Any
) -> ParsedArticle:
    """Return the article as it is visible now, when that changes, and with these values of other fields."""
    now = from_epoch_ns(time.time_ns() if now_ns is None else now_ns).key
    begin, end = visibility.visible_from, visibility.visible_until
    if not visibility.published or (begin is not None and end is not None and end <= begin):
        return msgspec.structs.replace(article, published=False, **others)
    due, due_after, *_ = (
        *sorted(each for each in (begin, end) if each is not None and each > now),
        None,
        None,
    )
    published = (begin is None or now >= begin) and (end is None or now < end)
    return msgspec.structs.replace(article, published=published, due=due, due_after=due_after, **others)
