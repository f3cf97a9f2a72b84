"""`kill -9` at any point of an ingest; after the next ingest the store equals that of an undisturbed run."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests import effort
from tests.ingest import dump
from tests.ingest.folder import BROKEN, Folder

ROOT = Path(__file__).parents[2]
SMALL = 60  # articles
LABELS = "[fields.labels]\ntype = ['String']\nfilter = true\nfacet = true\n"


def fill(folder: Folder) -> None:
    """Linked articles in stories of up to four, some of them unpublished, some sharing a URL or a slug."""
    for number in range(SMALL):
        folder.article(
            f"{number}.md",
            f"https://example.com/{number % 50}",
            published=number % 3 == 0,
            provider={"name": f"P{number % 4}", "domain": f"p{number % 7}.example"},
            topics=["AI", f"Topic {number % 5}"],
            authors=["Ann", f"Bob {number % 3}"],
            rating=number,
            labels=["a", f"b{number % 3}"],
            related=[
                {"title": "R", "webUrl": f"https://example.com/{other % 50}"}
                for other in {*range(number, number + 6), *range(number - number % 4, number)}
            ],
        )
    folder.article("1.markdown")


def edit(folder: Folder) -> None:
    """Add, remove, change and break some files."""
    folder.remove("1.markdown")
    for number in range(0, SMALL, 5):
        folder.article(f"{number}.md", f"https://example.com/{number % 40}", title="new")
    for number in range(2, SMALL, 10):
        folder.remove(f"{number}.md")
    folder.write("3.md", BROKEN)
    folder.article("new/article.md", "https://example.com/new")


def run(database: Path, folder: Folder, steps: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.ingest.killed_ingest",
        str(database),
        str(folder.root),
        str(steps),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module


def finish(process: subprocess.Popen[str]) -> int:
    """Return the number of steps of an undisturbed run."""
    output, _ = process.communicate()
    assert process.returncode == 0
    return int(output)


def dumped(database: Path) -> dump.Dump:
    db = sqlite3.connect(database)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        return dump.everything(db)
    finally:
        db.close()


def declare_fields(folder: Folder) -> None:
    folder.write("gqlnews.toml", "[fields.rating]\ntype = 'Int'\norder = true\n" + LABELS)


@pytest.fixture(params=["first ingest", "later ingest", "new configuration"])
def before(request: pytest.FixtureRequest, folder: Folder, tmp_path: Path) -> Path:
    """The store that the ingest finds; none for a first ingest."""
    database = tmp_path / "before.db"
    fill(folder)
    if request.param == "later ingest":
        finish(run(database, folder, 0))
        edit(folder)
    elif request.param == "new configuration":
        finish(run(database, folder, 0))
        declare_fields(folder)
    return database


def copy(before: Path, to: Path) -> Path:
    if before.exists():
        shutil.copy(before, to)
    return to


@pytest.mark.generated
def test_killed_at_any_step_and_run_again(folder: Folder, before: Path, tmp_path: Path) -> None:
    undisturbed = copy(before, tmp_path / "undisturbed.db")
    steps = finish(run(undisturbed, folder, 0))
    expected = dumped(undisturbed)
    dice = random.Random(7)  # noqa: S311 - the same points in every run
    for number in range(effort.number(9)):
        database = copy(before, tmp_path / f"{number}.db")
        killed = run(database, folder, dice.randrange(1, steps))
        killed.communicate()
        assert killed.returncode == -signal.SIGKILL
        finish(run(database, folder, 0))
        assert dumped(database) == expected


@pytest.mark.generated
def test_killed_at_any_time_and_run_again(folder: Folder, before: Path, tmp_path: Path) -> None:
    undisturbed = copy(before, tmp_path / "undisturbed.db")
    finish(run(undisturbed, folder, 0))
    expected = dumped(undisturbed)
    dice = random.Random(11)  # noqa: S311
    database = copy(before, tmp_path / "killed.db")
    for _ in range(effort.number(9)):
        kill_after(run(database, folder, 0), dice.uniform(0.05, 0.6))
    finish(run(database, folder, 0))
    assert dumped(database) == expected


def kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
