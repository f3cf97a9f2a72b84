"""SQL of SQLite 3.40 and later."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnClause,
    FromClause,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    table,
)
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.types import TypeEngine

from gqlnews.query.entities import HIGH_TEXT, FullTextIndex, OrderTerm
from gqlnews.query.sql.dialect import (
    SCORE_SCALE,
    AnySelect,
    Expression,
    GetParameter,
    Hits,
    Lookup,
    Placeholder,
    Placeholders,
    cross_join,
)

MAX_PAIRS = 60  # SQLite functions take at most 127 arguments
SNIPPET_TOKENS = 24
MARK_START, MARK_END, ITEM_SEPARATOR = (
    "char(2)",
    "char(3)",
    "char(57344)",
)  # markers around a match; separator of list items
REPLACEMENTS = (
    ("'&'", "'&amp;'"),
    ("'<'", "'&lt;'"),
    ("'>'", "'&gt;'"),
    ("'\"'", "'&quot;'"),
    ("''''", "'&#39;'"),
    (ITEM_SEPARATOR, "'·'"),
    (MARK_START, "'<mark>'"),
    (MARK_END, "'</mark>'"),
)

# SQL for the first day of the interval that contains a timestamp key, and the step to the next interval.
FIRST_DAY = {
    "DAY": "substr({key}, 1, 10)",
    "WEEK": "date(substr({key}, 1, 10), '-6 days', 'weekday 1')",
    "MONTH": "substr({key}, 1, 7) || '-01'",
    "YEAR": "substr({key}, 1, 4) || '-01-01'",
}
STEP = {"DAY": "+1 day", "WEEK": "+7 days", "MONTH": "+1 month", "YEAR": "+1 year"}

_DIALECT = SQLiteDialect(paramstyle="qmark")
_TRUE: Expression = literal_column("json('true')")
_FALSE: Expression = literal_column("json('false')")
_ZERO: Expression = literal_column("0")


MAX_NESTING = 7
"""Maximum nesting depth in one layer. A relation to one row adds 1, to many rows 2, to a page or group of
rows 3 (rows.py), and each extra nesting of a wide object 1.

