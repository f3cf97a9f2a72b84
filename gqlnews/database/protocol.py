"""What a store offers to the engine, the subscriptions and the server, whichever database it is.

A store is read at snapshots, each of which has a version per audience. Answers are cached by the version that
they were read from. SQLite notices a commit with each request, so its answers need not name their version. A
PostgreSQL store polls the version, so an answer may be newer than that: each one says what it was read from.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from gqlnews.custom_fields import CustomField
from gqlnews.errors import Code, ResourceLimitError

Statement = tuple[str, Sequence[object]]
"""SQL text and its parameters. It returns one row with one column of JSON text."""

Statements = Sequence[Statement]

Sizes = Mapping[str, int]
"""Table sizes as clients see them, used to estimate the scan work of a request.

The keys are table names (`""` for articles) with their number of rows, and `table.column` with the number of
rows of the largest group of that column. A store reads the sizes after a content change, at most twice a
second, and never as a part of a request.
"""


class SnapshotId(NamedTuple):
    """Identity of a snapshot: its version and database, as two databases may reach the same version."""

    database: int
    version: bytes


class BatchResults(NamedTuple):
    """One value per statement, all from one snapshot: bytes, or None for null.

    `snapshot_ids` identify the snapshot by audience. None: it is that of `Store.snapshot_id` at the time of
    the call, or a later one that `snapshot_id` has returned since.
    """

    values: Sequence[bytes | None]
    snapshot_ids: Sequence[SnapshotId] | None = None


class Store(Protocol):
    """The store as the engine reads it."""

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        """Return the newest snapshot id of an audience that is known; None if there is none."""
        ...

    def sizes(self, audience: int) -> Sizes:
        """Return the table sizes that an audience sees; empty if they are unknown."""
        ...

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        """Run short statements on the event loop; return None for others."""
        ...

    async def execute_batch(self, statements: Statements) -> BatchResults:
        """Run statements off the event loop, in one read transaction.

        Raises DatabaseError if the store cannot be read, and ResourceLimitError.
        """
        ...

    def execute_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[Sequence[bytes | None], None]:
        """Run the statements of each part in turn, in one read transaction, and yield their results."""
        ...


class DatabaseStatistics(NamedTuple):
    """State of a database that is reached over the network, for metrics. `lag_seconds`: None if unknown."""

    connections: int
    connections_in_use: int
    waiting: int  # requests that wait for a connection
    is_standby: bool  # whether the version is polled from a standby
    lag_seconds: float | None
    version_age_seconds: float  # since the version was polled last
    has_ingester: bool  # whether an ingester publishes


class OverdueSchedule(Protocol):
    """When the next article appears or expires, and how many should have by now."""

    @property
    def next_due(self) -> str: ...

    @property
    def overdue(self) -> int: ...


class Database(Store, Protocol):
    """The store as the server reads it. `close` it at the end.

    `on_replaced` is awaited after another database has taken the place of the one that was read, and
    `on_fields_changed` after a configuration has declared other custom fields than before.
    """

    on_replaced: Callable[[], Awaitable[None]] | None
    on_fields_changed: Callable[[tuple[CustomField, ...]], Awaitable[None]] | None
    is_remote: bool  # statements run elsewhere, and are to be cancelled when their client leaves
    is_damaged: bool  # reads fail until the database is replaced
    is_ingest_failing: bool  # the content is that of an earlier ingest
    replacements: int  # so far
    statements: int  # run so far

    async def close(self) -> None:
        """Release all resources."""
        ...

    async def can_answer(self) -> bool:
        """Return whether the database can be read now, however busy it is."""
        ...

    def version(self, audience: int) -> bytes | None:
        """Return the newest version of an audience that is known, `epoch-number`; None if there is none."""
        ...

    def custom_fields(self) -> tuple[CustomField, ...]:
        """Return the custom fields that the store has now."""
        ...

    async def counts(self) -> Mapping[str, float]:
        """Count the `public` articles and `all`, and the problems of each severity.

        `next_due` is when the next article appears or expires, in seconds since the Unix epoch, if any does.
        """
        ...

    def schedule_without_watcher(self) -> OverdueSchedule | None:
        """Return the schedule if no watcher follows it; None if nothing is scheduled or it is unknown."""
        ...

    async def find_media(self, path: str, audience: int) -> bool | None:
        """Return whether the image at a path of the content folder belongs to a published article.

        None if it belongs to no article that the audience sees.
        """
        ...

    def statistics(self) -> DatabaseStatistics | None:
        """Return the state of a database that is reached over the network; None of a file."""
        ...


# What a request demands of the store, besides its statements.


class RequiredVersion(NamedTuple):
    """The version that a client has seen: the snapshot must not be older. `epoch` ends with a hyphen."""

    epoch: str
    number: int


required_version_var: ContextVar[RequiredVersion | None] = ContextVar("required", default=None)
"""The version that the snapshot of the task's statements must have reached."""


# Limits of running statements, in all stores: time, and size of the results.

STATEMENT_TIME_SHARE = 0.75  # of an operation's timeout; the rest is for work before and after
TIMED_OUT_MESSAGE = (
    "The request exceeded its time limit and was stopped: request less, or split it into several requests."
)


def timeout_error() -> ResourceLimitError:
    return ResourceLimitError(Code.TIMED_OUT, TIMED_OUT_MESSAGE)


def response_too_large(max_bytes: int) -> ResourceLimitError:
    text = f"The response is larger than {max_bytes:,} bytes: request fewer articles or fewer fields."
    return ResourceLimitError(Code.ANSWER_TOO_LARGE, text)
