"""Content folders for benchmarks: the real articles if available, and generated samples."""

import os
from pathlib import Path

from gqlnews.sample import write_sample

REAL_ARTICLES = 8682
SEED = 1


def article_paths(folder: Path) -> list[Path]:
    """Return the paths of all article files in a folder, sorted."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix in (".md", ".markdown") and path.is_file()
    )


def real_or_sample(scratch: Path) -> tuple[Path, str]:
    """Return `ai2020` in GQLNEWS_CORPUS, or else a sample of its size, and a name for the report."""
    corpus = os.environ.get("GQLNEWS_CORPUS")
    if corpus:
        return Path(corpus) / "ai2020", "ai2020"
    return write_sample_folder(scratch, REAL_ARTICLES), "a sample (GQLNEWS_CORPUS is not set)"


def write_sample_folder(scratch: Path, articles: int) -> Path:
    """Write a sample below `scratch`. The same number of articles always produces the same sample."""
    folder = scratch / f"sample-{articles}"
    write_sample(folder, articles, SEED)
    return folder
