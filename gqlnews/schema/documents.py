"""Documents: parsed and validated once, their operations planned once, and kept while they are in use."""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    Executor,
    GraphQLError,
    GraphQLSchema,
    Visitor,
    parse,
    visit,
)
from graphql.language import VariableNode
from strawberry.schema.schema import validate_document

from gqlnews.errors import Code
from gqlnews.kept import Kept
from gqlnews.plan.collect import plan_operation
from gqlnews.plan.declare import Declarations
from gqlnews.plan.operation import PlannedOperation
from gqlnews.schema.rules import rules_for

MOST_BYTES = 64 << 20  # of documents, parsed and planned
EMPTY_BYTES, CHARACTER_BYTES = 10_000, 200  # what a tree or a plan takes, and each of its characters
MOST_PLANS = 64  # of one document: by operation and by the values of what decides `@skip` and `@include`


@dataclass(slots=True)
class Document:
    """A document and its errors: where there are errors it is never executed."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    deciding: frozenset[str] = frozenset()
    plans: dict[tuple[object, ...], PlannedOperation] = field(default_factory=dict)
    size: int = 0

    def weight(self, text: str) -> int:
        """Bytes, about: its tree, and for each plan as much again, and what was compiled."""
        plans = 1 + len(self.plans)
        return plans * (EMPTY_BYTES + CHARACTER_BYTES * len(text)) + sum(
            plan.size for plan in self.plans.values()
        )

    def planned(self, operation: "Executor[Any]", declarations: Declarations) -> PlannedOperation:
        """The plan of an operation under the variables that decide its selection."""
        values = operation.variable_values.coerced
        # In another operation of the document a variable of that name may be of any type: it decides nothing.
        deciding = (values.get(name) is True for name in sorted(self.deciding))
        nulls = (values.get(name) is None for name in sorted(self.deciding))
        key = (id(operation.operation), *deciding, *nulls)
        plan = self.plans.get(key)
        if plan is None:
            plan = PlannedOperation(plan_operation(operation, declarations))
            while len(self.plans) >= MOST_PLANS:
                del self.plans[next(iter(self.plans))]
            self.plans[key] = plan
        return plan


class Documents:
    """The documents used last, by their text."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self.kept: Kept[str, Document] = Kept(MOST_BYTES)

    def get(self, text: str) -> Document:
        document = self.kept.get(text)
        if document is None:
            document = self._read(text)
            self.weigh(text, document)
        return document

    def is_valid(self, text: str) -> bool:
        return not self.get(text).errors

    def weigh(self, text: str, document: Document) -> None:
        """Account for what a document has come to: what was planned and compiled since belongs to it."""
        size = document.weight(text)
        if size != document.size:
            document.size = size
            self.kept.keep(text, document, size)

    def _read(self, text: str) -> Document:
        try:
            node = parse(text)
        except GraphQLError as error:
            return Document(None, (coded(error, Code.PARSE_FAILED),))
        errors = validate_document(self._schema, node, rules_for(text))
        if errors:
            return Document(node, tuple(coded(error, Code.VALIDATION_FAILED) for error in errors))
        return Document(node, (), deciding_variables(node))


def coded(error: GraphQLError, code: Code) -> GraphQLError:
    """The error with its documented code."""
    error.extensions = {**(error.extensions or {}), "code": code}
    return error


def deciding_variables(document: DocumentNode) -> frozenset[str]:
    """The variables that `@skip` and `@include` read: only these change what an operation selects."""
    collector = _DirectiveVariables()
    visit(document, collector)
    return frozenset(collector.names)


class _DirectiveVariables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)
