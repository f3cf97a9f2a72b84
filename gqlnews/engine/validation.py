"""Validate a document with graphql-core's rules, but with bounded time and memory for invalid documents.

graphql-core prints whole values into its messages and searches for similar names at every unknown name, so a
document of one kilobyte can cause a megabyte of errors. Here validation stops after `MAX_ERRORS` errors,
messages are shortened, only the first errors suggest names, and the time budget is checked at every node.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    SKIP,
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    OverlappingFieldsCanBeMergedRule,
    ParallelVisitor,
    SelectionSetNode,
    Source,
    SourceLocation,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    Visitor,
    VisitorAction,
    specified_rules,
    visit,
)
from graphql.language.ast import ValueNode
from graphql.validation import (
    DeferStreamDirectiveLabel,
    DeferStreamDirectiveOnRootField,
    DeferStreamDirectiveOnValidOperationsRule,
    FragmentsOnCompositeTypesRule,
    KnownDirectivesRule,
    KnownFragmentNamesRule,
    MaxIntrospectionDepthRule,
    NoFragmentCyclesRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    PossibleFragmentSpreadsRule,
    SingleFieldSubscriptionsRule,
    StreamDirectiveOnListField,
    UniqueDirectivesPerLocationRule,
    UniqueFragmentNamesRule,
    UniqueVariableNamesRule,
    VariablesAreInputTypesRule,
    VariablesInAllowedPositionRule,
)
from graphql.validation.validate import (
    FragmentNestingVisitor,
    ValidationAbortedError,
    query_document_keys_to_validate,
)

from gqlnews.engine.unknown_fields import list_known_fields
from gqlnews.errors import Code, shorten
from gqlnews.time_budget import TimeBudgetExceeded, check_time_budget, remaining_seconds

# Size limits of the errors in a response.

MAX_ERRORS = 10  # per error response
MAX_LOCATIONS = 10  # per error
MAX_ERROR_BYTES = 32 << 10  # of JSON for all errors; above that, only messages and extensions are sent


def bounded_error(error: GraphQLError) -> GraphQLError:
    """Copy an error with a short message and few locations, without references to nodes or other errors."""
    bounded = GraphQLError(shorten(error.message), path=error.path, extensions=error.extensions)
    if error.locations:
        bounded.locations = error.locations[:MAX_LOCATIONS]
    return bounded


def encode_errors(errors: Sequence[GraphQLError]) -> bytes:
    """Encode the errors of a response as a JSON array of bounded size."""
    bounded = [bounded_error(error).formatted for error in errors]
    body = orjson.dumps(bounded)
    if len(body) <= MAX_ERROR_BYTES:
        return body
    return orjson.dumps(
        [{key: one[key] for key in ("message", "extensions") if key in one} for one in bounded]
    )


# Validation.

MAX_SUGGESTIONS = 3  # errors per document that suggest similar names; each may take some milliseconds
MAX_VALUE_DEPTH = 32  # of a literal: printing a deeper one takes quadratic time; filters nest 16 levels
MAX_MESSAGE_LENGTH = 5_000  # of an unshortened message; a longer one is slow to print and ends validation

TOO_MANY_ERRORS = "The document has at least {} errors, and only the first are reported."
TOO_LONG = "An error message was too long, so the validation of the document stopped here."
TOO_DEEP = (
    f"A value is nested more than {MAX_VALUE_DEPTH} levels deep: use fewer levels, or send it as a variable."
)


@dataclass(frozen=True, slots=True)
class ErrorBounds:
    """How many errors a document has at most, and how many of them suggest names.

    With `keeps_nodes`, errors refer to their nodes, and their messages are not shortened.
    """

    errors: int = MAX_ERRORS
    suggestions: int = MAX_SUGGESTIONS
    keeps_nodes: bool = False

    def apply(self, error: GraphQLError) -> GraphQLError:
        return error if self.keeps_nodes else bounded_error(error)


RESPONSE_BOUNDS = ErrorBounds()


class _Context(ValidationContext):
    """Validation context that collects bounded errors. Raises ValidationAbortedError after the last one."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        type_info: TypeInfo,
        hide_suggestions: bool,
        bounds: ErrorBounds,
    ) -> None:
        super().__init__(schema, document, type_info, self._collect, hide_suggestions)
        self.errors: list[GraphQLError] = []
        self._bounds = bounds

    @property
    def hide_suggestions(self) -> bool:
        return self._hide_suggestions or len(self.errors) >= self._bounds.suggestions

    def _collect(self, error: GraphQLError) -> None:
        if not self._hide_suggestions:
            list_known_fields(error, self.schema)
        check_time_budget()  # one value may have many errors, each with a search for similar names
        if len(self.errors) == self._bounds.errors - 1:  # the last error reports that there are more
            raise ValidationAbortedError(TOO_MANY_ERRORS.format(self._bounds.errors))
        self.errors.append(self._bounds.apply(error))
        if len(error.message) > MAX_MESSAGE_LENGTH:
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
    bounds: ErrorBounds = RESPONSE_BOUNDS,
) -> list[GraphQLError]:
    """Return the first errors of a document, as many as `bounds` allows. Raises TimeBudgetExceeded."""
    type_info = TypeInfo(schema)
    context = _Context(schema, document, type_info, hide_suggestions, bounds)
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
        context.errors.append(bounds.apply(error))
    except RecursionError:
        context.errors.append(GraphQLError("The document is nested too deeply to be validated."))
    return context.errors


