"""Write a sample: the same number of articles and seed produce the same bytes on every platform.

1. Prepare the folder: create it, or delete the files of an earlier sample from it.
2. Generate block after block. A block is a group of consecutive articles that link only to one another. Each
   block has its own random generator, seeded with the sample's seed and the number of its first article, so
   that it does not depend on earlier draws.
3. Write every article of the block to `YEAR/MONTH/DATE-WORDS-NUMBER.md`.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from json import JSONEncoder
from pathlib import Path
from random import Random

from gqlnews.errors import ContentFolderError, SettingsError
from gqlnews.sample import figures
from gqlnews.sample.articles import Block, make_block
from gqlnews.sample.fields import SampleArticle, make_body
from gqlnews.sample.figures import format_date, format_timestamp, generate_word, happens

# Target folder: a new or empty folder, or an earlier sample; never a folder with a user's articles.


_MARKER = ".gqlnews-sample"
_MARKER_TEXT = "This folder was written by `gqlnews sample`, which may replace what it wrote here.\n"
_MONTH_FOLDERS = "[0-9][0-9][0-9][0-9]/[0-9][0-9]"
_SAMPLE_FILE = re.compile(r"\d{4}-\d{2}-\d{2}-[a-z0-9-]*\d+\.md")


def prepare_folder(folder: Path) -> None:
    """Create `folder`, or delete the files of an earlier sample from it. Other files in it are kept.

    Raises ContentFolderError if the folder is neither empty nor an earlier sample.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / _MARKER).is_file():
        _remove_sample(folder)
    elif any(folder.iterdir()):
        raise ContentFolderError(
            f"{folder} is neither empty nor an earlier sample: choose a new folder, or empty this one."
        )
    (folder / _MARKER).write_bytes(_MARKER_TEXT.encode())


def _remove_sample(folder: Path) -> None:
    for month in list(folder.glob(_MONTH_FOLDERS)):
        for file in list(month.iterdir()):
            if _SAMPLE_FILE.fullmatch(file.name) and not file.is_dir():
                file.unlink()
        for folder_to_remove in (month, month.parent):
            if not any(folder_to_remove.iterdir()):
                folder_to_remove.rmdir()


# Text of the files. It is built from fixed templates, so no general YAML emitter is needed.
#
# Strings are written as JSON strings. These are valid double-quoted YAML scalars, because the sample contains
# no control characters.


_quote = JSONEncoder(ensure_ascii=False).encode
_ATTRIBUTION_INTERVAL = 20
"""If the number of an article is a multiple of this, its image has an attribution."""


def entry_text(article: SampleArticle) -> str:
    """Format one item of `related`."""
    return (
        f"  - title: {_quote(article.title)}\n"
        f"    excerpt: {_quote(article.excerpt)}\n"
        f"    publishedDateTime: {format_timestamp(article.minute)}\n"
        f"    webUrl: {_quote(article.url)}\n"
        f"{_amp(article, '    ')}"
        f"    type: {'video' if article.is_video else 'article'}\n"
        f"    provider:\n"
        f"      name: {_quote(article.provider_name)}\n"
        f"      domain: {article.provider.domain}\n"
        f"    quality: {article.quality}\n"
        f"{_images(article, '    ')}\n"
    )


def article_text(article: SampleArticle, related: list[str], secured: str, body: str) -> str:
    """Format a whole file; `related` contains items from `entry_text`, `body` is Markdown or empty."""
    topics = "".join(f"  - {topic}\n" for topic in article.topics)
    title = f"    title: {_quote(article.title)}\n"
    attribution = f"    attribution: {_quote(article.provider_name)}\n"
    has_attribution = article.number % _ATTRIBUTION_INTERVAL == 0
    details = title + attribution if has_attribution else title
    images = f"{_images(article, '', details)}\n" if article.image else ""
    related_section = "related:\n" + "".join(related) if related else ""
    return (
        f"---\n"
        f"category: news\n"
        f"title: {_quote(article.title)}\n"
        f"excerpt: {_quote(article.excerpt)}\n"
        f"publishedDateTime: {format_timestamp(article.minute)}\n"
        f"originalUrl: {_quote(article.url)}\n"
        f"webUrl: {_quote(article.url)}\n"
        f"{_amp(article, '')}"
        f"type: {'video' if article.is_video else 'article'}\n"
        f"quality: {article.quality}\n"
        f"heat: {article.heat}\n"
        f"published: {'true' if article.published else 'false'}\n"
        f"{_byline(article)}"
        f"\n"
        f"provider:\n"
        f"  name: {_quote(article.provider_name)}\n"
        f"  domain: {article.provider.domain}\n"
        f"{_badge(article)}"
        f"\n"
        f"topics:\n"
        f"{topics}"
        f"\n"
        f"{images}"
        f"{related_section}"
        f"{_video(article)}"
        f'secured: "{secured}"\n'
        f"---\n\n"
        f"{body}"
    )


