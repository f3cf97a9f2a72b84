"""Field declarations: where the value of a schema field comes from.

The schema's types have these declarations as field metadata. The query layer reads nothing else of the
schema, and contains no name of a type, field, table or column of it. Columns are referred to by their SQL
names. What the layer does name are the conventions of every schema built on it: Relay's connections, the
arguments `where`, `orderBy` and `collapse`, the operators of filters, and the columns of computed rows, which
the docstrings below list. `tests/query/test_no_schema_names.py` has the whole vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from gqlnews.query.arguments import ReadArguments, no_arguments, read_slice
from gqlnews.query.entities import Entity, JoinTable


class Kind(Enum):
    """How a column is converted to JSON."""

    PLAIN = auto()  # text, integer or null, as stored
    BOOLEAN = auto()  # stored as 0 or 1
    NULLABLE_BOOLEAN = auto()  # stored as 0, 1 or null
    JSON = auto()  # stored as JSON text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the row. `editor_only`: null for every other audience."""

    name: str
    kind: Kind = Kind.PLAIN
    editor_only: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant text: `__typename`."""

    text: str


@dataclass(frozen=True, slots=True)
class JoinKey:
    """Join key: `child` equals a column of the parent row, or an argument of the field."""

    child: str
    parent: str | None = None
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class One:
    """The single matching row, or null."""

    match: JoinKey | None = None
    through: JoinTable | None = None
    arguments: ReadArguments = no_arguments


@dataclass(frozen=True, slots=True)
class Many:
    """A plain list of the matching rows, in order, optionally sliced by `first` and `offset`.

    `position`: a column that numbers the rows of each parent from 0, so that a slice is a range condition.
    The shape that `arguments` returns is the order, None for that of the entity.
    """

    match: JoinKey | None = None
    through: JoinTable | None = None
    position: str | None = None
    arguments: ReadArguments = no_arguments


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rows: those with the same `column`, or with the same key in the join table `through`.

    A partial index of the rows whose `column` is greater than the empty text contains each group in order.
    Of several keys, the row's own is the one at position 0 of `position`.
    """

    column: str = ""
    through: JoinTable | None = None
    position: str = ""


@dataclass(frozen=True, slots=True)
class Neighbor:
    """The row next to a row in the entity's order, among those of a group; `backward`: the one before it.

    The shape that `arguments` returns is the `Group`, None for all rows. `key` is the row's column.
    """

    key: JoinKey
    arguments: ReadArguments
    backward: bool = False


@dataclass(frozen=True, slots=True)
class JsonArray:
    """The objects of a JSON array column; with `single`, the first one or null."""

    column: str
    single: bool = False
    arguments: ReadArguments = read_slice


@dataclass(frozen=True, slots=True)
class Connection:
    """A Relay connection with keyset pagination over the matching rows of `entity`.

    The shape that `arguments` returns is a `ConnectionShape`. With `is_search`, the rows are those that match
    the value `match` in the entity's full-text index, with a column `score`. `shortcut` is a join table with
    a `list_column`: if the filter requires an item of that column, and all other columns that are read are
    `denormalized`, the join table is scanned instead of the table.
    """

    entity: Entity
    arguments: ReadArguments
    match: JoinKey | None = None
    through: JoinTable | None = None
    is_search: bool = False
    shortcut: JoinTable | None = None


@dataclass(frozen=True, slots=True)
class CollapseBy:
    """Collapse duplicates to the first row: rows with equal `column`, or joined to the same row `through`."""

    column: str = ""
    through: JoinTable | None = None


@dataclass(frozen=True, slots=True)
class TermsFacet:
    """Terms facet: row counts per value of `column`, by count descending, then by value.

    The objects have the columns `key` and `count`. `values_through` is a join table from the rows to
    their values, for multi-valued columns. The rows are those of the parent connection, or of `entity` by
    `match` and `through`.
    """

    column: str
    values_through: JoinTable | None = None
    entity: Entity | None = None
    match: JoinKey | None = None
    through: JoinTable | None = None
    arguments: ReadArguments = no_arguments
    editor_only: bool = False


