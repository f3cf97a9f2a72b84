"""Arbitrary bytes as content files: ingested or rejected, without losing a valid article."""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from gqlnews.content.models import ParseOptions
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.pipeline import ingest
from gqlnews.ingest.pool_worker import BUG_MESSAGE
from tests.fuzz.front_matter import files
from tests.fuzz.promises import SECONDS
from tests.fuzz.site_files import sites
from tests.ingest.folder import Folder, keys_of, later_ns, text_of

MODIFIED_SECONDS = st.integers(-(2**40), 2**40) | st.sampled_from([0, -1, 2**31, 2**33, 2**63 // 10**9])
GOOD = text_of(keys_of("https://x.example/good"))


class Intake:
    """A store of one valid article, beside which one file changes each time."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.folder = Folder(root / "content")
        self.folder.write("good.md", GOOD)
        self.database = root / "store.db"
        self._ingest(None)

    def ingest(self, data: bytes, modified: int) -> list[str]:
        """Ingest the bytes and return the served slugs. The valid file is touched, so it is parsed again."""
        other = self.folder.root / "other.md"
        other.write_bytes(data)
        os.utime(other, (modified, modified))
        self.folder.touch("good.md")
        return self._ingest(["other.md", "good.md"])

    def ingest_site(self, files: Mapping[str, bytes]) -> list[str]:
        """Ingest the files of a site beside the valid one, and return the served slugs."""
        for path, data in files.items():
            file = self.folder.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        self.folder.touch("good.md")
        try:
            return self._ingest(None)
        finally:
            for path in files:
                self.folder.remove(path)

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
    slugs = intake.ingest(file, data.draw(MODIFIED_SECONDS))
    assert time.process_time() - before < SECONDS
    assert slugs in (["good"], ["good", "other"])


def ingest_random_site(intake: Intake, data: DataObject) -> None:
    files = data.draw(sites)
    before = time.process_time()
    slugs = intake.ingest_site(files)
    assert time.process_time() - before < SECONDS
    assert "good" in slugs
