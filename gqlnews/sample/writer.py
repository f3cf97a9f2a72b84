"""Write a sample: the same number of articles and seed produce the same bytes on every platform.

1. Claim the folder: empty, new, or an earlier sample, whose files are deleted first.
2. Draw block after block, each with its own random generator, seeded with the sample's seed and the block's
   first index, so that blocks do not depend on earlier draws.
3. Write every article of the block to `YEAR/MONTH/DATE-WORDS-INDEX.md`.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json import JSONEncoder
from pathlib import Path
from random import Random

from gqlnews.errors import ContentFolderError, SettingsError
from gqlnews.sample.articles import Block, make_block
from gqlnews.sample.figures import SECURED_BLOCKS, SHARE_WITH_BODY, format_date, format_timestamp, happens
from gqlnews.sample.pieces import Piece, make_body

# Target folder: an empty one or an earlier sample, never a user's articles.


_MARKER = ".gqlnews-sample"
_MARKER_TEXT = "This folder was written by `gqlnews sample`, which may replace what it wrote here.\n"
_MONTH_FOLDERS = "[0-9][0-9][0-9][0-9]/[0-9][0-9]"
_SAMPLE_FILE = re.compile(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]*\d+\.md")


def claim(folder: Path) -> None:
    """Create `folder`, or delete an earlier sample from it; other files in it stay.

    Raises ContentFolderError if the folder is not empty and not a sample, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _MARKER).is_file():
            _remove_sample(folder)
        elif any(folder.iterdir()):
            raise ContentFolderError(
                f"{folder} is not empty, and no earlier sample: give a new folder, or empty this one."
            )
        (folder / _MARKER).write_bytes(_MARKER_TEXT.encode())
    except OSError as error:
        raise ContentFolderError(f"Cannot write to {folder}: {error.strerror}. Give a new folder.") from error


def _remove_sample(folder: Path) -> None:
    for month in list(folder.glob(_MONTH_FOLDERS)):
        for file in _sample_files(month):
            file.unlink()
        for folder_to_remove in (month, month.parent):
            if not any(folder_to_remove.iterdir()):
                folder_to_remove.rmdir()


def _sample_files(month: Path) -> Iterator[Path]:
    return (file for file in list(month.iterdir()) if _SAMPLE_FILE.fullmatch(file.name) and not file.is_dir())


# Text of the files, from fixed templates, so that no general YAML emitter is needed.
#
# Texts are written as JSON strings. Without control characters, which the sample never contains, these are
# valid YAML double-quoted scalars.


_quote = JSONEncoder(ensure_ascii=False).encode
_ATTRIBUTION_INTERVAL = 20
"""One article in this many has an image with an attribution."""


def entry_text(piece: Piece) -> str:
    """Format one item of `related`."""
    return (
        f"  - title: {_quote(piece.title)}\n"
        f"    excerpt: {_quote(piece.excerpt)}\n"
        f"    publishedDateTime: {format_timestamp(piece.minute)}\n"
        f"    webUrl: {_quote(piece.url)}\n"
        f"{_amp(piece, '    ')}"
        f"    type: {'video' if piece.is_video else 'article'}\n"
        f"    provider:\n"
        f"      name: {_quote(piece.provider_name)}\n"
        f"      domain: {piece.provider.domain}\n"
        f"    quality: {piece.quality}\n"
        f"{_listed_image(piece)}\n"
    )


def article_text(piece: Piece, related: list[str], secured: str, body: str) -> str:
    """Format a whole file; `related` are items from `entry_text`, `body` is Markdown or empty."""
    listed = "related:\n" + "".join(related) if related else ""
    return (
        f"---\n"
        f"category: news\n"
        f"title: {_quote(piece.title)}\n"
        f"excerpt: {_quote(piece.excerpt)}\n"
        f"publishedDateTime: {format_timestamp(piece.minute)}\n"
        f"originalUrl: {_quote(piece.url)}\n"
        f"webUrl: {_quote(piece.url)}\n"
        f"{_amp(piece, '')}"
        f"type: {'video' if piece.is_video else 'article'}\n"
        f"quality: {piece.quality}\n"
        f"heat: {piece.heat}\n"
        f"published: {'true' if piece.published else 'false'}\n"
        f"\n"
        f"provider:\n"
        f"  name: {_quote(piece.provider_name)}\n"
        f"  domain: {piece.provider.domain}\n"
        f"{_badge(piece)}"
        f"\n"
        f"topics:\n"
        f"{_topics(piece)}"
        f"\n"
        f"{_own_image(piece)}"
        f"{listed}"
        f"{_video(piece)}"
        f'secured: "{secured}"\n'
        f"---\n\n"
        f"{body}"
    )


def _topics(piece: Piece) -> str:
    return "".join([f"  - {topic}\n" for topic in piece.topics])


def _amp(piece: Piece, indent: str) -> str:
    if not piece.has_amp:
        return ""
    page = piece.url.partition("?")[0]
    host = piece.provider.domain.replace(".", "-")
    cached = f"https://{host}.amp.example/c/s/{page.removeprefix('https://')}/amp"
    return f'{indent}ampWebUrl: "{page}/amp"\n{indent}cdnAmpWebUrl: "{cached}"\n'


