"""Models of a parsed file: its typed front matter, the article, and its problems."""

import os
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from gqlnews.columns import KEY_COLUMNS, ColumnType
from gqlnews.content.presets.site import DEFAULT_ZONE, NO_OVERRIDES, ContentSite, SiteOverrides
from gqlnews.custom_fields import CustomField

# Models of the parsed file, which the ingest writes to the store.
#
# Each date has two fields: the text as served (`2021-04-15T13:00:00.50Z`) and a key whose text order is the
# order in time (`2021-04-15T13:00:00.5`: UTC, no `Z`, no trailing zeros). Lists of small objects (images,
# headings) are already JSON text, with the keys of the API in the order of the API.


class ProblemSeverity(StrEnum):
    """Severity of a problem, named as in the API."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class FrozenStruct(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Immutable struct, cheap to create and to send between processes as a MessagePack array."""


class ContentProblem(FrozenStruct, frozen=True):
    """Problem in one file; `line` and `column` are 1-based, None for the whole file."""

    path: str
    line: int | None
    column: int | None
    severity: ProblemSeverity
    code: str
    message: str


class ParsedProvider(FrozenStruct, frozen=True):
    """Provider; `images` is JSON, a list of `StoredImage` (images.py)."""

    domain: str
    name: str
    images: str


class ParsedCoverage(FrozenStruct, frozen=True):
    """Common fields of articles and related entries. `url` is `web_url`, else `original_url`."""

    title: str
    excerpt: str | None
    url: str
    web_url: str | None
    original_url: str | None
    amp_web_url: str | None
    cdn_amp_web_url: str | None
    published_at: str | None
    published_date_time: str | None
    type: str
    quality: int | None
    provider: ParsedProvider | None
    images: str


class ParsedRelated(ParsedCoverage, frozen=True):
    """Related entry of an article."""


class ParsedTopic(FrozenStruct, frozen=True):
    """Topic as spelled in one file; all spellings share the same `slug`."""

    slug: str
    name: str


class ParsedAuthor(FrozenStruct, frozen=True):
    """Author as one file names them, with what it or the site's author data says about them.

    `image` is a JSON array of at most one image. `is_described`: there is more than a byline.
    """

    slug: str
    name: str
    url: str | None = None
    image: str = "[]"
    bio: str | None = None
    is_described: bool = False


class Position(FrozenStruct, frozen=True):
    """1-based position of a value in its file."""

    line: int
    column: int


class ImageFile(FrozenStruct, frozen=True):
    """File that an article has looked for at a path of the content folder, and its size and times then."""

    path: str
    is_image: bool
    size: int
    mtime_ns: int
    ctime_ns: int


class ParsedArticle(ParsedCoverage, frozen=True):
    """Valid article; `table_of_contents` is JSON, `[{"level", "text", "anchor"}]`, `extra` a JSON object.

    Articles with the same `translation_key` are translations of each other.

    `due` is the sort key of the next instant at which `published` changes without a change to the file, and
    `due_after` that of the change after it.
    `root_relative_url` is `web_url` without its host, if that is the host of the site.

    Relative URLs of the body are resolved against `base_url`. `prose` is `body` without template syntax, None
    if they are equal. If there are `linked_slugs`, `html` contains placeholders (`article_links.py`).

    `relative_images` are the images of the front matter that may lie in the content folder: what each URL
    resolves to, and the URL as written. `image_files` are the files that were looked for because of them, and
    because of the images of the body.

    `key_values` are the columns that hold the value of a front matter key unchanged (columns.py), and
    `field_values` those of custom fields, in the order of `field_columns` (custom_fields.py).
    """

    published_at: str
    published_date_time: str
    slug: str
    published: bool
    topics: tuple[ParsedTopic, ...]
    related: tuple[ParsedRelated, ...]
    featured_content: str | None
    body: str | None
    prose: str | None
    html: str | None
    table_of_contents: str
    word_count: int
    reading_minutes: int | None
    secured: str | None
    extra: str
    url_position: Position | None
    published_position: Position | None
    base_url: str | None
    key_values: dict[str, Any]
    linked_slugs: tuple[str, ...] = ()
    is_mapped: bool = False
    due: str | None = None
    due_after: str | None = None
    root_relative_url: str | None = None
    modified_at: str | None = None
    modified_date_time: str | None = None
    authors: tuple[ParsedAuthor, ...] = ()
    language: str | None = None
    translation_key: str | None = None
    field_values: tuple[Any, ...] = ()
    relative_images: tuple[tuple[str, str], ...] = ()
    image_files: tuple[ImageFile, ...] = ()