@dataclass(frozen=True, slots=True)
class StatsFacet:
    """Stats facet: `min`, `max` and `average` of a column over all rows of the connection."""

    column: str


@dataclass(frozen=True, slots=True)
class HistogramFacet:
    """Date histogram facet: row counts of the connection per interval of `column`, a timestamp sort key.

    The objects have the columns `start` and `count`, oldest first, and include empty intervals.
    """

    column: str
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class Difference:
    """A column compared between two rows; `field` names it in the response."""

    field: str
    column: str
    display_column: str


@dataclass(frozen=True, slots=True)
class Differences:
    """Drift: the columns whose non-null value differs from that of the matching row of `entity`.

    The objects have text columns for the name of the field, the row's value and the matching row's value;
    `columns` names them.
    """

    entity: Entity
    match: JoinKey
    compared: tuple[Difference, ...]
    columns: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class MoreLikeThis:
    """More-like-this: rows of `entity` that share rare words with the row, best match first.

    `words` joins rows to the JSON arrays of their words, and `counts` joins words to the numbers of rows that
    have them. The row itself, rows that share one of its URLs, and rows with a URL that it references are
    excluded: `urls` joins rows to the URLs that they have, `referenced_urls` to those that they reference.
    """

    entity: Entity
    words: JoinTable
    counts: JoinTable
    urls: JoinTable
    referenced_urls: JoinTable
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class ChangeFeed:
    """Change feed: the objects that changed after a version, each once, with its latest change.

    The objects have the key of `changes` and the columns `kind`, `version` and `current_key` (null if the
    object was deleted). `kinds` are the values of `kind` for a created, a changed and a deleted object.
    """

    arguments: ReadArguments
    kinds: tuple[str, str, str]
    # The change log: one row per object, with numbers of changes.
    changes: Entity
    change_number: str  # column with the number of the latest change
    first_creation: str  # column with the number of the change that created the object, first and last
    last_creation: str
    is_deleted: str  # column that is 1 if the object is deleted, else 0
    # The state of an audience.
    state: Entity
    version: str  # column with the version, as text: `epoch-number`
    number: str  # column with the number in that version
    last_pruned: str  # column with the number of the newest deletion that was pruned from the change log


@dataclass(frozen=True, slots=True)
class ChangeStream:
    """Change stream of a subscription: objects with the columns of a `ChangeFeed`.

    `current_key` is also null if the row no longer matches. The shape that `arguments` returns is a condition
    on the rows of `entity`, and on those of `before`, which are what the rows were before changes. `key` is
    the column that identifies a changed row.
    """

    entity: Entity
    before: Entity
    key: str
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class NodeLookup:
    """Node lookup: objects of several types by global id, in request order; with `single`, one object."""

    arguments: ReadArguments
    single: bool = False


class ConnectionField(Enum):
    """Fields of a connection, its edges, page info and facets that are not columns."""

    EDGES = auto()
    NODES = auto()
    PAGE_INFO = auto()
    TOTAL_COUNT = auto()
    EDGE_CURSOR = auto()
    EDGE_NODE = auto()
    HAS_NEXT_PAGE = auto()
    HAS_PREVIOUS_PAGE = auto()
    START_CURSOR = auto()
    END_CURSOR = auto()
    FACETS = auto()
    SCORE = auto()
    SNIPPET = auto()


class ChangeFeedField(Enum):
    """Fields of a change feed."""

    CHANGES = auto()
    VERSION = auto()
    HAS_MORE = auto()


Declaration = (
    Column
    | Literal
    | One
    | Many
    | Neighbor
    | JsonArray
    | Connection
    | TermsFacet
    | StatsFacet
    | HistogramFacet
    | Differences
    | MoreLikeThis
    | ChangeFeed
    | ChangeStream
    | NodeLookup
    | ConnectionField
    | ChangeFeedField
)


@dataclass(frozen=True, slots=True)
class Declarations:
    """All declarations of the schema: fields by (type, field), entities by type."""

    fields: Mapping[tuple[str, str], Declaration]
    entities: Mapping[str, Entity]
