"""The target of the attacks: a copy of the articles, and its database, built by the attacked tree."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.folders import real_or_sample, write_sample_folder
from benchmarks.live.stores import DATABASE_SUFFIXES, Store
from benchmarks.throughput.progress import report
from benchmarks.trees import python_path

_PUBLISHED = "SELECT slug FROM article WHERE published ORDER BY random()"
_VERSION = "SELECT version FROM site WHERE audience = 0"


@dataclass(frozen=True, slots=True)
class Target:
    """A database ingested by the code in `tree`.

    `slugs` is a JSON file of the slugs of published articles. Every article has changed since version
    `since`.
    """

    tree: Path
    store: Store
    slugs: Path
    since: str
    scratch: Path

    @property
    def settings(self) -> Mapping[str, str]:
        """Environment of the server: the code of the attacked tree, and default settings."""
        # `serve_store` sets the limit to 0; an empty variable restores the default.
        return {**python_path(self.tree), "GQLNEWS_MAX_STREAMS_PER_CLIENT": ""}

    def copy_store(self) -> Store:
        """Return a store with a new copy of the original database."""
        folder = self.scratch / "attacked"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        database = folder / "store.db"
        for suffix in DATABASE_SUFFIXES:
            if (file := Path(f"{self.store.database}{suffix}")).exists():
                shutil.copyfile(file, f"{database}{suffix}")
        return Store(self.store.folder, database, self.store.articles)


def prepare(tree: Path, scratch: Path, articles: int | None) -> tuple[Target, str]:
    """Copy and ingest the articles, or a sample of this number; also return a name for the report."""
    folder, called = real_or_sample(scratch) if articles is None else _sampled(scratch, articles)
    copy, database, slugs = scratch / "content", scratch / "store.db", scratch / "slugs.json"
    report(f"ingest of {called}")
    shutil.copytree(folder, copy)
    command = [sys.executable, "-m", "gqlnews", "ingest", str(copy), "--db", str(database)]
    subprocess.run(command, check=True, capture_output=True, env=environment(tree))  # noqa: S603 - our own module
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        published = [slug for (slug,) in db.execute(_PUBLISHED)]
        (version,) = db.execute(_VERSION).fetchone()
    slugs.write_bytes(orjson.dumps(published))
    store = Store(copy, database, len(published))
    return Target(tree, store, slugs, f"{version.rpartition('-')[0]}-1", scratch), called


def _sampled(scratch: Path, articles: int) -> tuple[Path, str]:
    return write_sample_folder(scratch, articles), f"a sample of {articles:,}"


def environment(tree: Path) -> dict[str, str]:
    """Return the current environment without GQLNEWS_ options; Python imports from `tree`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GQLNEWS_")}
    return inherited | python_path(tree)