def _check_depth(node: ValueNode) -> None:
    """Raise ValidationAbortedError if lists and objects nest deeper than `MAX_VALUE_DEPTH`."""
    level: list[ValueNode] = [node]
    for _ in range(MAX_VALUE_DEPTH + 1):
        level = [part for one in level for part in _children(one)]
        if not level:
            return
    raise ValidationAbortedError(TOO_DEEP, node, extensions={"code": Code.TOO_DEEP})


def _children(node: ValueNode) -> Sequence[ValueNode]:
    if isinstance(node, ObjectValueNode):
        return [field.value for field in node.fields]
    return node.values if isinstance(node, ListValueNode) else ()


# Rule for servers with introspection turned off.

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})
INTROSPECTION_OFF = "Introspection is off on this server: do not select `{}`."


class NoIntrospection(ASTValidationRule):
    """Reject `__schema` and `__type`. `__typename` is allowed, because it reveals no other types."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        name = node.name.value
        if name in INTROSPECTION_FIELDS:
            error = GraphQLError(
                INTROSPECTION_OFF.format(name), node, extensions={"code": Code.INTROSPECTION_OFF}
            )
            self.report_error(error)


# The rule OverlappingFieldsCanBeMerged, with a lower limit on its work.
#
# It compares each pair of fields with the same response key, and their selections: 500 such fields are more
# than 100,000 pairs. The limit of graphql-core allows about two seconds of comparisons, which cannot be
# interrupted.

COMPARISON_SECONDS = 4e-6
MAX_COMPARISONS = 50_000  # about 0.2 s; queries of front ends need some hundreds
TOO_MANY_FIELDS = "Too many fields with the same name would have to be merged: select each field once."


class OverlappingFields(OverlappingFieldsCanBeMergedRule):
    """Abort validation with an error after `MAX_COMPARISONS` comparisons.

    Raises TimeBudgetExceeded if the time budget allows fewer comparisons than that, and they are not enough.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        affordable = min(MAX_COMPARISONS, remaining_seconds() / COMPARISON_SECONDS)
        self.rule_context.remaining_complexity_budget = int(affordable)
        self._is_limited_by_time = affordable < MAX_COMPARISONS

    def enter_selection_set(
        self, selection_set: SelectionSetNode, _key: Any, parent: Any, *_args: Any
    ) -> None:
        try:
            super().enter_selection_set(selection_set, _key, parent, *_args)
        except ValidationAbortedError as error:
            if self._is_limited_by_time:
                raise TimeBudgetExceeded("comparing the fields exceeds the time budget") from None
            extensions = {"code": Code.TOO_WIDE}
            raise ValidationAbortedError(TOO_MANY_FIELDS, selection_set, extensions=extensions) from error


# Select the rules that can apply to a document by searching its text for markers.
#
# Each rule adds to the time of visiting every node, and a rule about fragments, for example, finds nothing in
# a document without fragments. A marker in a string or comment selects a rule without need, but no rule that
# applies is left out.

Rules = tuple[type[ASTValidationRule], ...]

_RULES_BY_MARKER: Mapping[str, Rules] = {
    "@": (
        DeferStreamDirectiveLabel,
        DeferStreamDirectiveOnRootField,
        DeferStreamDirectiveOnValidOperationsRule,
        KnownDirectivesRule,
        StreamDirectiveOnListField,
        UniqueDirectivesPerLocationRule,
    ),
    "...": (KnownFragmentNamesRule, PossibleFragmentSpreadsRule),
    "fragment": (NoFragmentCyclesRule, NoUnusedFragmentsRule, UniqueFragmentNamesRule),
    "on": (FragmentsOnCompositeTypesRule,),
    "$": (
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        UniqueVariableNamesRule,
        VariablesAreInputTypesRule,
        VariablesInAllowedPositionRule,
    ),
    "__": (MaxIntrospectionDepthRule,),
    "subscription": (SingleFieldSubscriptionsRule,),
}
_REPLACEMENTS: Mapping[type[ASTValidationRule], type[ASTValidationRule]] = {
    OverlappingFieldsCanBeMergedRule: OverlappingFields
}
_MARKER_BY_RULE = {rule: marker for marker, rules in _RULES_BY_MARKER.items() for rule in rules}


def rules_for(text: str, *, introspection: bool = True) -> Rules:
    """Return the rules that a document with this text can violate, in the order of the specification."""
    rules = tuple(
        _REPLACEMENTS.get(rule, rule) for rule in specified_rules if _MARKER_BY_RULE.get(rule, "") in text
    )
    return rules if introspection or "__" not in text else (NoIntrospection, *rules)


# Error locations.


class QuickSource(Source):
    """Source that counts lines with `str.count`.

    For each error, graphql-core iterates over all lines before its position, which takes 14 ms for ten errors
    after 9,990 lines.
    """

    __slots__ = ()

    def get_location(self, position: int) -> SourceLocation:
        body = self.body
        newlines, returns, pairs = (body.count(each, 0, position) for each in ("\n", "\r", "\r\n"))
        line_start = max(body.rfind("\n", 0, position), body.rfind("\r", 0, position)) + 1
        return SourceLocation(1 + newlines + returns - pairs, position + 1 - line_start)
