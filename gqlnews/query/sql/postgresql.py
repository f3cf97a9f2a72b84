"""SQL of PostgreSQL 15 and later.

JSON is built as text, with the bytes of SQLite's JSON: `concat('{"a":', to_json(t1.a), …)`. Columns with JSON
are texts too, and are cast where they are opened. A JSON expression has one of the types below. The setting
`extra_float_digits` of the connection has to be 0, so that doubles have 15 digits, as in SQLite.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    FromClause,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    table,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from gqlnews.query.entities import DecayedScore, FullTextIndex, OrderTerm
from gqlnews.query.sql.dialect import (
    FLOAT,
    INTEGER,
    SCORE_SCALE,
    TEXT,
    AnySelect,
    Expression,
    GetParameter,
    Hits,
    Lookup,
    Placeholder,
    Placeholders,
    column_of,
)
from gqlnews.query.sql.json_text import (
    COMPLETE_JSON,
    CONSTANT_JSON,
    JSON_TEXT,
    concatenate,
    is_literal,
    to_text,
)
from gqlnews.text_keys import SNIPPET_MARK, BeforeExpression

MAX_NESTING = 7
HIGH_TEXT = "\U0010ffff" * 16
"""After all texts that content has; SQLite has a blob in its place."""

_AFTER_NUL = "\x01\uffff"
"""In place of a NUL, which PostgreSQL has in no text: no content has it, and it is in the order of a NUL."""

_FIRST_DAY = {
    "DAY": "substr({key}, 1, 10)",
    "WEEK": "to_char(date_trunc('week', substr({key}, 1, 10)::timestamp), 'YYYY-MM-DD') COLLATE \"C\"",
    "MONTH": "substr({key}, 1, 7) || '-01'",
    "YEAR": "substr({key}, 1, 4) || '-01-01'",
}
_STEP = {"DAY": "1 day", "WEEK": "7 days", "MONTH": "1 month", "YEAR": "1 year"}
_SUPPLIED = "__supplied"  # added to the name of a parameter whose value the caller replaces
_TYPES: Mapping[type, str] = {type(TEXT): "text", type(INTEGER): "bigint", type(FLOAT): "float8"}
_CONSTANT_TYPES: Mapping[type, str] = {str: "text", int: "bigint", float: "float8"}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_DIALECT = PGDialect(paramstyle="qmark")  # type: ignore[no-untyped-call]


_COMMA: Expression = literal_column("','")
_TRUE, _FALSE = literal_column("'true'", JSON_TEXT), literal_column("'false'", JSON_TEXT)


class Postgresql:
    """Dialect of PostgreSQL.

    The value of a placeholder with `is_supplied` is a `BeforeExpression`: a full-text expression that the
    caller replaces by the JSON array of the ids of the before-images that match it.
    """

    max_nesting = MAX_NESTING
    has_lateral = True

    def compile(self, query: AnySelect) -> tuple[str, Placeholders]:
        compiled = query.compile(dialect=_DIALECT)
        return str(compiled), tuple(
            _placeholder(compiled.binds[name], compiled.params[name]) for name in compiled.positiontup or ()
        )

    def number(self, sql: str, placeholders: Placeholders) -> tuple[str, Placeholders]:
        """Number the parameters, each name once: `$1::bigint`. Literals of SQL contain no question mark."""
        numbers: dict[Placeholder, int] = {}
        first, *texts = sql.split("?")
        numbered = (
            f"${numbers.setdefault(one, len(numbers) + 1)}{f'::{one.type}' if one.type else ''}{text}"
            for one, text in zip(placeholders, texts, strict=True)
        )
        return "".join((first, *numbered)), tuple(numbers)

    def bind_values(self, placeholders: Placeholders, values: Mapping[str, object]) -> tuple[object, ...]:
        return tuple(_to_driver(one, values.get(one.name, one.constant)) for one in placeholders)

    def bind(self, name: str, type_: TypeEngine[Any] | None = None) -> Expression:
        return bindparam(name, type_=type_)

    # JSON.

    def json_object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        parts: list[str | Expression] = []
        for number, (key, value) in enumerate(pairs):
            parts += (f'{"," if number else "{"}"{key}":', value)
        return concatenate((*parts, "}") if parts else ("{}",))

    def insert_depth(self, members: int) -> int:
        return 0

    def json_array(self, *items: Expression) -> Expression:
        parts: list[str | Expression] = []
        for number, item in enumerate(items):
            parts += ("," if number else "[", item)
        return concatenate((*parts, "]") if parts else ("[]",))

    def json_collect(self, item: Expression) -> Expression:
        items = func.string_agg(to_text(item), _COMMA)
        array = literal_column("'['").op("||")(items).op("||")(literal_column("']'"))
        return func.coalesce(array, literal_column("'[]'"), type_=COMPLETE_JSON)

    def json_lines(self, item: Expression) -> Expression:
        return func.string_agg(item, self.newline(), type_=JSON_TEXT)

    def json(self, text: Expression) -> Expression:
        return literal_column(text.name, JSON_TEXT) if is_literal(text) else type_coerce(text, JSON_TEXT)

    def json_value(self, value: Expression) -> Expression:
        return func.to_json(value)

    def json_string(self, text: str) -> Expression:
        return literal_column(f"'\"{text}\"'", CONSTANT_JSON)

    def json_null(self) -> Expression:
        return literal_column("'null'", CONSTANT_JSON)

    def json_boolean(self, condition: Expression, *, nullable: bool = False) -> Expression:
        if nullable:
            return case((condition, _TRUE), (condition.is_not(None), _FALSE))
        return case((condition, _TRUE), else_=_FALSE)

    def is_true(self, column: Expression) -> Expression:
        return column != literal_column("0")

    def average(self, column: Expression) -> Expression:
        return literal_column(f"{_double(f'sum({column})::float8 / nullif(count({column}), 0)')}::json")

    def score(self, scaled: Expression) -> Expression:
        return literal_column(_double(f"{scaled} / {SCORE_SCALE}::float8"), JSON_TEXT)

    # Stored JSON.

    def json_length(self, json: Expression) -> Expression:
        return literal_column(f"json_array_length({json}::json)")

    def first_item(self, json: str, member: str) -> Expression:
        return literal_column(f"({json}::json -> 0 -> '{member}')", JSON_TEXT)

    def item_member(self, alias: str, member: str) -> Expression:
        return literal_column(f"({alias}.value -> '{member}')", JSON_TEXT)

    def json_items(self, json: Expression, alias: str | None = None) -> FromClause:
        """Render json_array_elements(CAST(t1.images AS JSON)) WITH ORDINALITY AS e1(value, key)."""
        items = func.json_array_elements(cast(json, JSON)).table_valued("value", with_ordinality="key")
        return items.render_derived(name=alias or "items")

    def item_position(self, alias: str) -> Expression:
        return literal_column(f"({alias}.key - 1)")

    def text_items(self, column: str, alias: str) -> str:
        return f"json_array_elements_text({column}::json) AS {alias}(value)"

    def is_item(self, column: Expression, values: Expression, type_: TypeEngine[Any]) -> Expression:
        """Render t1.slug = any(array((SELECT json_array_elements_text(CAST($1 AS JSON))))).

        An array is built once. With IN, the planner would join, and parse the JSON for each row.
        """
        texts: Expression = func.json_array_elements_text(cast(values, JSON))
        items = select(cast(texts, INTEGER) if type_ is INTEGER else texts).scalar_subquery()
        return column == func.any(func.array(items))

    def integer(self, text: Expression) -> Expression:
        return literal_column(f"({text})::bigint")

    # Texts, and values in place of null.

    def position(self, text: Expression, part: Expression) -> Expression:
        return func.strpos(text, part)

    def lower(self, text: Expression) -> Expression:
        return literal_column(f'lower({text} COLLATE "C")')

    def newline(self) -> Expression:
        return literal_column("chr(10)")

    def if_null(self, value: Expression, fallback: Expression) -> Expression:
        return func.coalesce(value, fallback)

    def false(self) -> Expression:
        return literal_column("false")

    def greatest(self, first: Expression, second: Expression) -> Expression:
        return func.greatest(first, second)

    def unindexed(self, alias: str, column: str) -> Expression:
        return column_of(alias, column)

    # Sort keys, cursors and pages.

    def text_key(self, column: Expression, term: OrderTerm) -> Expression:
        """Render coalesce(chr(1) || t1.title, ''): nothing is before a text but null."""
        missing = f"'{HIGH_TEXT}'" if term.is_high_text else "''"
        return func.coalesce(literal_column("chr(1)").op("||")(column), literal_column(missing))

    def bound_key(self, parameter: GetParameter, term: OrderTerm) -> Expression:
        if isinstance(term, DecayedScore):
            return parameter(FLOAT)
        if term.numeric:
            return parameter(INTEGER)
        return self.text_key(parameter(TEXT), term) if self.has_cursor_column(term) else parameter(TEXT)

    def has_cursor_column(self, term: OrderTerm) -> bool:
        return term.missing is not None and not term.numeric

    def cursor_column(self, column: Expression, missing: int) -> Expression:
        return column

    def cursor_item(self, column: Expression, term: OrderTerm) -> Expression:
        if not self.has_cursor_column(term):
            return column
        return literal_column(f"coalesce(to_json({column})::text, '{term.missing}')", COMPLETE_JSON)

    def cursor(self, *items: Expression) -> Expression:
        utf8 = func.convert_to(self.json_array(*items), literal_column("'UTF8'"))
        return func.encode(utf8, literal_column("'hex'"))

    # Dates.

    def first_day(self, by: str, key: Expression) -> Expression:
        return literal_column(_FIRST_DAY[by].format(key=key))

    def next_day(self, by: str, first_day: Expression) -> Expression:
        following = f"{first_day}::timestamp + interval '{_STEP[by]}'"
        return literal_column(f"to_char({following}, 'YYYY-MM-DD') COLLATE \"C\"")

    # Full-text search.

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
        """Join search_hits(0, $1) AS m1 with LATERAL (SELECT * FROM article WHERE id = m1.id OFFSET 0) AS t1.

        Without the subquery, the planner may compare each row of a filter with each hit.
        """
        source: FromClause = _search(scope, query, alias)
        if left is not None:
            source = table(left).join(source, true())
        elif right is not None:
            rows = f"SELECT * FROM {right.table} WHERE {right.key} = {alias}.id OFFSET 0"  # noqa: S608 - our own names
            source = source.join(
                table(quoted_name(f"LATERAL ({rows}) AS {right.alias}", quote=False)), true()
            )
        return Hits(source, column_of(alias, "id"), column_of(alias, "score"), None)

    def matches(self, key: Expression, index: FullTextIndex, scope: int, query: Expression) -> Expression:
        """Render (t1.id IN (SELECT hit.id FROM search_hits(0, $1) AS hit)) IS true.

        The planner hashes the hits once. Without `IS true` it would join, and compare each row with each hit.
        """
        if index.is_supplied:
            assert isinstance(query, BindParameter)
            return self.is_item(key, self.bind(f"{query.key}{_SUPPLIED}", TEXT), INTEGER)
        hits: Select[Any] = select(literal_column("hit.id")).select_from(_search(scope, query, "hit"))
        return key.in_(hits).is_(true())

    def passages(
        self, index: FullTextIndex, scope: int, query: Expression, keys: Select[Any], alias: str
    ) -> Select[Any]:
        """Render a mark, and a JSON array of the query and the texts; a snippet takes their place later."""
        texts = (column_of(alias, name) for name in index.texts)
        mark = bindparam("mark", SNIPPET_MARK, type_=TEXT)
        passage = mark.op("||")(self.json_array(cast(query, TEXT), *texts))
        passages: Any = select(column_of(alias, "id").label("id"), passage.label("passage"))
        passages = passages.select_from(table(index.source).alias(alias))
        of_keys: Select[Any] = passages.where(column_of(alias, "id").in_(keys))
        return of_keys

    def any_word(self, word: Expression, rank: Expression) -> Expression:
        """Render what the function takes in place of an expression: any of these words."""
        words = f"string_agg(concat('{{\"tokens\":[', to_json({word}), ']}}'), ',' ORDER BY {rank})"
        return literal_column(f"concat('{{\"groups\":[[', {words}, ']],\"not\":[]}}')")


def _placeholder(parameter: BindParameter[Any], constant: object) -> Placeholder:
    """Describe a bound parameter, or a constant that SQLAlchemy added."""
    name = str(parameter.key)
    type_ = _TYPES.get(type(parameter.type), "") if constant is None else _CONSTANT_TYPES[type(constant)]
    return Placeholder(name.removesuffix(_SUPPLIED), constant, type_, name.endswith(_SUPPLIED))


def _to_driver(placeholder: Placeholder, value: object) -> object:
    """Convert a bound value; a text that PostgreSQL cannot have, so that it equals none."""
    if isinstance(value, str):
        if placeholder.is_supplied:
            return BeforeExpression(value)
        return _UNSTORABLE.sub(_AFTER_NUL, value) if _UNSTORABLE.search(value) else value
    if placeholder.type == "text":
        return None  # the number or blob that SQLite has in a cursor in place of null
    return HIGH_TEXT if isinstance(value, bytes) else value


def _double(sql: str) -> str:
    """Convert a double to text as SQLite does, always with a decimal point: 1.0e+20."""
    return f"regexp_replace(({sql})::text, '^(-{{0,1}}[0-9]+)(e|$)', '\\1.0\\2')"


def _search(scope: int, query: Expression, alias: str) -> FromClause:
    return func.search_hits(literal_column(str(scope)), query).table_valued("id", "score", name=alias)


POSTGRESQL = Postgresql()
