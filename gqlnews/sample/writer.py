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
from pathlib import Path
from random import Random

from gqlnews.errors import ContentFolderError, SettingsError
from gqlnews.sample.blocks import Block, make_block
from gqlnews.sample.bodies import make_body
from gqlnews.sample.clock import day_of
from gqlnews.sample.emit import article_text, entry_text
from gqlnews.sample.figures import SECURED_BLOCKS, SHARE_WITH_BODY, happens
from gqlnews.sample.folder import claim
from gqlnews.sample.pieces import Piece

_NO_LETTERS = re.compile(r"[^a-z0-9]+")
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
        return _write_all(folder, articles, seed, progress or _ignore)
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
    made: set[str] = set()
    for rng, block in draw_blocks(articles, seed):
        for piece, text in _texts(rng, block):
            size += _write(folder, made, piece, text)
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


def _write(folder: Path, made: set[str], piece: Piece, text: str) -> int:
    """Write one file, creating its month's folder if needed, and return its size in bytes."""
    day = day_of(piece.minute)
    month = f"{folder}/{day[:4]}/{day[5:7]}"
    if month not in made:
        Path(month).mkdir(parents=True, exist_ok=True)
        made.add(month)
    words = _NO_LETTERS.sub("-", piece.title.lower()).strip("-")[:80]
    content = text.encode()
    with open(f"{month}/{day}-{words}-{piece.number}.md", "wb", buffering=0) as file:
        file.write(content)
    return len(content)


def _ignore(_done: int, _of: int) -> None:
    """Ignore progress."""
