"""GraphQL documents: their cache, and static limits on the size of operations and variables."""

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
    INTROSPECTION_FIELDS,
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

# Static size limits of an operation: depth, root fields, aliases and directives, with fragments expanded.
#
# Each fragment is visited once, and its counts are added for every spread. For example, thirty fragments that
# each spread the next one twice take thirty visits and have a count of 2^30.

Fragments = Mapping[str, FragmentDetails]


class SelectionSize(NamedTuple):
    """Size of a selection set: `fields` counts only its top level, `depth` only fields with selections."""

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0

    def add(self, other: "SelectionSize") -> "SelectionSize":
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
    size = measure(operation, fragments)
    checks = (
        (size.depth, limits.max_depth, Code.TOO_DEEP, "nests fields with selections {} levels deep"),
        (size.fields, limits.max_root_fields, Code.TOO_MANY_ROOT_FIELDS, "has {} root fields"),
        (size.aliases, limits.max_aliases, Code.TOO_MANY_ALIASES, "has {} aliases"),
        (size.directives, limits.max_directives, Code.TOO_MANY_DIRECTIVES, "has {} directives"),
    )
    for counted, limit, code, what in checks:
        if limit and counted > limit:
            actual = what.format(f"{counted:,}")
            message = f"The operation {actual}, and the limit is {limit:,}: send several requests."
            return GraphQLError(message, operation, extensions={"code": code})
    return None


def measure(operation: OperationDefinitionNode, fragments: Fragments) -> SelectionSize:
    """Measure an operation, including its own directives and those of its variables."""
    variables = operation.variable_definitions or ()
    directives = len(operation.directives or ())
    directives += sum(len(variable.directives or ()) for variable in variables)
    return SelectionSize(directives=directives).add(_Counter(fragments).measure(operation.selection_set))


class _Counter:
    """Measure selection sets. `fragments` must be free of cycles, which validation ensures."""

    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._sizes: dict[str, SelectionSize] = {}

    def measure(self, selections: SelectionSetNode) -> SelectionSize:
        size = SelectionSize()
        for selection in selections.selections:
            size = size.add(self._measure(selection))
        return size

    def _measure(self, node: SelectionNode) -> SelectionSize:
        directives = SelectionSize(directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            return directives.add(self._measure_field(node))
        if isinstance(node, FragmentSpreadNode):
            return directives.add(self._measure_fragment(self._fragments[node.name.value].definition))
        inline: Any = node
        return directives.add(self.measure(inline.selection_set))

    def _measure_field(self, node: FieldNode) -> SelectionSize:
        field_size = SelectionSize(fields=1, aliases=int(node.alias is not None))
        if node.selection_set is None:
            return field_size
        below = self.measure(node.selection_set)
        depth = 0 if node.name.value in INTROSPECTION_FIELDS else 1 + below.depth
        return field_size.add(SelectionSize(0, depth, below.aliases, below.directives))

    def _measure_fragment(self, definition: FragmentDefinitionNode) -> SelectionSize:
        name = definition.name.value
        if name not in self._sizes:
            directives = SelectionSize(directives=len(definition.directives or ()))
            self._sizes[name] = directives.add(self.measure(definition.selection_set))
        return self._sizes[name]


# Document cache: parsed and validated documents, with the plans of their operations.

MAX_BYTES = 64 << 20  # maximum size of the cache
PROBATION_BYTES = 16 << 20  # maximum size of the documents that were sent only once
EMPTY_BYTES, CHARACTER_BYTES = 10_000, 200  # estimated size of an AST or a plan: fixed, and per character
LINES_PER_TOKEN = 5  # maximum lines per allowed token: each error counts the lines, in 0.2 µs per line
INVALID_BYTES = 30_000  # of an invalid document, without its text: it has at most ten short errors
PARSE_SECONDS = 0.5e-6  # per character
STRAWBERRY_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)
MAX_PLANS = 64  # cached per document: one per operation and combination of `@skip` and `@include` values


@dataclass(slots=True)
class ParsedDocument:
    """Parsed document, or its errors. A document with errors is never executed.

    `limit_errors` has the results of `check_limits` by the `id` of the operation's node.
    `conditional_variables` are the variables that are used in directives.
    """

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    limits: Limits = UNLIMITED
    conditional_variables: frozenset[str] = frozenset()
    plans: dict[tuple[object, ...], PreparedOperation] = field(default_factory=dict)
    limit_errors: dict[int, GraphQLError | None] = field(default_factory=dict)
    size: int = 0

    def limit_error(self, executor: "Executor[Any]") -> GraphQLError | None:
        """Return the error if an operation exceeds a static size limit, else None."""
        node = executor.operation
        if id(node) not in self.limit_errors:
            self.limit_errors[id(node)] = check_limits(node, executor.fragments, self.limits)
        return self.limit_errors[id(node)]

    def estimate_size(self, text: str) -> int:
        """Estimate the size in bytes: the AST, the same again for each plan, and the compiled statements."""
        if self.errors:
            return getsizeof(text) + INVALID_BYTES
        plans = 1 + len(self.plans)
        return plans * (EMPTY_BYTES + CHARACTER_BYTES * len(text)) + sum(
            plan.size for plan in self.plans.values()
        )

    def get_plan(self, executor: "Executor[Any]", declarations: Declarations) -> PreparedOperation:
        """Return the plan of an operation for the current values of its `@skip` and `@include` variables."""
        values = executor.variable_values.coerced
        # In another operation, a variable with this name may have any type: test only for true and null.
        are_true = (values.get(name) is True for name in sorted(self.conditional_variables))
        are_null = (values.get(name) is None for name in sorted(self.conditional_variables))
        key = (id(executor.operation), *are_true, *are_null)
        plan = self.plans.get(key)
        if plan is None:
            plan = PreparedOperation(plan_operation(executor, declarations), self.limits)
            self._cache_plan(key, plan)
        return plan

    def fork(self) -> "ParsedDocument":
        """Copy the document for planning on another thread: with the same, immutable AST, without plans."""
        return replace(self, plans={}, limit_errors={}, size=0)

    def merge(self, fork: "ParsedDocument") -> None:
        """Merge the plans of a fork."""
        for key, plan in fork.plans.items():
            cached = self.plans.get(key)
            if cached is None:
                self._cache_plan(key, plan)
            else:
                cached.merge(plan)

    def _cache_plan(self, key: tuple[object, ...], plan: PreparedOperation) -> None:
        while len(self.plans) >= MAX_PLANS:
            del self.plans[next(iter(self.plans))]
        self.plans[key] = plan


