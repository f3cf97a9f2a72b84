"""Images of the content folder in the store: which articles use them, and what happens when they change."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gqlnews.content.models import ParseOptions
from tests.images import HTML, png
from tests.ingest import dump
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.ingest.model import open_careless
from tests.ingest.model import run_ingest as ingest_again
from tests.ingest.watch_process import command, running, until


def write(folder: Folder, path: str, data: bytes) -> None:
    (folder.root / path).parent.mkdir(parents=True, exist_ok=True)
    (folder.root / path).write_bytes(data)
    folder.touch(path)


def image(db: sqlite3.Connection, slug: str = "a") -> dict[str, Any]:
    (images,) = db.execute("SELECT images FROM article WHERE slug = ?", (slug,)).fetchone()
    found: dict[str, Any] = json.loads(images)[0]
    return found


def used(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Path of each image, the article that uses it, and whether that is public."""
    sql = "SELECT m.path, slug, m.published FROM media m JOIN article ON id = article_id WHERE is_image"
    return sorted(db.execute(sql))


def article(folder: Folder, path: str = "a.md", url: str = "a.png", **keys: Any) -> None:
    folder.article(path, f"https://example.com/{path}/", images=[{"url": url}], **keys)


@pytest.fixture(params=["full", "incremental"])
def paths(request: pytest.FixtureRequest) -> Any:
    """Return what an ingest is told about these paths: nothing, or the paths."""
    return (lambda *_: None) if request.param == "full" else (lambda *changed: set(changed))


def test_an_image_that_appears_changes_or_disappears_changes_its_article(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, paths: Any
) -> None:
    article(folder)
    folder.article("b.md", "https://example.com/b")
    run_ingest()
    assert image(db)["url"] == "https://example.com/a.md/a.png"
    write(folder, "a.png", png(3, 2))
    assert run_ingest(paths=paths("a.png")).changed == 1
    assert (image(db)["url"], image(db)["width"]) == ("/media/a.png", 3)
    write(folder, "a.png", png(5, 4))
    assert run_ingest(paths=paths("a.png")).changed == 1
    assert image(db)["width"] == 5
    write(folder, "a.png", png(5, 4, padding=1))
    assert run_ingest(paths=paths("a.png")).changed == 0
    write(folder, "a.png", HTML)
    assert run_ingest(paths=paths("a.png")).changed == 1
    assert used(db) == []
    write(folder, "a.png", png())
    run_ingest()
    folder.remove("a.png")
    assert run_ingest(paths=paths("a.png")).changed == 1
    assert "mimeType" not in image(db)
    assert run_ingest(paths=paths("a.png")).changed == 0


def test_a_better_place_for_an_image_counts_once_it_is_there(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, paths: Any
) -> None:
    write(folder, "static/a.png", png())
    article(folder, url="/a.png")
    run_ingest()
    assert image(db)["url"] == "/media/static/a.png"
    write(folder, "a.png", png())
    run_ingest(paths=paths("a.png"))
    assert image(db)["url"] == "/media/a.png"


def test_a_folder_of_images_that_appears_or_disappears_is_noticed(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, paths: Any
) -> None:
    article(folder, url="img/2024/a.png")
    run_ingest()
    write(folder, "img/2024/a.png", png())
    run_ingest(paths=paths("img"))
    assert image(db)["url"] == "/media/img/2024/a.png"
    (folder.root / "img").rename(folder.root / "other")
    run_ingest(paths=paths("img", "other"))
    assert image(db)["url"] == "https://example.com/a.md/img/2024/a.png"


def test_each_article_that_uses_an_image_is_known(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "a.png", png())
    article(folder)
    article(folder, "b.md", published=False)
    run_ingest()
    assert used(db) == [("a.png", "a", 1), ("a.png", "b", 0)]
    article(folder, "b.md", published=True)
    article(folder, url="https://example.com/a.png")
    run_ingest()
    assert used(db) == [("a.png", "b", 1)]
    folder.remove("b.md")
    run_ingest()
    assert db.execute("SELECT count(*) FROM media").fetchone() == (0,)


def test_without_media_no_image_is_looked_up(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    write(folder, "a.png", png())
    article(folder)
    run_ingest()
    assert run_ingest(ParseOptions(media=False)).changed == 1
    assert image(db)["url"] == "https://example.com/a.md/a.png"
    assert db.execute("SELECT count(*) FROM media").fetchone() == (0,)


def test_an_image_that_may_have_changed_unnoticed_is_read_again(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    """With equal times and size, as for two writes within the resolution of time stamps."""
    write(folder, "a.png", png(3, 2))
    article(folder)
    written = (folder.root / "a.png").stat().st_ctime_ns
    run_ingest(now_ns=lambda: written + 1)
    db.execute("UPDATE source SET read_ns = read_ns + 1000000000000")  # the article itself is settled
    db.execute("UPDATE article SET images = replace(images, '\"width\":3', '\"width\":9')")
    run_ingest()
    assert image(db)["width"] == 3


def test_incremental_ingests_end_with_the_store_of_a_fresh_one(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, tmp_path: Path
) -> None:
    article(folder, "one/a.md")
    article(folder, "two/b.md", url="../one/a.png")
    run_ingest()
    write(folder, "one/a.png", png())
    run_ingest(paths={"one/a.png"})
    fresh = open_careless(tmp_path / "fresh.db")
    ingest_again(fresh, folder)
    assert dump.content(db) == dump.content(fresh)
    assert len(dump.content(db)["media"]) == 2
    fresh.close()


def test_the_watcher_notices_an_image(folder: Folder, database: Path) -> None:
    article(folder, url="img/a.png")

    def current_url() -> str | None:
        try:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
                return str(image(db)["url"])
        except (sqlite3.OperationalError, TypeError):
            return None

    with running(command(folder, database), database.parent):
        until(lambda: current_url() is not None, "nothing was ingested")
        write(folder, "img/a.png", png())
        until(lambda: current_url() == "/media/img/a.png", "the image was not noticed")
        folder.remove("img/a.png")
        until(lambda: current_url() != "/media/img/a.png", "its removal was not noticed")


def test_a_folder_instead_of_an_image_leaves_no_file_open(folder: Folder, run_ingest: RunIngest) -> None:
    article(folder)
    (folder.root / "a.png").mkdir()
    run_ingest()
    run_ingest()  # the write-ahead log is open now
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        run_ingest()
    assert len(os.listdir("/proc/self/fd")) <= before
