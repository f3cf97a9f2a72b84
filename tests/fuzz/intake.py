"""Arbitrary bytes as a content file: ingested or rejected, without losing a valid article."""

import time
from contextlib import closing
from pathlib import Path

from hypothesis.strategies import DataObject

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.ingest.pool_worker import BUG_MESSAGE
from tests.fuzz.front_matter import files
from tests.fuzz.promises import SECONDS
from tests.ingest.folder import Folder, keys_of, later_ns, text_of

GOOD = text_of(keys_of("https://x.example/good"))


class Intake:
    """A store of one valid article, beside which one file changes each time."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.folder = Folder(root / "content")
        self.folder.write("good.md", GOOD)
        self.database = root / "store.db"
        self._ingest(None)

    def ingest(self, data: bytes) -> list[str]:
        """Ingest the bytes and return the served slugs. The valid file is touched, so it is parsed again."""
        (self.folder.root / "other.md").write_bytes(data)
        self.folder.touch("other.md")
        self.folder.touch("good.md")
        return self._ingest(["other.md", "good.md"])

    def _ingest(self, paths: list[str] | None) -> list[str]:
        with closing(open_writer(self.database)) as db:
            ingest(db, self.folder.root, ParseOptions(), processes=1, now_ns=later_ns, paths=paths)
            bugs = db.execute(
                "SELECT message FROM problem WHERE message LIKE ?", (f"{BUG_MESSAGE}%",)
            ).fetchall()
            assert bugs == []
            return [slug for (slug,) in db.execute("SELECT slug FROM article ORDER BY slug")]


def ingest_random_file(intake: Intake, data: DataObject) -> None:
    file = data.draw(files)
    before = time.process_time()
    slugs = intake.ingest(file)
    assert time.process_time() - before < SECONDS
    assert slugs in (["good"], ["good", "other"])
