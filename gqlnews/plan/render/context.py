"""What every renderer is given beside its field and its row."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, CompoundSelect, FromClause, Select, bindparam, table

from gqlnews.errors import Code, RequestError
from gqlnews.plan.audience import Audience
from gqlnews.plan.nodes import FieldPlan, RefusedError
from gqlnews.plan.render.rows import Row

Expression = ColumnElement[Any]
AnySelect = Select[Any] | CompoundSelect[Any]
FieldRenderer = Callable[[FieldPlan, Row, "Context"], Expression]


def bound_name(number: int, name: str) -> str:
    """The name under which a field's value is bound: `f3_limit`."""
    return f"f{number}_{name}"


@dataclass(slots=True)
class Context:
    """`expressions` are the common table expressions so far, by name, in the order they were made.

    `refusals`: what refuses the request, if its condition holds for the content that the statement sees.
    """

    audience: Audience
    shapes: Mapping[int, Hashable]
    renderers: Mapping[type, FieldRenderer]
    expressions: dict[str, AnySelect] = field(default_factory=dict)
    refusals: list[tuple[ColumnElement[bool], RefusedError]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def render(self, plan: FieldPlan, row: Row) -> Expression:
        return self.renderers[type(plan.declaration)](plan, row, self)

    def materialize(self, name: str, query: AnySelect) -> FromClause:
        """Make `query` a common table expression. It reads itself, and those made before it."""
        self.expressions[name] = query
        return table(name)

    def refuse_where(self, condition: ColumnElement[bool], plan: FieldPlan, code: Code, message: str) -> None:
        """Refuse the whole request where `condition` holds, with an error that stands at the field."""
        error = RefusedError(RequestError(code, message), plan.node, plan.path)
        self.refusals.append((condition, error))

    def bind(self, plan: FieldPlan, name: str) -> BindParameter[Any]:
        """The one way for a value to enter the SQL."""
        return bindparam(bound_name(plan.number, name))
