"""The fixtures of an ingest, which fills the database."""

from tests.ingest.conftest import database, db, folder, run_ingest

__all__ = ["database", "db", "folder", "run_ingest"]
