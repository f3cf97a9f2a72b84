"""A planned operation: bind the values of a request, and compile what its shape asks for, once each."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, VariableValues, get_argument_values

from gqlnews.errors import RequestError
from gqlnews.plan.audience import Audience
from gqlnews.plan.compile import Statement, compile_statement
from gqlnews.plan.declare import Column, Differences, Literal, Part, Statistics
from gqlnews.plan.nodes import FieldPlan, RefusedError, RootPlan
from gqlnews.plan.render import REFUSED, render_root
from gqlnews.plan.render.context import bound_name

WITHOUT_ARGUMENTS = Column | Literal | Part | Statistics | Differences
MOST_SHAPES = 64  # of one operation; past it the oldest is forgotten


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, ready to run."""

    sql: str
    parameters: tuple[object, ...]
    refusals: tuple[RefusedError, ...] = ()

    def refusal(self, answer: bytes | None) -> RefusedError | None:
        """Why the statement has refused the request, where its answer says so."""
        if answer is None or not answer.startswith(REFUSED.encode()):
            return None
        return self.refusals[int(answer[len(REFUSED) :])]


@dataclass(slots=True)
class PlannedOperation:
    """The root plans of one operation by response key, and the statements compiled from them so far."""

    roots: Mapping[str, RootPlan]
    failures: Mapping[str, GraphQLError]  # of the root fields whose selection cannot be told
    statements: dict[tuple[Hashable, ...], Statement] = field(default_factory=dict)

    def queries(self, variables: VariableValues, audience: Audience) -> dict[str, Query]:
        """By response key. Refuses, with a `RefusedError`, what any argument of the operation refuses.

        A root field whose own arguments cannot be coerced has no query: execution will say so at the field.
        """
        bound = {key: _bind(root, variables) for key, root in self.roots.items()}
        return {
            key: self._query(key, *inputs, audience) for key, inputs in bound.items() if inputs is not None
        }

    def _query(
        self, key: str, shapes: Mapping[int, Hashable], values: Mapping[str, object], audience: Audience
    ) -> Query:
        kept = (key, audience, *shapes.values())
        statement = self.statements.get(kept)
        if statement is None:
            statement = compile_statement(render_root(self.roots[key], audience, shapes))
            while len(self.statements) >= MOST_SHAPES:
                del self.statements[next(iter(self.statements))]
            self.statements[kept] = statement
        return Query(statement.sql, statement.bind(values), statement.refusals)


def _bind(root: RootPlan, variables: VariableValues) -> tuple[dict[int, Hashable], dict[str, object]] | None:
    shapes: dict[int, Hashable] = {}
    values: dict[str, object] = {}
    complete = True
    for plan in root.inputs:
        arguments = _coerced(plan, variables)
        if arguments is None:
            complete = False  # and go on: what is refused below it refuses the request all the same
            continue
        declaration = plan.declaration
        assert not isinstance(declaration, WITHOUT_ARGUMENTS), f"{plan.key} takes no arguments"
        try:
            inputs = declaration.arguments(arguments)
        except RequestError as error:
            raise RefusedError(error, plan.node, plan.path) from error
        shapes[plan.number] = inputs.shape
        values.update((bound_name(plan.number, name), value) for name, value in inputs.values.items())
    return (shapes, values) if complete else None


def _coerced(plan: FieldPlan, variables: VariableValues) -> dict[str, Any] | None:
    try:
        return get_argument_values(plan.definition, plan.node, variables)
    except GraphQLError:
        return None
