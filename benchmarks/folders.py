"""The folders that are measured: the real articles where there are any, and sampled ones."""

import os
from pathlib import Path

from gqlnews.sample import write_sample

REAL_ARTICLES = 8682
SEED = 1


def articles_below(folder: Path) -> list[Path]:
    """The article files of a folder, in order."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix in (".md", ".markdown") and path.is_file()
    )


def real_or_sampled(scratch: Path) -> tuple[Path, str]:
    """`ai2020` below GQLNEWS_CORPUS, or a sample of its size where that is unset; and what to call it."""
    corpus = os.environ.get("GQLNEWS_CORPUS")
    if corpus:
        return Path(corpus) / "ai2020", "ai2020"
    return sampled(scratch, REAL_ARTICLES), "a sample (GQLNEWS_CORPUS is not set)"


def sampled(scratch: Path, articles: int) -> Path:
    """A sample below `scratch`, always the same for the same number."""
    folder = scratch / f"sample-{articles}"
    write_sample(folder, articles, SEED)
    return folder
