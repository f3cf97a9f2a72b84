"""The problems of the files that are in a store, as JSON values."""

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from gqlnews.database.sqlite.connection import connect_to_read
from gqlnews.ingest.links import read_problems


def stored_problems(database: Path) -> list[dict[str, Any]]:
    """Return each problem with the names and values of `gqlnews check --format json`."""
    with closing(connect_to_read(database)) as db:
        db.text_factory = str  # for the server, it is bytes
        return [msgspec.structs.asdict(problem) for problem in read_problems(db)]
