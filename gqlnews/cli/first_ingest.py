"""The ingest before serving, retried after transient errors."""

import time
from contextlib import closing
from functools import partial

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.ingest import MAY_PASS, fill, ingest_folder
from gqlnews.cli.watch import ServerLog
from gqlnews.database.sqlite.damage import DamageReport
from gqlnews.database.sqlite.paths import identity_of
from gqlnews.database.sqlite.reader_connection import connect_to_read, has_content
from gqlnews.database.sqlite.writer import WAIT_SECONDS
from gqlnews.errors import DamagedDatabaseError, DatabaseError, LockedDatabaseError
from gqlnews.ingest.pipeline import IngestReport
from gqlnews.ingest.watch_ingest import WAIT_AT_ONCE, FailureReporter, backoff, rebuild_damaged


def ingest_before_serving(source: IngestTarget, *, follows: bool) -> IngestReport | None:
    """Ingest until it succeeds, with backoff; log each new reason once.

    Returns None if it failed, but an earlier ingest left content to serve and a watcher (`follows`) keeps
    retrying. Raises StartupError for permanent errors.
    """
    trouble = FailureReporter(ServerLog())
    for pause in backoff():
        try:
            report = _ingest_or_rebuild(source, trouble)
        except MAY_PASS as error:
            trouble.tell(str(error), after=WAIT_SECONDS if isinstance(error, LockedDatabaseError) else 0.0)
            if follows and trouble.is_reported and _has_content(source):
                return None
            time.sleep(pause)
        else:
            trouble.is_over()
            return report
    raise AssertionError("there is always another try")


def _ingest_or_rebuild(source: IngestTarget, trouble: FailureReporter) -> IngestReport:
    identity = identity_of(source.database)
    try:
        return ingest_folder(source, WAIT_AT_ONCE)
    except DamagedDatabaseError as error:
        if identity is None:
            raise
        damage = DamageReport(identity, error.reason)
    rebuild_damaged(trouble, source.database, damage, partial(fill, source))
    return ingest_folder(source, WAIT_AT_ONCE)


def _has_content(source: IngestTarget) -> bool:
    try:
        with closing(connect_to_read(source.database)) as db:
            return has_content(db)
    except DatabaseError:
        return False
