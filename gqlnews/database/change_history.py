"""Full history of changes, oldest first: what each article was before and after each change.

The changes of a scope are the images in `article_before` with their numbers in this scope, and the first
additions in `article_change`, which have no image. For change number n of an article:

1. Before it, the article was as its image n says; without an image, it did not exist.
2. After it, the article was as its next image says; without a next one, as its row says. So the result does
   not depend on when the change is read.
3. An empty image or no row means that there was no article. To the public, an unpublished article does not
   exist either.

Each page is read in a short read transaction of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol

from gqlnews.custom_fields import decode_fields
from gqlnews.database.protocol import RequiredVersion
from gqlnews.database.state_fields import State, StateField, known_fields
from gqlnews.errors import BehindError, Code, RequestError, SettingsError, VersionError
from gqlnews.versions import read_version

# ruff: noqa: S608 - these statements are built from constants and names of columns

PAGE_SIZE = 200  # changes per read transaction
MAX_KEYS = 10_000  # changes that are found at once, before their pages are read

# Statements.

_NUMBERS = ("public_version", "version")  # of an image, by scope


class StoreState(NamedTuple):
    """State of the history in one scope: it is complete after the version number `pruned`.

    `newest` is the number of the newest version, which only editors may have. `declared` are the
    declarations of custom fields.
    """

    epoch: str
    number: int
    pruned: int
    newest: int
    declared: str


def _keys_sql(scope: int) -> str:
    """Build SQL that selects the numbers and slugs of changes, and the ids of their images or 0.

    `version` of an entry of the change log is its latest change. Images up to `:last_image` are not read.
    """
    number = _NUMBERS[scope]
    return f"""
SELECT number, slug, max(image) FROM (
    SELECT {number} AS number, slug, id AS image FROM article_before
    WHERE id > :last_image AND {number} > :after
    UNION ALL
    SELECT first_added, slug, 0 FROM article_change
    WHERE scope = {scope} AND version > :after AND first_added > :after) AS changes