class DocumentCache:
    """LRU cache of documents by their text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits = UNLIMITED) -> None:
        self._schema, self._limits = schema, limits
        self.cache: SizedLRUCache[str, ParsedDocument] = SizedLRUCache(MAX_BYTES, PROBATION_BYTES)

    @property
    def size(self) -> int:
        """Estimated size in bytes, plans and compiled statements included."""
        return self.cache.size

    def get(self, text: str) -> ParsedDocument:
        """Return the document, parsing it if it is not cached. Raises TimeBudgetExceeded."""
        document = self.cache.get(text)
        if document is None:
            document = self.parse(text)
            self.update_size(text, document)
        return document

    def update_size(self, text: str, document: ParsedDocument) -> None:
        """Update the cached size of a document, which grows as operations are planned and compiled."""
        size = document.estimate_size(text)
        if size != document.size:
            document.size = size
            self.cache.set(text, document, size)

    def merge(self, text: str, fork: ParsedDocument) -> None:
        """Cache a document that another thread parsed or planned."""
        document = self.cache.get(text)
        if document is None or document.node is not fork.node:
            document = fork
        else:
            document.merge(fork)
        self.update_size(text, document)

    def parse(self, text: str) -> ParsedDocument:
        """Parse and validate a document. Thread-safe. Raises TimeBudgetExceeded."""
        check_time_budget(PARSE_SECONDS * len(text))
        try:
            node = self._parse_text(text)
        except GraphQLError as error:
            return ParsedDocument(None, (bounded_error(with_code(error, Code.PARSE_FAILED)),))
        errors = self._validate(text, node)
        if errors:
            return ParsedDocument(None, tuple(with_code(error, Code.VALIDATION_FAILED) for error in errors))
        return ParsedDocument(node, (), self._limits, conditional_variables(node))

    def _parse_text(self, text: str) -> DocumentNode:
        limit = self._limits.max_tokens or None
        if limit and text.count("\n") + text.count("\r") > limit * LINES_PER_TOKEN:
            raise _token_limit_error(limit)
        try:
            return parse(QuickSource(text), max_lexical_tokens=limit, max_comments=limit)
        except GraphQLError as error:
            if limit is not None and f"more than {limit} " in error.message:
                raise _token_limit_error(limit) from error
            raise

    def _validate(self, text: str, node: DocumentNode) -> list[GraphQLError]:
        introspection = self._limits.introspection
        rules = (*rules_for(text, introspection=introspection), *STRAWBERRY_RULES)
        return validate_document(self._schema, node, rules, hide_suggestions=not introspection)


def _token_limit_error(limit: int) -> GraphQLError:
    limits = f"{limit:,} tokens, {limit:,} comments or {limit * LINES_PER_TOKEN:,} lines"
    error = GraphQLError(f"The document has more than {limits}: send several requests.")
    return with_code(error, Code.TOO_MANY_TOKENS)


def strip_incremental(text: str, document: DocumentNode | None) -> DocumentNode | None:
    """Remove the directives `@defer` and `@stream`, which the executor rejects for a single response."""
    if document is None or not ("@defer" in text or "@stream" in text):
        return document
    stripped: DocumentNode = visit(document, _IncrementalStripper())
    return stripped


class _IncrementalStripper(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: object) -> object:
        return REMOVE if node.name.value in {"defer", "stream"} else None


def with_code(error: GraphQLError, code: Code) -> GraphQLError:
    """Set the code of an error that has none, and return it."""
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def conditional_variables(document: DocumentNode) -> frozenset[str]:
    """Return the variables that are used in directives: only these change the selection of an operation."""
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


# Limit on the number of values in the variables. Coercing them cannot be interrupted.

MAX_VALUES = 20_000  # take about 0.1 s
VALUE_SECONDS = 5e-6  # to coerce one value
TOO_MANY_VALUES = f"The variables have more than {MAX_VALUES:,} values: send several requests."


def has_too_many_values(variables: Mapping[str, Any]) -> bool:
    """Return whether the lists and objects in variables have more than `MAX_VALUES` items and fields.

    Raises TimeBudgetExceeded if coercing them would exceed the time budget.
    """
    count, pending = 0, [variables.values()]
    while pending:
        for value in pending.pop():
            kind = type(value)
            if kind is list or kind is dict:
                count += len(value)
                if count > MAX_VALUES:
                    return True
                pending.append(value.values() if kind is dict else value)
    check_time_budget(VALUE_SECONDS * count)
    return False
