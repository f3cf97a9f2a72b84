"""A whole sample: the same bytes for the same seed, and a correct report."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.errors import ContentFolderError, SettingsError
from gqlnews.sample import write_sample
from gqlnews.sample.figures import MINUTES
from gqlnews.sample.writer import draw_blocks

WRITE = "import sys, pathlib as p, gqlnews.sample as s; s.write_sample(p.Path(sys.argv[1]), 120, 7)"

DIGEST = "b30308de6de511abd4d469fac0218f7ccb55c34b8e7b6fdcab0a28be43a9ba05"


def digest_of(folder: Path) -> str:
    """Hash all names and bytes."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "1", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"TZ": "America/St_Johns", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"},
    ],
)
def test_the_same_seed_gives_the_same_bytes_in_another_folder(
    tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    write_sample(here, 120, seed=7)
    subprocess.run([sys.executable, "-c", WRITE, str(there)], env={**os.environ, **elsewhere}, check=True)  # noqa: S603
    assert digest_of(here) == digest_of(there)


def test_the_bytes_of_a_seed_never_change(tmp_path: Path) -> None:
    """Benchmarks of different days are comparable only if this holds: change the digest deliberately."""
    write_sample(tmp_path, 120, seed=7)
    assert digest_of(tmp_path) == DIGEST


def test_another_seed_gives_another_sample(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_sample(tmp_path / str(seed), 20, seed)
    assert digest_of(tmp_path / "1") != digest_of(tmp_path / "2")


def test_the_report_matches_the_files(tmp_path: Path) -> None:
    report = write_sample(tmp_path, 400, seed=3)
    texts = [path.read_bytes() for path in tmp_path.glob("20??/??/*.md")]
    assert report.articles == len(texts) == 400
    assert report.published == sum(b"\npublished: true\n" in text for text in texts)
    assert report.related == sum(text.count(b"\n  - title: ") for text in texts)
    assert report.size == sum(map(len, texts))


def test_files_are_named_by_day_in_the_folder_of_the_month(tmp_path: Path) -> None:
    write_sample(tmp_path, 200, seed=3)
    for path in tmp_path.glob("20??/??/*.md"):
        day = path.name[:10]
        assert path.parent == tmp_path / day[:4] / day[5:7]
        assert f"publishedDateTime: {day}T".encode() in path.read_bytes().split(b"\nrelated:")[0]


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    write_sample(tmp_path, 1_300, 3, lambda done, total: heard.append((done, total)))
    assert len(heard) >= 3
    assert heard == sorted(heard)
    assert heard[-1] == (1_300, 1_300)


def test_a_negative_number_of_articles_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="-1"):
        write_sample(tmp_path, -1, seed=1)


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    write_sample(tmp_path, 0, seed=1)
    for year in (2023, 2024, 2025):
        (tmp_path / str(year)).write_text("in the way of the folder of the year")
    with pytest.raises(ContentFolderError, match="Cannot write the sample"):
        write_sample(tmp_path, 5, seed=1)


@given(st.integers(0, 400), st.integers())
def test_article_numbers_are_consecutive_over_blocks(articles: int, seed: int) -> None:
    numbers = [article.number for _, block in draw_blocks(articles, seed) for article in block.articles]
    assert numbers == list(range(articles))


@given(st.integers(1, 60), st.integers())
def test_every_date_lies_in_the_three_years(articles: int, seed: int) -> None:
    for _, block in draw_blocks(articles, seed):
        entries = [entry.article for related in block.related for entry in related]
        assert all(0 <= article.minute < MINUTES for article in block.articles + entries)
