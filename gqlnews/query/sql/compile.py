"""Compile a rendered statement to SQL text and its parameters.

Each CTE is compiled on its own and the texts are joined here, so SQLAlchemy's compiler recurses only as
deep as one CTE, however deep the request is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gqlnews.query.sql import Rendered
from gqlnews.query.sql.dialect import Dialect, Placeholders
from gqlnews.query.tree import LocatedRequestError

PLACEHOLDER_BYTES = 200  # approximate memory use


@dataclass(frozen=True, slots=True)
class Statement:
    """Compiled statement.

    `placeholders` are those of the text, in order, and `errors` the errors that it can return instead of a
    result.
    """

    sql: str
    placeholders: Placeholders
    dialect: Dialect
    errors: tuple[LocatedRequestError, ...] = ()

    @property
    def size(self) -> int:
        """Approximate memory use in bytes."""
        return len(self.sql) + PLACEHOLDER_BYTES * (1 + len(self.placeholders))

    def bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the parameters of the statement for these bound values."""
        return self.dialect.bind_values(self.placeholders, values)


def compile_statement(rendered: Rendered, dialect: Dialect) -> Statement:
    """Compile to `WITH RECURSIVE p1 AS MATERIALIZED (…), k2 AS MATERIALIZED (…) SELECT …`."""
    parts = [(name, *dialect.compile(query)) for name, query in rendered.ctes.items()]
    sql, placeholders = dialect.compile(rendered.query)
    if parts:
        expressions = ",\n".join(f"{name} AS MATERIALIZED ({text})" for name, text, _ in parts)
        sql = f"WITH RECURSIVE {expressions}\n{sql}"
    all_placeholders = (*(placeholder for part in parts for placeholder in part[2]), *placeholders)
    return Statement(*dialect.number(sql, all_placeholders), dialect, rendered.errors)