def _byline(article: SampleArticle) -> str:
    """Format the author of four articles in five, and the language, German for one in ten."""
    language = "en" if article.number % 10 else "de"
    reporter = article.number * 7 % 1_000
    name = f"{generate_word(reporter).capitalize()} {generate_word(1_000 + reporter).capitalize()}"
    authors = f"authors: [{name}]\n" if article.number % 5 else ""
    return f"language: {language}\n{authors}"


def _amp(article: SampleArticle, indent: str) -> str:
    if not article.has_amp:
        return ""
    page = article.url.partition("?")[0]
    host = article.provider.domain.replace(".", "-")
    cached = f"https://{host}.amp.example/c/s/{page.removeprefix('https://')}/amp"
    return f'{indent}ampWebUrl: "{page}/amp"\n{indent}cdnAmpWebUrl: "{cached}"\n'


def _images(article: SampleArticle, indent: str, more: str = "") -> str:
    if article.image is None:
        return ""
    return (
        f"{indent}images:\n"
        f'{indent}  - url: "{article.image}"\n'
        f"{indent}    width: {article.width}\n"
        f"{indent}    height: {article.height}\n"
        f"{more}"
        f"{indent}    isCached: true\n"
    )


def _badge(article: SampleArticle) -> str:
    if article.provider.badge is None:
        return ""
    return f'  images:\n    - url: "{article.provider.badge}"\n      width: 50\n      height: 50\n'


def _video(article: SampleArticle) -> str:
    if not article.is_video:
        return ""
    source = f"https://www.youtube.com/embed/sample{article.number:07}"
    return f'''featuredContent: '<iframe width="560" height="315" src="{source}"></iframe>'\n\n'''


# Files.


_NOT_IN_FILE_NAME = re.compile(r"[^a-z0-9]+")
_REPORT_EVERY = 500
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SampleReport:
    """Totals of a written sample: files, published files, related entries, and bytes."""

    articles: int
    published: int
    related: int
    size: int


def write_sample(folder: Path, articles: int, seed: int, progress: Progress | None = None) -> SampleReport:
    """Write a sample of `articles` files; `progress` is called with the number written so far, and the total.

    Raises SettingsError for a negative number of articles, and ContentFolderError if the folder is neither
    empty nor an earlier sample, or cannot be written.
    """
    if articles < 0:
        raise SettingsError(f"A sample cannot have {articles} articles: choose 0 or more.")
    try:
        prepare_folder(folder)
        return _write_all(folder, articles, seed, progress or (lambda _done, _total: None))
    except OSError as error:
        raise ContentFolderError(
            f"Cannot write the sample: {error}. Choose a writable folder with enough free space."
        ) from error


def draw_blocks(total: int, seed: int) -> Iterator[tuple[Random, Block]]:
    """Yield the blocks of a sample in order, each with the random generator for the rest of its files."""
    first = 0
    while first < total:
        rng = Random(f"{seed}/{first}")  # noqa: S311 - not used for security
        block = make_block(rng, first, total)
        yield rng, block
        first += len(block.articles)


def _write_all(folder: Path, total: int, seed: int, progress: Progress) -> SampleReport:
    done = published = related = size = reported = 0
    created_folders: set[str] = set()
    for rng, block in draw_blocks(total, seed):
        for article, text in _texts(rng, block):
            size += _write(folder, created_folders, article, text)
        done += len(block.articles)
        published += sum(article.published for article in block.articles)
        related += sum(map(len, block.related))
        if done - reported >= _REPORT_EVERY:
            reported = done
            progress(done, total)
    progress(done, total)
    return SampleReport(done, published, related, size)


def _texts(rng: Random, block: Block) -> Iterator[tuple[SampleArticle, str]]:
    """Yield each article with the text of its file. Current entries about an article are formatted once."""
    current_text = cache(lambda number: entry_text(block.articles[number - block.articles[0].number]))
    for article, entries in zip(block.articles, block.related, strict=True):
        related = [
            current_text(listed.number) if is_current else entry_text(listed)
            for listed, is_current in entries
        ]
        body = make_body(rng, block.subject) if happens(rng, figures.SHARE_WITH_BODY) else ""
        yield article, article_text(article, related, _secured(rng), body)


def _secured(rng: Random) -> str:
    """Generate random data in the format of `secured`: a ciphertext and a 16-byte IV, in base64."""
    payload, iv = rng.randbytes(16 * figures.CIPHER_BLOCKS.at(rng.random())), rng.randbytes(16)
    return f"{b64encode(payload).decode()};{b64encode(iv).decode()}"


def _write(folder: Path, created_folders: set[str], article: SampleArticle, text: str) -> int:
    """Write one file, create the folder of its month if needed, and return the size of the file in bytes."""
    day = format_date(article.minute)
    month = f"{folder}/{day[:4]}/{day[5:7]}"
    if month not in created_folders:
        Path(month).mkdir(parents=True, exist_ok=True)
        created_folders.add(month)
    words = _NOT_IN_FILE_NAME.sub("-", article.title.lower()).strip("-")[:80]
    content = text.encode()
    with open(f"{month}/{day}-{words}-{article.number}.md", "wb", buffering=0) as file:
        file.write(content)
    return len(content)