def _listed_image(piece: Piece) -> str:
    if piece.image is None:
        return ""
    return (
        f"    images:\n"
        f'      - url: "{piece.image}"\n'
        f"        width: {piece.width}\n"
        f"        height: {piece.height}\n"
        f"        isCached: true\n"
    )


def _own_image(piece: Piece) -> str:
    if piece.image is None:
        return ""
    attribution = (
        f"    attribution: {_quote(piece.provider_name)}\n"
        if piece.number % _ATTRIBUTION_INTERVAL == 0
        else ""
    )
    return (
        f"images:\n"
        f'  - url: "{piece.image}"\n'
        f"    width: {piece.width}\n"
        f"    height: {piece.height}\n"
        f"    title: {_quote(piece.title)}\n"
        f"{attribution}"
        f"    isCached: true\n"
        f"\n"
    )


def _badge(piece: Piece) -> str:
    if piece.provider.badge is None:
        return ""
    return f'  images:\n    - url: "{piece.provider.badge}"\n      width: 50\n      height: 50\n'


def _video(piece: Piece) -> str:
    if not piece.is_video:
        return ""
    source = f"https://www.youtube.com/embed/sample{piece.number:07}"
    return f'''featuredContent: '<iframe width="560" height="315" src="{source}"></iframe>'\n\n'''


# Files.


_NOT_IN_FILE_NAME = re.compile(r"[^a-z0-9]+")
_REPORT_EVERY = 500


@dataclass(frozen=True, slots=True)
class SampleReport:
    """Totals of a written sample: files, published files, related entries, and bytes."""

    articles: int
    published: int
    related: int
    size: int


def write_sample(
    folder: Path, articles: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> SampleReport:
    """Fill `folder` with `articles` files; `progress` is called with the number done and the total.

    Raises SettingsError for a negative number, ContentFolderError if the folder cannot be claimed or written.
    """
    if articles < 0:
        raise SettingsError(f"A sample cannot have {articles} articles: give 0 or more.")
    claim(folder)
    try:
        return _write_all(folder, articles, seed, progress or _ignore_progress)
    except OSError as error:
        raise ContentFolderError(
            f"Cannot write the sample: {error}. Give a folder with room for it."
        ) from error


def draw_blocks(articles: int, seed: int) -> Iterator[tuple[Random, Block]]:
    """Yield the blocks of a sample in order, each with the random generator to use for its files."""
    first = 0
    while first < articles:
        rng = Random(f"{seed}/{first}")  # noqa: S311 - a sample needs repetition, not secrecy
        block = make_block(rng, first, articles)
        yield rng, block
        first += len(block.pieces)


def _write_all(folder: Path, articles: int, seed: int, progress: Callable[[int, int], None]) -> SampleReport:
    done = published = related = size = reported = 0
    created_folders: set[str] = set()
    for rng, block in draw_blocks(articles, seed):
        for piece, text in _texts(rng, block):
            size += _write(folder, created_folders, piece, text)
        done += len(block.pieces)
        published += sum(piece.published for piece in block.pieces)
        related += sum(map(len, block.related))
        if done - reported >= _REPORT_EVERY:
            reported = done
            progress(done, articles)
    progress(done, articles)
    return SampleReport(done, published, related, size)


def _texts(rng: Random, block: Block) -> Iterator[tuple[Piece, str]]:
    """Yield each article with the text of its file; entries repeated in many lists are formatted once."""
    current: dict[int, str] = {}
    for piece, entries in zip(block.pieces, block.related, strict=True):
        related = []
        for listed, is_current in entries:
            text = current.get(listed.number) if is_current else None
            if text is None:
                text = entry_text(listed)
                if is_current:
                    current[listed.number] = text
            related.append(text)
        body = make_body(rng, block.subject) if happens(rng, SHARE_WITH_BODY) else ""
        yield piece, article_text(piece, related, _secured(rng), body)


def _secured(rng: Random) -> str:
    """Generate random data in the format of an encrypted payload: ciphertext and a 16-byte IV."""
    payload = rng.randbytes(16 * SECURED_BLOCKS.at(rng.random()))
    return f"{_base64(payload)};{_base64(rng.randbytes(16))}"


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def _write(folder: Path, created_folders: set[str], piece: Piece, text: str) -> int:
    """Write one file, creating its month's folder if needed, and return its size in bytes."""
    day = format_date(piece.minute)
    month = f"{folder}/{day[:4]}/{day[5:7]}"
    if month not in created_folders:
        Path(month).mkdir(parents=True, exist_ok=True)
        created_folders.add(month)
    words = _NOT_IN_FILE_NAME.sub("-", piece.title.lower()).strip("-")[:80]
    content = text.encode()
    with open(f"{month}/{day}-{words}-{piece.number}.md", "wb", buffering=0) as file:
        file.write(content)
    return len(content)


def _ignore_progress(_done: int, _of: int) -> None:
    """Ignore progress."""
