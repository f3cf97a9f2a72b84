"""What every renderer is given beside its field and its row."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, bindparam, table

from gqlnews.plan.audience import Audience
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.rows import Row

Expression = ColumnElement[Any]
FieldRenderer = Callable[[FieldPlan, Row, "Context"], Expression]


def bound_name(number: int, name: str) -> str:
    """The name under which a field's value is bound: `f3_limit`."""
    return f"f{number}_{name}"


@dataclass(slots=True)
class Context:
    """`expressions` are the common table expressions so far, by name, in the order they were made."""

    audience: Audience
    shapes: Mapping[int, Hashable]
    renderers: Mapping[type, FieldRenderer]
    expressions: dict[str, Select[Any]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def render(self, plan: FieldPlan, row: Row) -> Expression:
        return self.renderers[type(plan.declaration)](plan, row, self)

    def materialize(self, name: str, query: Select[Any]) -> FromClause:
        """Make `query` a common table expression of the statement. It reads only those made before it."""
        self.expressions[name] = query
        return table(name)

    def bind(self, plan: FieldPlan, name: str) -> BindParameter[Any]:
        """The one way for a value to enter the SQL."""
        return bindparam(bound_name(plan.number, name))
