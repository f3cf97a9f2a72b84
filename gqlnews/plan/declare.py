"""What a field of the schema says of itself: where its value comes from.

The types of the schema carry these as field metadata, and the planner reads nothing else: it holds no name
of a type, a field or a table. Columns are named as SQL names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from gqlnews.plan.arguments import ReadArguments, no_arguments, slice_arguments


class Seen(Enum):
    """Which rows of a table a caller may see."""

    ALWAYS = auto()  # whoever reached the row may see it
    PUBLISHED = auto()  # the public: those whose `published` is 1
    SCOPE = auto()  # those whose `scope` is the caller's
    AUDIENCE = auto()  # those whose `audience` is the caller's
    EDITOR = auto()  # an editor all, everyone else none


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """A key of an order. `missing` stands for null, below or above every value, so that no key is null."""

    column: str
    descending: bool = False
    missing: int | None = None
    number: bool = False  # else text


LEAST = -1e300  # below every key that decays


@dataclass(frozen=True, slots=True)
class Decay(OrderTerm):
    """`column` + `moment` ÷ `life`, highest first; `LEAST` for rows without a value in `column`.

    `column` counts halvings, and `moment` is in seconds, as is `life`, the name of a bound value. A cursor
    holds `base` instead, from which the key is made anew: a double does not survive as text.
    """

    moment: str = ""
    life: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class Junction:
    """A table between two: rows match `near`, lead to `far`, in the order of `position`.

    `copies` are the columns of the far table that it repeats. Where those of its order are among them, a
    connection walks the junction alone. `items`: a column of the far table that holds its near keys as items
    (keys.py), which a connection with a filter reads instead: its index holds all that filters test.
    """

    table: str
    near: str
    far: str
    position: str | None = None
    copies: frozenset[str] = frozenset()
    items: str | None = None
    seen: Seen = Seen.ALWAYS


@dataclass(frozen=True, slots=True)
class Entity:
    """A type whose objects are rows. `key` is unique among the rows that one caller sees."""

    table: str
    key: str
    seen: Seen = Seen.ALWAYS
    order: tuple[OrderTerm, ...] = ()
    node_key: str | None = None  # the natural key in a global id, where the type is a Node
    node_through: Junction | None = None  # where a global id names a row of this table, and not the entity's


class Kind(Enum):
    """What the JSON of a column is."""

    PLAIN = auto()  # text, integer or null, as stored
    BOOLEAN = auto()  # stored as 0 or 1
    JSON = auto()  # stored as JSON text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the row; null for everyone but an editor where `sealed`."""

    name: str
    kind: Kind = Kind.PLAIN
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """The same text for every object of the type: `__typename`."""

    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """What joins a row to its parent: the parent's column, or the field's argument, equals `child`."""

    child: str
    parent: str | None = None
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class One:
    """The one row that matches, or null."""

    match: Match | None = None
    through: Junction | None = None
    arguments: ReadArguments = no_arguments


@dataclass(frozen=True, slots=True)
class Many:
    """All rows that match, in order, or those that `first` and `offset` leave.

    `position`: a column that counts the rows of one parent from 0, so that a slice is a range.
    """

    match: Match | None = None
    through: Junction | None = None
    position: str | None = None
    arguments: ReadArguments = no_arguments


@dataclass(frozen=True, slots=True)
class Items:
    """The objects of a JSON array that the row holds; with `single`, the first one or null."""

    column: str
    single: bool = False
    arguments: ReadArguments = slice_arguments


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search finds in a full-text index, whose rows have the keys of the entity's.

    There is one index of the name for each scope.
    """

    index: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A Relay connection, by keyset, over the rows of `entity` that match, or that `hits` finds.

    `arguments` read to a `ListShape`. `shortcut` is a junction to the rows with `items`: where the filter
    asks for one of these, and all else that is read is among its `copies`, it is walked instead.
    """

    entity: Entity
    arguments: ReadArguments
    match: Match | None = None
    through: Junction | None = None
    hits: Hits | None = None
    shortcut: Junction | None = None


@dataclass(frozen=True, slots=True)
class Alike:
    """What makes rows alike, so that a list keeps the first: the same `column`, or the same row `through`."""

    column: str = ""
    through: Junction | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """How many rows of a listing there are for each value of `column`, most first, then by value.

    The objects have the columns `key` and `count`. `column` is one of `items`, a junction from the rows to
    their values, where that is given. The listing is the connection's that the field hangs from, or that of
    `entity` by `match` and `through`.
    """

    column: str
    items: Junction | None = None
    entity: Entity | None = None
    match: Match | None = None
    through: Junction | None = None
    arguments: ReadArguments = no_arguments


@dataclass(frozen=True, slots=True)
class Statistics:
    """`min`, `max` and `average` of a column over the rows of the connection's listing."""

    column: str


@dataclass(frozen=True, slots=True)
class Intervals:
    """How many rows of the connection's listing fall into each interval of `column`, an instant's key.

    The objects have the columns `start` and `count`, oldest first, empty ones between them.
    """

    column: str
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of the answer and the columns that are compared: the row's, and as shown the other row's."""

    field: str
    column: str
    shown: str


@dataclass(frozen=True, slots=True)
class Differences:
    """In which columns a row that has a value says another than the row of `entity` that it matches.

    The objects have the columns `field`, `listed` and `stored`, texts.
    """

    entity: Entity
    match: Match
    among: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """Rows of `entity` that share rare words with the row, most alike first.

    `index` is as in `Hits`; `words` names a table of `article_id` and `words` (a JSON array), `counts` one of
    `scope`, `word` and `documents`. Left out is what has one of the row's names, or one of those it lists:
    `named` leads from a name to rows, and `lists` from the row to names.
    """

    entity: Entity
    index: str
    words: str
    counts: str
    named: Junction
    lists: Junction
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class Log:
    """What changed after a version: an object of `changes` each, of its latest change, with the columns
    `kind` (`ADDED`, `UPDATED`, `REMOVED`), `version` and `there`: the key again, null where it was removed.

    `changes` has the columns `version`, `first_added`, `added` and `removed`, and `state` the caller's own
    `version` (text, `line-number`), `number` and `forgotten`.
    """

    changes: Entity
    state: Entity
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class Events:
    """Changes as they come: objects with the columns of a `Log`'s, of which `there` is null without a row.

    `arguments` read to a condition on the rows of `entity`, of which `key` is the name that changes speak of.
    """

    entity: Entity
    key: str
    arguments: ReadArguments


@dataclass(frozen=True, slots=True)
class Refs:
    """Objects of several types by global id, in the order asked for; with `single`, the one."""

    arguments: ReadArguments
    single: bool = False


class Part(Enum):
    """The fields of a connection, its edges, its page info and its facets, which are no columns."""

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


class LogPart(Enum):
    """The fields of a log."""

    CHANGES = auto()
    VERSION = auto()
    HAS_MORE = auto()


Declaration = (
    Column
    | Literal
    | One
    | Many
    | Items
    | Connection
    | Groups
    | Statistics
    | Intervals
    | Differences
    | Similar
    | Log
    | Events
    | Refs
    | Part
    | LogPart
)


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that the schema declares: fields by (type, field), entities by type."""

    fields: Mapping[tuple[str, str], Declaration]
    entities: Mapping[str, Entity]
