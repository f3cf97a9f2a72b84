"""The related coverage of one article."""

from gqlnews.content.codes import Code
from gqlnews.content.coverage import DEFAULT_TYPE, Reading, Urls, images_of, provider_of, urls_of
from gqlnews.content.findings import Place
from gqlnews.content.records import Related
from gqlnews.content.shapes import RawRelated
from gqlnews.instants import Instant, parse_instant


def related_of(raw: list[RawRelated] | None, own: Urls, reading: Reading) -> tuple[Related, ...]:
    """The entries in file order; a broken one is left out, one that repeats or names its own article is not."""
    if not raw:
        return ()
    own_urls = {own.web, own.original, own.amp, own.cdn_amp}
    listed: set[str] = set()
    entries = []
    for index, each in enumerate(raw):
        place = ("related", index)
        urls = urls_of(each, place, reading)
        entry = _entry(each, urls, place, reading)
        if entry is None:
            continue
        if entry.url in own_urls:
            reading.found(
                (*place, urls.key), Code.SELF_RELATED, "This is the article's own URL: delete the entry."
            )
        if entry.url in listed:
            reading.found(
                (*place, urls.key),
                Code.RELATED_TWICE,
                "An entry before this one has the same URL: delete one.",
            )
        listed.add(entry.url)
        entries.append(entry)
    return tuple(entries)


def _entry(raw: RawRelated, urls: Urls, place: Place, reading: Reading) -> Related | None:
    if not raw.title or raw.title.isspace():
        return _left_out(place, "`title`", reading)
    if urls.url is None:
        return _left_out(place, "`webUrl` or `originalUrl`", reading)
    published = parse_instant(raw.published_date_time) if raw.published_date_time is not None else None
    if published is None and raw.published_date_time is not None:
        message = f"A related entry is left out: `{raw.published_date_time}` is no date such as `2021-04-15T13:00:00Z`."
        reading.found((*place, "publishedDateTime"), Code.LEFT_OUT, message)
        return None
    return _related(raw, urls, published, place, reading)


def _left_out(place: Place, missing: str, reading: Reading) -> None:
    reading.found(
        place, Code.LEFT_OUT, f"A related entry without {missing} is left out: give it one, or delete it."
    )


def _related(
    raw: RawRelated, urls: Urls, published: Instant | None, place: Place, reading: Reading
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
        provider=provider_of(raw.provider, place, reading),
        images=images_of(raw.images, place, reading),
    )
