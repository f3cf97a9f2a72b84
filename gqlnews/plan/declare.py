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
    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A type whose objects are rows. `key` is unique among the rows that one caller sees."""

    table: str
    key: str
    seen: Seen = Seen.ALWAYS
    order: tuple[OrderTerm, ...] = ()
    node_key: str | None = None  # the natural key in a global id, where the type is a Node


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
class Junction:
    """A table between two: rows match `near`, lead to `far`, in the order of `position`.

    It carries copies of the far table's order and visibility columns where connections walk it.
    """

    table: str
    near: str
    far: str
    position: str | None = None


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
class Connection:
    """A Relay connection over the rows of `entity` that match, by keyset on its order.

    `place` names the list in its cursors.
    """

    entity: Entity
    place: str
    arguments: ReadArguments
    match: Match | None = None
    through: Junction | None = None


@dataclass(frozen=True, slots=True)
class Refs:
    """Objects of several types by global id, in the order asked for; with `single`, the one."""

    arguments: ReadArguments
    single: bool = False


class Part(Enum):
    """The fields of a connection, its edges and its page info, which are no columns."""

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


Declaration = Column | Literal | One | Many | Items | Connection | Refs | Part


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that the schema declares: fields by (type, field), entities by type."""

    fields: Mapping[tuple[str, str], Declaration]
    entities: Mapping[str, Entity]