SQLite 3.40's parser has room for any combination up to that depth (tests/query/test_nesting.py measures it).
A nested relation takes half as much time as one in a layer of its own.
"""


class Sqlite:
    """Dialect of SQLite, which converts types that PostgreSQL needs casts for."""

    max_nesting = MAX_NESTING
    has_lateral = False

    def compile(self, query: AnySelect) -> tuple[str, Placeholders]:
        compiled = query.compile(dialect=_DIALECT)
        # SQLAlchemy adds parameters of its own, such as an OFFSET of 0. Only those have a value now.
        return str(compiled), tuple(
            Placeholder(name, compiled.params[name]) for name in compiled.positiontup or ()
        )

    def number(self, sql: str, placeholders: Placeholders) -> tuple[str, Placeholders]:
        return sql, placeholders

    def bind_values(self, placeholders: Placeholders, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple(values.get(placeholder.name, placeholder.constant) for placeholder in placeholders)

    def bind(self, name: str, type_: TypeEngine[Any] | None = None) -> Expression:
        return bindparam(name)

    def json_object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        """Members beyond `MAX_PAIRS` are added with `json_insert`, in order."""
        first, others = pairs[:MAX_PAIRS], pairs[MAX_PAIRS:]
        json: Expression = func.json_object(*_flatten(first))
        for start in range(0, len(others), MAX_PAIRS):
            some = others[start : start + MAX_PAIRS]
            json = func.json_insert(json, *_flatten((f"$.{key}", value) for key, value in some))
        return json

    def insert_depth(self, members: int) -> int:
        """Each `json_insert` around the object is a nesting level."""
        return (members - 1) // MAX_PAIRS if members else 0

    def json_array(self, *items: Expression) -> Expression:
        return func.json_array(*items)

    def json_collect(self, item: Expression) -> Expression:
        return func.json_group_array(item)

    def json_lines(self, item: Expression) -> Expression:
        return func.group_concat(item, self.newline())

    def json(self, text: Expression) -> Expression:
        return func.json(text)

    def json_value(self, value: Expression) -> Expression:
        return value

    def json_string(self, text: str) -> Expression:
        return literal_column(f"'{text}'")

    def json_null(self) -> Expression:
        return null()

    def json_boolean(self, condition: Expression, *, nullable: bool = False) -> Expression:
        """SQLite has no booleans, so 0 and 1 are mapped to false and true."""
        if nullable:
            return case((condition, _TRUE), (condition.is_not(None), _FALSE))
        return case((condition, _TRUE), else_=_FALSE)

    def is_true(self, column: Expression) -> Expression:
        return column

    def average(self, column: Expression) -> Expression:
        return func.avg(column)

    def score(self, scaled: Expression) -> Expression:
        return scaled / literal_column(SCORE_SCALE)

    def json_length(self, json: Expression) -> Expression:
        return func.json_array_length(json)

    def first_item(self, json: str, member: str) -> Expression:
        return literal_column(f"{json} -> '$[0].{member}'")

    def item_member(self, alias: str, member: str) -> Expression:
        return literal_column(f"{alias}.value -> '$.{member}'")

    def json_items(self, json: Expression, alias: str | None = None) -> FromClause:
        return func.json_each(json) if alias is None else func.json_each(json).alias(alias)

    def item_position(self, alias: str) -> Expression:
        return literal_column(f"{alias}.key")

    def text_items(self, column: str, alias: str) -> str:
        return f"json_each({column}) AS {alias}"

    def is_item(self, column: Expression, values: Expression, type_: TypeEngine[Any]) -> Expression:
        items: Select[Any] = select(literal_column("value"))
        return column.in_(items.select_from(func.json_each(values)))

    def integer(self, text: Expression) -> Expression:
        return text

    def position(self, text: Expression, part: Expression) -> Expression:
        return func.instr(text, part)

    def lower(self, text: Expression) -> Expression:
        return func.lower(text)

    def newline(self) -> Expression:
        return literal_column("char(10)")

    def if_null(self, value: Expression, fallback: Expression) -> Expression:
        return func.ifnull(value, fallback)

    def false(self) -> Expression:
        return _ZERO

    def greatest(self, first: Expression, second: Expression) -> Expression:
        return func.max(first, second)

    def unindexed(self, alias: str, column: str) -> Expression:
        """A unary plus disables the index."""
        return literal_column(f"+{alias}.{column}")

    def text_key(self, column: Expression, term: OrderTerm) -> Expression:
        """SQLite sorts numbers before texts, and blobs after them."""
        return func.ifnull(
            column, literal_column(f"x'{HIGH_TEXT.hex()}'" if term.is_high_text else str(term.missing))
        )

    def bound_key(self, parameter: GetParameter, term: OrderTerm) -> Expression:
        return parameter(None)

    def has_cursor_column(self, term: OrderTerm) -> bool:
        return term.is_high_text

    def cursor_column(self, column: Expression, missing: int) -> Expression:
        return func.ifnull(column, literal_column(str(missing)))

    def cursor_item(self, column: Expression, term: OrderTerm) -> Expression:
        return column

    def cursor(self, *items: Expression) -> Expression:
        """Render lower(hex(json_array(?, s5.k0, s5.k1)))."""
        return func.lower(func.hex(func.json_array(*items)))

    def first_day(self, by: str, key: Expression) -> Expression:
        return literal_column(FIRST_DAY[by].format(key=key))

    def next_day(self, by: str, first_day: Expression) -> Expression:
        return func.date(first_day, literal_column(f"'{STEP[by]}'"))

    def hits(
        self,
        index: FullTextIndex,
        scope: int,
        query: Expression,
        alias: str,
        *,
        left: str | None = None,
        right: Lookup | None = None,
    ) -> Hits:
        name = index.tables[scope]
        source: FromClause = table(name)
        if left is not None:
            source = cross_join(left, name)
        elif right is not None:
            source = cross_join(name, f"{right.table} AS {right.alias}")
        score: Expression = literal_column(f"CAST(round(-{name}.rank * {SCORE_SCALE}) AS INTEGER)")
        return Hits(source, literal_column(f"{name}.rowid"), score, _match(name, query))

    def matches(self, key: Expression, index: FullTextIndex, scope: int, query: Expression) -> Expression:
        """Render +t1.id IN (SELECT rowid FROM search_public WHERE search_public MATCH ?).

        Without the unary plus, SQLite would look up every hit by id, and use no index for the rest.
        """
        name = index.tables[scope]
        hits: Select[Any] = select(literal_column("rowid")).select_from(table(name))
        return literal_column(f"+{key}").in_(hits.where(_match(name, query)))

    def passages(
        self, index: FullTextIndex, scope: int, query: Expression, keys: Select[Any], alias: str
    ) -> Select[Any]:
        """FTS5 collects the matches of a prefix again for each query, so one query creates all snippets.

        The unary plus prevents one query per id.
        """
        name = index.tables[scope]
        passage: Expression = literal_column(
            f"snippet({name}, -1, {MARK_START}, {MARK_END}, '…', {SNIPPET_TOKENS})"
        )
        for raw, safe in REPLACEMENTS:
            passage = func.replace(passage, literal_column(raw), literal_column(safe))
        query_of_index: Any = select(literal_column(f"{name}.rowid").label("id"), passage.label("passage"))
        snippets: Select[Any] = query_of_index.select_from(table(name))
        return snippets.where(_match(name, query), literal_column(f"+{name}.rowid").in_(keys))

    def any_word(self, word: Expression, rank: Expression) -> Expression:
        """The words are in order already; the order of `group_concat` is that of the rows."""
        quote: Expression = literal_column("'\"'")
        return func.group_concat(quote.concat(word).concat(quote), literal_column("' OR '"))


def _match(name: str, query: Expression) -> Expression:
    """Render FTS5's MATCH operator."""
    return literal_column(name).op("MATCH")(query)


def _flatten(pairs: Iterable[tuple[str, Expression]]) -> Iterator[Expression]:
    """Yield keys and values alternately; literal SQL is joined into one text, which compiles much faster."""
    texts: list[str] = []
    for key, value in pairs:
        if isinstance(value, ColumnClause) and value.is_literal:
            texts.append(f"'{key}', {value.name}")
            continue
        if texts:
            yield literal_column(", ".join(texts))
            texts = []
        yield from (literal_column(f"'{key}'"), value)
    if texts:
        yield literal_column(", ".join(texts))


SQLITE = Sqlite()
