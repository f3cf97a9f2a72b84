"""Files that may share slugs: the store equals that of a fresh ingest after any edits."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from tests.effort import examples
from tests.ingest import dump
from tests.ingest.folder import Folder, keys_of, later_ns, text_of

PATHS = (
    "a.md",
    "a/index.md",
    "content/a.md",
    "content/a/index.md",
    "content/a.mdx",
    "content/README.md",
    "hugo.toml",
)
MAPPED = text_of({"title": "mapped", "date": "2021-04-15"})
DRAFT = text_of({"title": "draft", "date": "2021-04-15", "draft": True})
NATIVE = text_of(keys_of("https://example.com/native", title="native"))
PAGE = text_of({"title": "page"})
BROKEN = "---\ntitle: [\n---\n"
TEXTS: tuple[str | None, ...] = (MAPPED, MAPPED.replace("mapped", "other"), DRAFT, NATIVE, PAGE, None)

Edit = tuple[str, str | None]


def edits(texts: Sequence[str | None]) -> st.SearchStrategy[list[list[Edit]]]:
    """Batches of edits; None deletes the file."""
    edit = st.tuples(st.sampled_from(PATHS), st.sampled_from(texts))
    return st.lists(st.lists(edit, min_size=1, max_size=3), min_size=1, max_size=6)


def apply(folder: Folder, batch: Sequence[Edit]) -> list[str]:
    """Apply the edits and return the changed paths."""
    for path, text in batch:
        if text is not None:
            folder.write(
                path, text if path.endswith((".md", ".mdx")) else "baseURL = 'https://example.org'\n"
            )
        elif (folder.root / path).exists():
            folder.remove(path)
    return [path for path, _ in batch]


def take_in(db: sqlite3.Connection, folder: Folder, paths: list[str] | None = None) -> None:
    ingest(db, folder.root, ParseOptions(), processes=1, now_ns=later_ns, paths=paths)


@examples(25)
@given(edits(TEXTS))
def test_the_store_equals_a_fresh_one_after_every_edit(history: list[list[Edit]]) -> None:
    with TemporaryDirectory() as name:
        folder = Folder(Path(name) / "content")
        with closing(open_writer(Path(name) / "store.db")) as db:
            take_in(db, folder)
            for number, batch in enumerate(history):
                take_in(db, folder, apply(folder, batch))
                with closing(open_writer(Path(name) / f"fresh-{number}.db")) as fresh:
                    take_in(fresh, folder)
                    assert dump.content(db) == dump.content(fresh)
                    assert dump.files(db) == dump.files(fresh)


@examples(15)
@given(edits((*TEXTS, BROKEN)))
def test_after_errors_are_repaired_the_store_equals_a_fresh_one(history: list[list[Edit]]) -> None:
    with TemporaryDirectory() as name:
        folder = Folder(Path(name) / "content")
        with (
            closing(open_writer(Path(name) / "store.db")) as db,
            closing(open_writer(Path(name) / "f.db")) as fresh,
        ):
            for batch in history:
                take_in(db, folder, apply(folder, batch))
            broken = [path for path in PATHS if path.endswith((".md", ".mdx"))]
            take_in(db, folder, apply(folder, [(path, PAGE) for path in broken]))
            assert db.execute("SELECT count(*) FROM article").fetchone() == (0,)
            take_in(db, folder, apply(folder, history[0]))
            take_in(db, folder, apply(folder, [(path, NATIVE) for path in broken]))
            take_in(fresh, folder)
            assert dump.content(db) == dump.content(fresh)
            assert dump.files(db) == dump.files(fresh)
