"""Documents of requests: their cache, and the static limits on their size."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from sys import getsizeof
from typing import Any, NamedTuple

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    Executor,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    parse,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails
from graphql.language import VariableNode
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gqlnews.cache import SizedLRUCache
from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.engine.validation import (
    TELL_THE_SCHEMA,
    QuickSource,
    bounded_error,
    rules_for,
    validate_document,
)
from gqlnews.errors import Code
from gqlnews.query.fields import Declarations
from gqlnews.query.planner import plan_operation
from gqlnews.query.prepared import PreparedOperation
from gqlnews.time_budget import check_time_budget

# Static size of an operation: depth, root fields, aliases and directives, with fragments expanded.
#
# Each fragment is visited once and its counts are added for every spread. So thirty fragments that each
# spread the next one twice take thirty visits and yield a count of 2^30.


Fragments = Mapping[str, FragmentDetails]


class SelectionSize(NamedTuple):
    """Size of a selection set: `fields` counts only its top level, `depth` only fields with selections."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: "SelectionSize") -> "SelectionSize":
        return SelectionSize(
            self.fields + other.fields,
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


def check_limits(
    operation: OperationDefinitionNode, fragments: Fragments, limits: Limits
) -> GraphQLError | None:
    """Return an error for the first limit that an operation exceeds, or None. The document must be valid."""
    extent = extent_of(operation, fragments)
    checks = (
        (extent.depth, limits.depth, Code.TOO_DEEP, "nests {} fields with selections"),
        (extent.fields, limits.root_fields, Code.TOO_MANY_ROOT_FIELDS, "has {} root fields"),
        (extent.aliases, limits.aliases, Code.TOO_MANY_ALIASES, "has {} aliases"),
        (extent.directives, limits.directives, Code.TOO_MANY_DIRECTIVES, "has {} directives"),
    )
    for counted, most, code, what in checks:
        if most and counted > most:
            message = (
                f"The operation {what.format(f'{counted:,}')}, of at most {most:,}: ask in several requests."
            )
            return GraphQLError(message, operation, extensions={"code": code})
    return None


def extent_of(operation: OperationDefinitionNode, fragments: Fragments) -> SelectionSize:
    """Measure an operation, including its own directives and those of its variables."""
    variables = operation.variable_definitions or ()
    directives = len(operation.directives or ()) + sum(len(one.directives or ()) for one in variables)
    return SelectionSize(directives=directives).beside(_Counter(fragments).of_set(operation.selection_set))


class _Counter:
    """Measure selection sets. `fragments` must be free of cycles, which validation ensures."""

    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._counted: dict[str, SelectionSize] = {}

    def of_set(self, selections: SelectionSetNode) -> SelectionSize:
        extent = SelectionSize()
        for selection in selections.selections:
            extent = extent.beside(self._of(selection))
        return extent

    def _of(self, node: SelectionNode) -> SelectionSize:
        directives = SelectionSize(directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            return directives.beside(self._of_field(node))
        if isinstance(node, FragmentSpreadNode):
            return directives.beside(self._of_fragment(self._fragments[node.name.value].definition))
        inline: Any = node
        return directives.beside(self.of_set(inline.selection_set))

    def _of_field(self, node: FieldNode) -> SelectionSize:
        own = SelectionSize(fields=1, aliases=int(node.alias is not None))
        if node.selection_set is None:
            return own
        below = self.of_set(node.selection_set)
        depth = 0 if node.name.value in TELL_THE_SCHEMA else 1 + below.depth
        return own.beside(SelectionSize(0, depth, below.aliases, below.directives))

    def _of_fragment(self, definition: FragmentDefinitionNode) -> SelectionSize:
        name = definition.name.value
        if name not in self._counted:
            directives = SelectionSize(directives=len(definition.directives or ()))
            self._counted[name] = directives.beside(self.of_set(definition.selection_set))
        return self._counted[name]


# Document cache: parsed and validated documents, with the plans of their operations.


MAX_BYTES = 64 << 20  # maximum size of the cache
FREE_BYTES = 16 << 20  # of documents that were sent only once
EMPTY_BYTES, CHARACTER_BYTES = 10_000, 200  # estimated size of an AST or a plan: fixed, and per character
LINES_OF_A_TOKEN = 5  # limits lines to this multiple of max tokens: each error counts lines, 0.2 µs per line
REFUSAL_BYTES = 30_000  # of an invalid document, without its text: it has at most ten short errors
PARSE_SECONDS = 0.5e-6  # per character
STRAWBERRYS_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)
MAX_PLANS = 64  # per document: one per operation and values of the `@skip` and `@include` variables


@dataclass(slots=True)
class ParsedDocument:
    """Parsed document, or its errors. A document with errors is never executed.

    `refusals` caches the size-limit check by operation id. `deciding` are the variables used in
    directives.
    """

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    limits: Limits = UNLIMITED
    deciding: frozenset[str] = frozenset()
    plans: dict[tuple[object, ...], PreparedOperation] = field(default_factory=dict)
    refusals: dict[int, GraphQLError | None] = field(default_factory=dict)
    size: int = 0

    def limit_error(self, operation: "Executor[Any]") -> GraphQLError | None:
        """Return the error if an operation exceeds a static size limit, else None."""
        node = operation.operation
        if id(node) not in self.refusals:
            self.refusals[id(node)] = check_limits(node, operation.fragments, self.limits)
        return self.refusals[id(node)]

    def estimate_size(self, text: str) -> int:
        """Estimate the size in bytes: the AST, the same again for each plan, and the compiled statements."""
        if self.errors:
            return getsizeof(text) + REFUSAL_BYTES
        plans = 1 + len(self.plans)
        return plans * (EMPTY_BYTES + CHARACTER_BYTES * len(text)) + sum(
            plan.size for plan in self.plans.values()
        )

    def get_plan(self, operation: "Executor[Any]", declarations: Declarations) -> PreparedOperation:
        """Return the plan of an operation for the current values of its `@skip` and `@include` variables."""
        values = operation.variable_values.coerced
        # In another operation, a variable of this name may have any type: test only for true and null.
        deciding = (values.get(name) is True for name in sorted(self.deciding))
        nulls = (values.get(name) is None for name in sorted(self.deciding))
        key = (id(operation.operation), *deciding, *nulls)
        plan = self.plans.get(key)
        if plan is None:
            plan = PreparedOperation(plan_operation(operation, declarations), self.limits)
            self._add(key, plan)
        return plan

    def fork(self) -> "ParsedDocument":
        """Copy for planning on another thread. It shares the AST, which is immutable, and no plans."""
        return replace(self, plans={}, refusals={}, size=0)

    def merge(self, fork: "ParsedDocument") -> None:
        """Merge the plans of a fork."""
        for key, plan in fork.plans.items():
            known = self.plans.get(key)
            if known is None:
                self._add(key, plan)
            else:
                known.merge(plan)

    def _add(self, key: tuple[object, ...], plan: PreparedOperation) -> None:
        while len(self.plans) >= MAX_PLANS:
            del self.plans[next(iter(self.plans))]
        self.plans[key] = plan


class DocumentCache:
    """LRU cache of documents by their text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits = UNLIMITED) -> None:
        self._schema, self._limits = schema, limits
        self.cache: SizedLRUCache[str, ParsedDocument] = SizedLRUCache(MAX_BYTES, FREE_BYTES)

    def get(self, text: str) -> ParsedDocument:
        """Return the document, parsing it if it is not cached. Raises TimeBudgetExceeded."""
        document = self.cache.get(text)
        if document is None:
            document = self.read(text)
            self.update_size(text, document)
        return document

    def update_size(self, text: str, document: ParsedDocument) -> None:
        """Update the cached size of a document, which grows as operations are planned and compiled."""
        size = document.estimate_size(text)
        if size != document.size:
            document.size = size
            self.cache.set(text, document, size)

    def merge(self, text: str, fork: ParsedDocument) -> None:
        """Cache a document that another thread parsed and planned."""
        document = self.cache.get(text)
        if document is None or document.node is not fork.node:
            document = fork
        else:
            document.merge(fork)
        self.update_size(text, document)

    def read(self, text: str) -> ParsedDocument:
        """Parse and validate a document. Thread-safe. Raises TimeBudgetExceeded."""
        check_time_budget(PARSE_SECONDS * len(text))
        try:
            node = self._parsed(text)
        except GraphQLError as error:
            return ParsedDocument(None, (bounded_error(with_code(error, Code.PARSE_FAILED)),))
        errors = self._broken_rules(text, node)
        if errors:
            return ParsedDocument(None, tuple(with_code(error, Code.VALIDATION_FAILED) for error in errors))
        return ParsedDocument(node, (), self._limits, conditional_variables(node))

    def _parsed(self, text: str) -> DocumentNode:
        most = self._limits.tokens or None
        if most and text.count("\n") + text.count("\r") > most * LINES_OF_A_TOKEN:
            raise _too_many_tokens(most)
        try:
            return parse(QuickSource(text), max_lexical_tokens=most, max_comments=most)
        except GraphQLError as error:
            if most is not None and f"more than {most} " in error.message:
                raise _too_many_tokens(most) from error
            raise

    def _broken_rules(self, text: str, node: DocumentNode) -> list[GraphQLError]:
        introspection = self._limits.introspection
        rules = (*rules_for(text, introspection=introspection), *STRAWBERRYS_RULES)
        return validate_document(self._schema, node, rules, hide_suggestions=not introspection)


def _too_many_tokens(most: int) -> GraphQLError:
    what = f"{most:,} tokens, as many comments, or {most * LINES_OF_A_TOKEN:,} lines"
    error = GraphQLError(f"The document has more than {what}: ask in several requests.")
    return with_code(error, Code.TOO_MANY_TOKENS)


def strip_incremental(text: str, document: DocumentNode | None) -> DocumentNode | None:
    """Strip `@defer` and `@stream`, which an executor without incremental delivery rejects."""
    if document is None or not ("@defer" in text or "@stream" in text):
        return document
    made: DocumentNode = visit(document, _WithoutParts())
    return made


class _WithoutParts(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: object) -> object:
        return REMOVE if node.name.value in {"defer", "stream"} else None


def with_code(error: GraphQLError, code: Code) -> GraphQLError:
    """Add a documented code to an error that has none."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def conditional_variables(document: DocumentNode) -> frozenset[str]:
    """Return the variables used in directives: only these change what an operation selects."""
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


# Limit the number of values in a request's variables, because coercing them blocks the event loop.


MAX_VALUES = 20_000  # about 0.1 s
VALUE_SECONDS = 5e-6  # to coerce one
TOO_MANY = f"The variables hold more than {MAX_VALUES:,} values: ask in several requests."


def exceeds_limit(variables: Mapping[str, Any]) -> bool:
    """Return whether nested JSON holds more than `MAX_VALUES` values. Raises TimeBudgetExceeded."""
    count, waiting = 0, [variables.values()]
    while waiting:
        for value in waiting.pop():
            kind = type(value)
            if kind is list or kind is dict:
                count += len(value)
                if count > MAX_VALUES:
                    return True
                waiting.append(value.values() if kind is dict else value)
    check_time_budget(VALUE_SECONDS * count)
    return False
