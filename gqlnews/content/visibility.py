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
    limits = [each for each in (visibility.visible_from, visibility.visible_until) if each is not None]
    is_early = visibility.visible_from is not None and now < visibility.visible_from
    is_late = visibility.visible_until is not None and now >= visibility.visible_until
    return msgspec.structs.replace(
        article,
        published=visibility.published and not is_early and not is_late,
        due=min((each for each in limits if each > now), default=None) if visibility.published else None,
    )
