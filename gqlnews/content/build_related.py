"""Build the related coverage of one article."""

from gqlnews.content.build_common import (
    DEFAULT_TYPE,
    ParseContext,
    ResolvedUrls,
    build_provider,
    encode_images,
    resolve_urls,
)
from gqlnews.content.diagnostics import FieldPath
from gqlnews.content.models import Related
from gqlnews.content.problem_codes import ProblemCode
from gqlnews.content.raw_models import RawRelated
from gqlnews.timestamps import Instant, parse_instant

_LACKS = "A related entry without {} is left out: give it one, or delete it."
_NO_DATE = "A related entry is left out: `{:.40}` is no date such as `2021-04-15T13:00:00Z`."


def build_related(
    raw: list[RawRelated] | None, own: ResolvedUrls, reading: ParseContext
) -> tuple[Related, ...]:
    """Build the valid entries in file order; repeats and self-references stay, with a warning."""
    if not raw:
        return ()
    own_urls = {own.web, own.original, own.amp, own.cdn_amp}
    listed: set[str] = set()
    entries = []
    for index, each in enumerate(raw):
        place = ("related", index)
        urls = resolve_urls(each, place, reading)
        entry = _entry(each, urls, place, reading)
        if entry is None:
            continue
        if entry.url in own_urls:
            reading.found(
                (*place, urls.key),
                ProblemCode.SELF_RELATED,
                "This is the article's own URL: delete the entry.",
            )
        if entry.url in listed:
            reading.found(
                (*place, urls.key),
                ProblemCode.RELATED_TWICE,
                "An entry before this one has the same URL: delete one.",
            )
        listed.add(entry.url)
        entries.append(entry)
    return tuple(entries)


def _entry(raw: RawRelated, urls: ResolvedUrls, place: FieldPath, reading: ParseContext) -> Related | None:
    if not raw.title or raw.title.isspace():
        reading.found(place, ProblemCode.LEFT_OUT, _LACKS.format("`title`"))
        return None
    if urls.url is None:
        reading.found(place, ProblemCode.LEFT_OUT, _LACKS.format("`webUrl` or `originalUrl`"))
        return None
    published = parse_instant(raw.published_date_time) if raw.published_date_time is not None else None
    if published is None and raw.published_date_time is not None:
        message = _NO_DATE.format(raw.published_date_time)
        reading.found((*place, "publishedDateTime"), ProblemCode.LEFT_OUT, message)
        return None
    return _related(raw, urls, published, place, reading)


def _related(
    raw: RawRelated, urls: ResolvedUrls, published: Instant | None, place: FieldPath, reading: ParseContext
) -> Related | None:
    return Related(
        title=raw.title or "",
        excerpt=raw.excerpt,
        url=urls.url or "",
        web_url=urls.web,
        original_url=urls.original,
        amp_web_url=urls.amp,
        cdn_amp_web_url=urls.cdn_amp,
        published_at=published.key if published else None,
        published_date_time=published.text if published else None,
        type=DEFAULT_TYPE if raw.type is None else raw.type,
        quality=raw.quality,
        provider=build_provider(raw.provider, place, reading),
        images=encode_images(raw.images, place, reading),
    )
