"""The fixtures of an ingest, which fills the database."""

from tests.ingest.conftest import database, db, folder, take_in

__all__ = ["database", "db", "folder", "take_in"]