class SourceFile(FrozenStruct, frozen=True):
    """File in the content folder: `path` relative to the folder with `/`, times in nanoseconds."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def from_status(cls, path: str, status: os.stat_result) -> "SourceFile":
        """Build it from the result of stat(2), whose values may be outside the range of 64-bit integers."""
        times = clamp_ns(status.st_mtime_ns), clamp_ns(status.st_ctime_ns)
        return cls(path, max(0, status.st_size), *times)


def clamp_ns(nanoseconds: int) -> int:
    """Clamp a time to signed 64 bits, the years 1677 to 2262, which SQLite and MessagePack can hold."""
    return min(max(nanoseconds, -(2**63)), 2**63 - 1)


class ParseResult(FrozenStruct, frozen=True):
    """Result of parsing one file; `article` is None if `problems` contains an error.

    It is None without a problem if the file is passed over, because it is a page or belongs to no site.
    `source` has the size and times of the open file, so any later change to the file is detected.
    `revision` is the hash of the bytes in hexadecimal, None if they could not be read.
    """

    source: SourceFile
    revision: str | None
    article: ParsedArticle | None
    problems: tuple[ContentProblem, ...]


class ParseOptions(FrozenStruct, frozen=True):
    """Options that, together with the path and the bytes of a file, determine the result of parsing it.

    `sites` are the sites that were found in the content folder and above it, `now_ns` the time at which
    future articles are hidden and expired ones too, None for the clock. `fields` are the custom fields, and
    `time_zone` is that of their dates in native files. `config_path` is the file that the caller names.
    With `media`, images that lie in the content folder are looked up there.
    """

    base_url: str | None = None
    iframe_hosts: tuple[str, ...] = (
        "www.youtube.com",
        "www.youtube-nocookie.com",
        "youtube.com",
        "player.vimeo.com",
    )
    overrides: SiteOverrides = NO_OVERRIDES
    sites: tuple[ContentSite, ...] = ()
    now_ns: int | None = None
    fields: tuple[CustomField, ...] = ()
    time_zone: str = DEFAULT_ZONE
    config_path: str | None = None
    media: bool = True


class ContentConfig(FrozenStruct, frozen=True):
    """What the file `gqlnews.toml` of a content folder says."""

    base_url: str | None = None
    overrides: SiteOverrides = NO_OVERRIDES
    fields: tuple[CustomField, ...] = ()


NO_CONFIG = ContentConfig()


def apply_config(options: ParseOptions, config: ContentConfig) -> ParseOptions:
    """Return the options in effect: what the caller says wins over the configuration."""
    given, written = options.overrides, config.overrides
    provider = given if given.provider_domain else written
    overrides = SiteOverrides(
        preset=given.preset or written.preset,
        permalink=given.permalink or written.permalink,
        provider_name=provider.provider_name,
        provider_domain=provider.provider_domain,
        hides_future=given.hides_future,
        hides_expired=given.hides_expired,
        time_zone=written.time_zone,
        language=written.language,
        keys=written.keys,
    )
    return msgspec.structs.replace(
        options,
        base_url=options.base_url or config.base_url,
        overrides=overrides,
        fields=config.fields,
        time_zone=written.time_zone or options.time_zone,
    )


# Raw models: the front matter keys and their types, declared once for both parsers.
#
# Values are not validated beyond their type: a date is text, and legacy keys exist beside the current ones.


OptStr = str | None
OptBool = bool | None
OptInt32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | None
OptStrList = list[str] | None
OptionalText = Annotated[str, msgspec.Meta(description="left out if it is no text")] | None
"""Text of a key that files had before it meant something."""
RawAuthors = Annotated[Any, msgspec.Meta(description="names and mappings, all scalars as text")]
"""`authors`: a name, a mapping with `name`, `slug`, `url`, `image` and `bio`, or a list of these."""


class RawModel(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Base class of mappings whose keys are all known; a missing value is None."""


class RawImage(RawModel):
    """One of `images`."""

    url: OptStr = None
    width: OptInt32 = None
    height: OptInt32 = None
    title: OptStr = None
    alt: OptStr = None
    caption: OptStr = None
    attribution: OptStr = None
    is_cached: OptBool = None


RawImageList = list[RawImage] | None


class RawProvider(RawModel):
    """`provider`."""

    name: OptStr = None
    domain: OptStr = None
    images: RawImageList = None


class RawCoverage(RawModel):
    """Common keys of articles and related entries; the last three are legacy keys."""

    title: OptStr = None
    excerpt: OptStr = None
    published_date_time: OptStr = None
    original_url: OptStr = None
    web_url: OptStr = None
    amp_web_url: OptStr = None
    cdn_amp_web_url: OptStr = None
    type: OptStr = None
    quality: OptInt32 = None
    provider: RawProvider | None = None
    images: RawImageList = None
    source_url: OptStr = None
    amp_url: OptStr = None
    cdn_amp_url: OptStr = None


class RawRelated(RawCoverage):
    """One of `related`."""


RawRelatedList = list[RawRelated] | None


class RawArticle(RawCoverage):
    """The keys that are validated or converted; those of `KEY_COLUMNS` are in `RAW_FRONT_MATTER`."""

    draft: OptBool = None
    published: OptBool = None
    topics: OptStrList = None
    related: RawRelatedList = None
    featured_content: OptStr = None
    secured: OptStr = None
    language: OptionalText = None
    modified_date_time: OptionalText = None
    authors: RawAuthors = None
    translation_key: OptionalText = None


_KEY_TYPES = {ColumnType.TEXT: OptStr, ColumnType.INTEGER: OptInt32, ColumnType.BOOLEAN: OptBool}

RAW_FRONT_MATTER: type[RawArticle] = msgspec.defstruct(  # type: ignore[assignment]  # it has the base
    "RawFrontMatter",
    [(column.name, _KEY_TYPES[column.type], None) for column in KEY_COLUMNS],
    bases=(RawArticle,),
    rename={column.name: column.key for column in KEY_COLUMNS if column.key},
    forbid_unknown_fields=False,  # they go to `extra`
)
"""The whole front matter."""

ARTICLE_KEYS = frozenset(field.encode_name for field in msgspec.structs.fields(RAW_FRONT_MATTER))
