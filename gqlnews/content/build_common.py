"""Build what articles and related entries have in common: URLs, images and provider."""

from dataclasses import dataclass, field

import msgspec

from gqlnews.content.diagnostics import Diagnostic, FieldPath
from gqlnews.content.models import ParseOptions, Provider
from gqlnews.content.problem_codes import ProblemCode
from gqlnews.content.raw_models import RawCoverage, RawImage, RawProvider
from gqlnews.content.urls import normalize_url

AS_JSON = msgspec.json.Encoder()
_NO_IMAGES = "[]"
DEFAULT_TYPE = "article"


class Image(msgspec.Struct, rename="camel", gc=False):
    """Image as the API returns it."""

    url: str
    width: int | None
    height: int | None
    title: str | None
    attribution: str | None
    is_cached: bool


@dataclass(slots=True)
class ParseContext:
    """Parse context of one file: the options and the findings so far."""

    options: ParseOptions
    findings: list[Diagnostic] = field(default_factory=list)

    def found(self, place: FieldPath, code: ProblemCode, message: str) -> None:
        """Add a finding."""
        self.findings.append(Diagnostic(place, code, message))


@dataclass(slots=True)
class ResolvedUrls:
    """Resolved URLs; `url` is the page to open and `key` the front matter key that it comes from."""

    web: str | None
    original: str | None
    amp: str | None
    cdn_amp: str | None
    url: str | None
    key: str


def resolve_urls(raw: RawCoverage, place: FieldPath, reading: ParseContext) -> ResolvedUrls:
    """Resolve the URLs, preferring current keys over legacy ones; `url` is None if there is no page."""
    source = _url(raw.source_url, place, "sourceUrl", reading)
    own_web = _url(raw.web_url, place, "webUrl", reading)
    original = _url(raw.original_url, place, "originalUrl", reading) or source
    web = own_web or source
    return ResolvedUrls(
        web=web,
        original=original,
        amp=_url(raw.amp_web_url, place, "ampWebUrl", reading) or _url(raw.amp_url, place, "ampUrl", reading),
        cdn_amp=_url(raw.cdn_amp_web_url, place, "cdnAmpWebUrl", reading)
        or _url(raw.cdn_amp_url, place, "cdnAmpUrl", reading),
        url=web or original,
        key="webUrl" if own_web else "sourceUrl" if source else "originalUrl",
    )


def encode_images(raw: list[RawImage] | None, place: FieldPath, reading: ParseContext) -> str:
    """Encode the images as JSON text, without those that have no URL."""
    if not raw:
        return _NO_IMAGES
    images = []
    for index, each in enumerate(raw):
        at = (*place, "images", index)
        url = _url(each.url, at, "url", reading)
        if url is None:
            reading.found(
                at, ProblemCode.LEFT_OUT, "An image without `url` is left out: give it one, or delete it."
            )
            continue
        images.append(
            Image(url, each.width, each.height, each.title, each.attribution, each.is_cached or False)
        )
    return AS_JSON.encode(images).decode()


def build_provider(raw: RawProvider | None, place: FieldPath, reading: ParseContext) -> Provider | None:
    """Build the provider, with its domain as the default name; return None without a domain."""
    if raw is None:
        return None
    at = (*place, "provider")
    images = encode_images(raw.images, at, reading)
    if not raw.domain:
        reading.found(
            at,
            ProblemCode.LEFT_OUT,
            "A provider without `domain` is left out: give it one, such as `nextgov.com`.",
        )
        return None
    return Provider(raw.domain, raw.name or raw.domain, images)


def _url(written: str | None, place: FieldPath, key: str, reading: ParseContext) -> str | None:
    if not written or written.isspace():
        return None
    if "&amp;" in written:
        message = f"`{key}` is written with `&amp;` and is served with `&`: write `&`."
        reading.found((*place, key), ProblemCode.ESCAPED_URL, message)
    return normalize_url(written, reading.options.base_url)
