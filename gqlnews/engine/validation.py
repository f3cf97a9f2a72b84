"""Validate a document with graphql-core's rules, but with bounded cost for invalid documents.

graphql-core prints whole values into its messages and searches for similar names at every unknown name, so a
document of one kilobyte can cause a megabyte of errors. Here validation stops after `MAX_ERRORS` errors,
messages are shortened, only the first errors suggest names, and every node checks the time budget.
"""

from collections.abc import Collection, Sequence
from typing import Any

from graphql import (
    SKIP,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    Visitor,
    VisitorAction,
    visit,
)
from graphql.language.ast import ValueNode
from graphql.validation import ASTValidationRule
from graphql.validation.validate import (
    FragmentNestingVisitor,
    ValidationAbortedError,
    query_document_keys_to_validate,
)

from gqlnews.engine.error_bounds import MAX_ERRORS, bounded_error
from gqlnews.errors import Code
from gqlnews.time_budget import check_time_budget

MAX_SUGGESTIONS = 3  # errors per document that suggest similar names; each may take some milliseconds
MAX_VALUE_DEPTH = 32  # of a literal: printing deeper ones takes quadratic time; filters nest 16 levels
MAX_PRINTED = 5_000  # characters of an unshortened message; a longer one is slow to print and ends validation

TOO_MANY_ERRORS = f"The document has at least {MAX_ERRORS} errors: these are the first."
TOO_LONG = "An error was too long to report: the document was not checked further."
TOO_DEEP = f"A value is nested more than {MAX_VALUE_DEPTH} deep: write it flatter, or send it as a variable."


class _Context(ValidationContext):
    """Collects bounded errors. Raises ValidationAbortedError at the maximum."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, type_info: TypeInfo, hide_suggestions: bool
    ) -> None:
        super().__init__(schema, document, type_info, self._collect, hide_suggestions)
        self.errors: list[GraphQLError] = []

    @property
    def hide_suggestions(self) -> bool:
        return self._hide_suggestions or len(self.errors) >= MAX_SUGGESTIONS

    def _collect(self, error: GraphQLError) -> None:
        check_time_budget()  # one value may have many errors, each with a search for similar names
        if len(self.errors) == MAX_ERRORS - 1:  # the last one reports that there are more
            raise ValidationAbortedError(TOO_MANY_ERRORS)
        self.errors.append(bounded_error(error))
        if len(error.message) > MAX_PRINTED:
            raise ValidationAbortedError(TOO_LONG)


class _TimeBudget(Visitor):
    """Check the time budget at every node."""

    def enter(self, *_: Any) -> None:
        check_time_budget()


class _ValueDepth(Visitor):
    """Abort validation at a literal that is nested too deeply, before any rule prints it."""

    def enter_object_value(self, node: ValueNode, *_: Any) -> VisitorAction:
        _check_depth(node)
        return SKIP

    enter_list_value = enter_object_value


def validate_document(
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: Collection[type[ASTValidationRule]],
    *,
    hide_suggestions: bool = False,
) -> list[GraphQLError]:
    """Return the first errors of a document, at most `MAX_ERRORS`. Raises TimeBudgetExceeded."""
    type_info = TypeInfo(schema)
    context = _Context(schema, document, type_info, hide_suggestions)
    visitors: list[Visitor] = [_TimeBudget(), _ValueDepth(), *(rule(context) for rule in rules)]
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
    }
    if fragments:
        visitors.insert(0, FragmentNestingVisitor(fragments))
    try:
        visit(
            document, TypeInfoVisitor(type_info, ParallelVisitor(visitors)), query_document_keys_to_validate
        )
    except ValidationAbortedError as error:
        context.errors.append(bounded_error(error))
    except RecursionError:
        context.errors.append(GraphQLError("The document is nested too deeply to be validated."))
    return context.errors


def _check_depth(node: ValueNode) -> None:
    """Raise ValidationAbortedError if lists and objects nest deeper than `MAX_VALUE_DEPTH`."""
    level: list[ValueNode] = [node]
    for _ in range(MAX_VALUE_DEPTH + 1):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return
    raise ValidationAbortedError(TOO_DEEP, node, extensions={"code": Code.TOO_DEEP})


def _parts(node: ValueNode) -> Sequence[ValueNode]:
    if isinstance(node, ObjectValueNode):
        return [field.value for field in node.fields]
    return node.values if isinstance(node, ListValueNode) else ()
