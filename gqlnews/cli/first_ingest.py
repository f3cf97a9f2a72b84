"""The ingest before a server serves, tried again after errors that may pass."""

import time
from contextlib import closing
from functools import partial

from gqlnews.cli.follow import ServerLog
from gqlnews.cli.ingest import MAY_PASS, fill, take_in
from gqlnews.cli.source import Source
from gqlnews.errors import DamagedDatabaseError, DatabaseError
from gqlnews.store.connection import connect_to_read, has_content
from gqlnews.store.follow import Trouble, pauses, rebuild_damaged
from gqlnews.store.ingest import IngestReport
from gqlnews.store.location import identity_of


def ingest_before_serving(source: Source, *, follows: bool) -> IngestReport | None:
    """Ingest until it succeeds, with growing pauses; log each new reason once.

    None where it failed, but an earlier ingest left content to serve, and a follower (`follows`) tries on.
    Raises StartupError for what does not pass by itself.
    """
    trouble = Trouble(ServerLog())
    for pause in pauses():
        try:
            report = _take_in_or_rebuild(source)
        except MAY_PASS as error:
            trouble.tell(str(error))
            if follows and _has_content(source):
                return None
            time.sleep(pause)
        else:
            trouble.is_over()
            return report
    raise AssertionError("there is always another try")


def _take_in_or_rebuild(source: Source) -> IngestReport:
    identity = identity_of(source.database)
    try:
        return take_in(source)
    except DamagedDatabaseError as error:
        assert identity is not None, "a file that is not there is not damaged"
        rebuild_damaged(ServerLog(), source.database, error.reason, partial(fill, source), identity)
        return take_in(source)


def _has_content(source: Source) -> bool:
    try:
        with closing(connect_to_read(source.database)) as db:
            return has_content(db)
    except DatabaseError:
        return False
