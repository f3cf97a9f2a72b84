"""JSON as concatenated text, for PostgreSQL: `concat('{"a":', coalesce(to_json(t1.a), 'null'), '}')`."""

from collections.abc import Sequence

from sqlalchemy import ColumnClause, FunctionElement, Text, cast, func, literal_column

from gqlnews.query.sql.dialect import TEXT, Expression

MAX_ARGUMENTS = 99  # of a function
_NULL: Expression = literal_column("'null'")


class JsonText(Text):
    """Type of SQL whose value is JSON; `is_complete`: its functions never return null."""

    cache_ok = True

    def __init__(self, *, is_complete: bool = False) -> None:
        super().__init__()
        self.is_complete = is_complete


JSON_TEXT, COMPLETE_JSON, CONSTANT_JSON = JsonText(), JsonText(is_complete=True), JsonText(is_complete=True)


def is_literal(value: Expression) -> bool:
    return isinstance(value, ColumnClause) and value.is_literal


def concatenate(parts: Sequence[str | Expression]) -> Expression:
    """Concatenate JSON and other values, which are converted.

    Literal SQL is joined into one text, which compiles much faster.
    """
    arguments: list[str | Expression] = []
    constant = ""
    for part in parts:
        if isinstance(part, str):
            constant += part
        elif part.type is CONSTANT_JSON and isinstance(part, ColumnClause):
            constant += part.name[1:-1]
        else:
            arguments += (f"'{constant}'", _to_json(part))
            constant = ""
    arguments.append(f"'{constant}'")
    while len(arguments) > MAX_ARGUMENTS:
        some = range(0, len(arguments), MAX_ARGUMENTS)
        arguments = [_call_concat(arguments[start : start + MAX_ARGUMENTS]) for start in some]
    return _call_concat(arguments)


def _call_concat(arguments: Sequence[str | Expression]) -> Expression:
    joined: list[Expression] = []
    texts: list[str] = []
    for argument in arguments:
        if isinstance(argument, str) or is_literal(argument):
            texts.append(argument if isinstance(argument, str) else argument.name)
            continue
        if texts:
            joined.append(literal_column(", ".join(texts)))
            texts = []
        joined.append(argument)
    if texts and not joined:
        return literal_column(f"concat({', '.join(texts)})", COMPLETE_JSON)
    if texts:
        joined.append(literal_column(", ".join(texts)))
    return func.concat(*joined, type_=COMPLETE_JSON)


def _to_json(value: Expression) -> str | Expression:
    """Return SQL whose value is JSON and never null, of any SQL type that becomes a text by itself."""
    if not isinstance(value.type, JsonText):
        if is_literal(value):
            return f"coalesce(to_json({value.name}), 'null')"
        return func.coalesce(func.to_json(value), literal_column("'null'"))
    if isinstance(value, FunctionElement | ColumnClause) and value.type.is_complete:
        return value
    return f"coalesce({value.name}, 'null')" if is_literal(value) else func.coalesce(value, _NULL)


def to_text(value: Expression) -> Expression:
    json = _to_json(value)
    if isinstance(value.type, JsonText) and not isinstance(json, str):
        return json
    return cast(literal_column(json) if isinstance(json, str) else json, TEXT)