GROUP BY number, slug ORDER BY number LIMIT {MAX_KEYS}
"""


def _images_sql(scope: int, columns: str) -> str:
    """Build SQL that selects the image of a change, and the next one of this article."""
    number = _NUMBERS[scope]
    return (
        f"SELECT {number}, published{columns} FROM article_before"
        f" WHERE slug = :slug AND {number} >= :number ORDER BY {number} LIMIT 2"
    )


def _articles_sql(scope: int, columns: str) -> str:
    """Build SQL that selects all articles, in the order of a covering index."""
    condition = "" if scope else " WHERE published = 1"
    return f"SELECT slug, published{columns} FROM article{condition} ORDER BY published_at DESC, slug"


class HistorySource(Protocol):
    """A store in which a history is read. The statements have parameters such as `:slug`.

    All methods raise DatabaseError or a subclass.
    """

    label: str
    """The database as messages name it."""

    def close(self) -> None: ...

    def follow(self) -> bool:
        """Open the database that has replaced the one before; return whether there is another one."""
        ...

    def marker(self) -> object:
        """Return a value that changes when the content does."""
        ...

    def transaction(self, required: RequiredVersion | None) -> AbstractContextManager[None]:
        """Read transaction; on a replica, one that has the required version. Raises BehindError."""
        ...

    def read_state(self, scope: int) -> StoreState:
        """Return the state of the store in the transaction."""
        ...

    def execute(self, sql: str, bound: Mapping[str, object]) -> Iterable[Sequence[Any]]:
        """Return the rows of a statement in the transaction, each when it is requested."""
        ...


# History.


class RecordedChange(NamedTuple):
    """One change, and what the article was before and after it; None if there was no article."""

    version: str
    slug: str
    before: State | None
    after: State | None

    @property
    def kind(self) -> str:
        """ADDED, UPDATED or REMOVED."""
        if self.before is None:
            return "ADDED"
        return "REMOVED" if self.after is None else "UPDATED"


class ChangeHistory:
    """Reader of the history in one scope, from the version `since` on; `close` it at the end.

    `names` are the fields of states. The reader follows the database that replaces the one before. It closes
    the source. All methods raise DatabaseError or a subclass, VersionError if the history from the last
    version on is not known, and SettingsError if a field is not.
    """

    def __init__(self, source: HistorySource, scope: int, names: Sequence[str], since: str | None) -> None:
        self._source, self._scope, self._names = source, scope, names
        try:
            self._epoch, self._number, started = _parse_version(since)
            self._begin(max(self._number, started or 0))
        except BaseException:
            source.close()
            raise

    def _begin(self, number: int) -> None:
        """Check that the history is known from the version with this number on."""
        self._keys: list[tuple[int, str]] = []  # of changes that are still to be read
        self._last_image = 0  # the id of the last image of these; the ids ascend with the versions
        self._read_marker: object = None  # the marker of the content of which all changes are read
        self._fields: dict[str, StateField] = {}
        self._columns = ""
        self._declared: str | None = None
        self._has_articles = self._number > 0  # those of the version at which the history continues
        required = None if self._epoch is None else RequiredVersion(self._epoch, number)
        try:
            with self._transaction(required) as state:
                self._check_position(state, number)
        except BehindError as error:
            raise VersionError(error.code, str(error)) from error

    def close(self) -> None:
        self._source.close()

    @property
    def is_at_start(self) -> bool:
        """Whether the articles have not been read yet: the history begins with them."""
        return not self._has_articles

    def read_articles(self) -> Iterator[RecordedChange]:
        """Yield all articles as added, in one read transaction; the history continues after these.

        All but the last have the version of the start, because only all of them are a known state.
        """
        with self._transaction() as state:
            last = None
            for slug, *row in self._source.execute(_articles_sql(self._scope, self._columns), {}):
                if last is not None:
                    yield last
                last = RecordedChange(self._version(0), slug, None, self._to_state(row))
            if last is not None:
                yield last._replace(version=self._version(state.number))
        self._number, self._has_articles = state.number, True

    def read_page(self) -> list[RecordedChange]:
        """Return the next changes, at most `PAGE_SIZE`; none if there are no more at the moment."""
        if self._source.follow():
            self._keys.clear()
            self._last_image = 0
            self._read_marker = None
        marker = self._source.marker()
        if marker == self._read_marker:
            return []
        with self._transaction() as state:
            if not self._keys and self._number < state.number:
                self._find_changes()
            keys = self._keys[:PAGE_SIZE]
            changes = [self._read_change(number, slug) for number, slug in keys]
        if keys:
            self._number = keys[-1][0]
            del self._keys[:PAGE_SIZE]
        else:
            self._number = state.number
            self._read_marker = marker
        return changes

    def _find_changes(self) -> None:
        bound = {"after": self._number, "last_image": self._last_image}
        for number, slug, image in self._source.execute(_keys_sql(self._scope), bound):
            self._keys.append((number, slug))
            self._last_image = max(self._last_image, image)

    @contextmanager
    def _transaction(self, required: RequiredVersion | None = None) -> Iterator[StoreState]:
        """Read transaction, after a check that the last version is known and the fields are declared."""
        with self._source.transaction(required):
            state = self._source.read_state(self._scope)
            self._check_position(state, self._number)
            if state.declared != self._declared:
                self._declare(state.declared)
            yield state

    def _check_position(self, state: StoreState, number: int) -> None:
        if self._epoch is None:
            self._epoch = state.epoch
        version = f"version {self._version(self._number)}"
        if self._epoch != state.epoch:
            raise VersionError(
                Code.VERSION_TOO_OLD,
                f"{version} is from before {self._source.label} was rebuilt or replaced, or from a history "
                "with other articles (--unpublished): start again without --since",
            )
        if number > state.newest:
            raise VersionError(
                Code.BAD_VERSION,
                f"{version} is not a known one of {self._source.label}: pass a `version` that this command "
                "or the API returned, or start again without --since",
            )
        if self._has_articles and self._number < state.pruned:
            raise VersionError(
                Code.VERSION_TOO_OLD,
                f"{version} is older than the history in {self._source.label}: start again without --since",
            )

    def _declare(self, declared: str) -> None:
        known = known_fields(decode_fields(declared))
        unknown = [name for name in self._names if name not in known]
        if unknown:
            raise SettingsError(
                f"--fields: {unknown[0]!r} is not a field that filters read in {self._source.label}; "
                f"use {', '.join(known)}"
            )
        self._fields = {name: known[name] for name in self._names}
        self._columns = "".join(f", {field.column}" for field in self._fields.values())
        self._declared = declared

    def _read_change(self, number: int, slug: str) -> RecordedChange:
        bound = {"slug": slug, "number": number}
        images = list(self._source.execute(_images_sql(self._scope, self._columns), bound))
        before = images.pop(0)[1:] if images and images[0][0] == number else None
        after = images[0][1:] if images else self._read_article(slug)
        return RecordedChange(self._version(number), slug, self._to_state(before), self._to_state(after))

    def _read_article(self, slug: str) -> Sequence[Any] | None:
        sql = f"SELECT published{self._columns} FROM article WHERE slug = :slug"
        return next(iter(self._source.execute(sql, {"slug": slug})), None)

    def _to_state(self, row: Sequence[Any] | None) -> State | None:
        """Return the state from a row, which begins with `published`: null, if there was no article."""
        if row is None or row[0] is None or (row[0] == 0 and self._scope == 0):
            return None
        return {
            name: None if value is None else field.decode(value)
            for (name, field), value in zip(self._fields.items(), row[1:], strict=True)
        }

    def _version(self, number: int) -> str:
        return f"{self._epoch}{number}"


def _parse_version(since: str | None) -> tuple[str | None, int, int | None]:
    try:
        return read_version(since)
    except RequestError as error:
        raise VersionError(
            error.code,
            f"--since: {since!r} is not a version: pass a `version` that this command or the API returned",
        ) from None
