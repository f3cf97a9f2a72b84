"""A folder, a model of what must be served from it, and a store that tracks both."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.content.models import ParsedArticle, ParseOptions, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.discovery.scan import scan_folder
from gqlnews.ingest.change_log import MAX_REMOVED
from gqlnews.ingest.pipeline import ingest
from gqlnews.text_keys import slug_from_path
from tests.ingest.folder import Folder, later_ns
from tests.ingest.histories import Edit

OPTIONS = ParseOptions()

PathSelector = Callable[[set[str]], Collection[str] | None]
"""Maps the paths that a step touched to those that an ingest scans; None is the whole folder."""


def select_all(touched: set[str]) -> None:
    """Scan the whole folder, as without a watcher."""


def select_touched(touched: set[str]) -> set[str]:
    """Scan the touched paths, as a watcher reports them."""
    return touched


def select_parents(touched: set[str]) -> set[str]:
    """Scan the parent folders of the touched paths, or the top-level paths themselves."""
    return {path.rpartition("/")[0] or path for path in touched}


class Model:
    """What must be served, computed file by file: the article and its bytes for each slug."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.articles: dict[str, ParsedArticle] = {}
        self.bytes: dict[str, bytes] = {}

    def update(self) -> None:
        """Update the model as an ingest must now update the store."""
        first: dict[str, SourceFile] = {}
        for file in sorted(self.files(), key=lambda file: file.path):
            first.setdefault(slug_from_path(file.path), file)
        for slug in self.articles.keys() - first.keys():
            del self.articles[slug], self.bytes[slug]
        for slug, file in first.items():
            article = parse_file(self.folder.root, file, OPTIONS).article
            if article is not None:
                self.articles[slug] = article
                self.bytes[slug] = (self.folder.root / file.path).read_bytes()

    def files(self) -> list[SourceFile]:
        return [found for found in scan_folder(self.folder.root) if isinstance(found, SourceFile)]

    def served_folder(self, root: Path) -> Folder:
        """Write a folder that holds only what must be served."""
        served = Folder(root)
        for slug, content in self.bytes.items():
            served.write(f"{slug}.md", content.decode())
        return served


def open_careless(database: Path) -> sqlite3.Connection:
    """Open a store without fsync: hundreds are created here, and none must survive a power loss."""
    db = open_writer(database)
    db.execute("PRAGMA synchronous = OFF")
    return db


def run_ingest(
    db: sqlite3.Connection,
    folder: Folder,
    max_removed: int = MAX_REMOVED,
    paths: Collection[str] | None = None,
) -> None:
    ingest(db, folder.root, OPTIONS, processes=1, now_ns=later_ns, max_removed=max_removed, paths=paths)


@contextmanager
def temporary_store() -> Iterator[tuple[Path, sqlite3.Connection, Model]]:
    """A new folder for each history, because pytest's `tmp_path` is shared by all of them."""
    root = Path(tempfile.mkdtemp())
    db = open_careless(root / "store.db")
    try:
        yield root, db, Model(Folder(root / "content"))
    finally:
        db.close()
        shutil.rmtree(root)


def run_history(
    db: sqlite3.Connection,
    model: Model,
    history: list[list[Edit]],
    max_removed: int = MAX_REMOVED,
    select_paths: PathSelector = select_all,
) -> Iterator[None]:
    """Edit and ingest step by step."""
    for edits in history:
        for edit in edits:
            edit.do(model.folder)
        touched = {path for edit in edits for path in edit.paths}
        run_ingest(db, model.folder, max_removed, select_paths(touched))
        model.update()
        yield


@contextmanager
def fresh(root: Path, folder: Folder) -> Iterator[sqlite3.Connection]:
    database = root / "fresh.db"
    db = open_careless(database)
    try:
        run_ingest(db, folder)
        yield db
    finally:
        db.close()
        database.unlink()
