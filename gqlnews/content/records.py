"""What a valid article is: the records that the content package makes and the store keeps.

A date is kept twice: as served (`2021-04-15T13:00:00.50Z`) and as the key that orders instants as text
(`2021-04-15T13:00:00.5`: UTC, no `Z`, no trailing zeros). What clients read as lists of small objects
(images, headings) is JSON text already, with the keys of the API in the order of the API.
"""

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad a problem is; the names are the API's."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Plain data, cheap to make and to send between processes as MessagePack arrays."""


class Problem(Record, frozen=True):
    """What is wrong with one file, and where: `line` and `column` are 1-based, None for the whole file."""

    path: str
    line: int | None
    column: int | None
    severity: Severity
    code: str
    message: str


class Provider(Record, frozen=True):
    """Who published: `images` is JSON, `[{"url", "width", "height", "title", "attribution", "isCached"}]`."""

    domain: str
    name: str
    images: str


class Coverage(Record, frozen=True):
    """What articles and related entries share. `url` is `web_url`, else `original_url`."""

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
    provider: Provider | None
    images: str


class Related(Coverage, frozen=True):
    """One entry of an article's related coverage, in file order."""


class Topic(Record, frozen=True):
    """A topic as one file names it; `slug` joins the spellings."""

    slug: str
    name: str


class Mark(Record, frozen=True):
    """Where a value stands in its file, 1-based."""

    line: int
    column: int


class Article(Coverage, frozen=True):
    """One valid file. `table_of_contents` is JSON, `[{"level", "text", "anchor"}]`; `extra` a JSON object."""

    slug: str
    category: str | None
    heat: int | None
    published: bool
    topics: tuple[Topic, ...]
    related: tuple[Related, ...]
    featured_content: str | None
    body: str | None
    html: str | None
    table_of_contents: str
    word_count: int
    reading_minutes: int | None
    secured: str | None
    extra: str
    url_mark: Mark | None
    published_mark: Mark | None


class SourceFile(Record, frozen=True):
    """A file as the folder lists it: `path` below the folder with `/`, times in nanoseconds."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int


class Outcome(Record, frozen=True):
    """What reading one file gave: `article` is None exactly where `problems` holds an error.

    `source` is what the open file said of itself, so a later change to it is always seen.
    `revision` is the hex hash of the bytes, None where there were none to read.
    """

    source: SourceFile
    revision: str | None
    article: Article | None
    problems: tuple[Problem, ...]


class ReadOptions(Record, frozen=True):
    """What, beside the bytes, decides what a file means."""

    base_url: str | None = None
    iframe_hosts: tuple[str, ...] = (
        "www.youtube.com",
        "www.youtube-nocookie.com",
        "youtube.com",
        "player.vimeo.com",
    )
