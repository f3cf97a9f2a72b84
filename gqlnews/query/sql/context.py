"""The render context that is passed to every field renderer."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, CompoundSelect, FromClause, Select, bindparam, table

from gqlnews.errors import Code, RequestError
from gqlnews.query.audience import Audience
from gqlnews.query.sql.sql_row import Row
from gqlnews.query.tree import FieldPlan, RequestRefusedError

Expression = ColumnElement[Any]
AnySelect = Select[Any] | CompoundSelect[Any]
FieldRenderer = Callable[[FieldPlan, Row, "Context"], Expression]


def bound_name(number: int, name: str) -> str:
    """Return the parameter name of a field's value: `f3_limit`."""
    return f"f{number}_{name}"


@dataclass(slots=True)
class Context:
    """State of rendering one statement. `expressions` are its CTEs by name, in creation order.

    `refusals` are the errors that fail the request if their condition holds when the statement runs.
    """

    audience: Audience
    shapes: Mapping[int, Hashable]
    renderers: Mapping[type, FieldRenderer]
    expressions: dict[str, AnySelect] = field(default_factory=dict)
    refusals: list[tuple[ColumnElement[bool], RequestRefusedError]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def render(self, plan: FieldPlan, row: Row) -> Expression:
        return self.renderers[type(plan.declaration)](plan, row, self)

    def materialize(self, name: str, query: AnySelect) -> FromClause:
        """Add `query` as a CTE. It may refer to itself and to earlier CTEs."""
        self.expressions[name] = query
        return table(name)

    def refuse_where(self, condition: ColumnElement[bool], plan: FieldPlan, code: Code, message: str) -> None:
        """Fail the whole request if `condition` holds, with an error located at the field."""
        error = RequestRefusedError(RequestError(code, message), plan.node, plan.path)
        self.refusals.append((condition, error))

    def bind(self, plan: FieldPlan, name: str) -> BindParameter[Any]:
        """Return the bound parameter of a field's value. All request values enter the SQL through here."""
        return bindparam(bound_name(plan.number, name))
