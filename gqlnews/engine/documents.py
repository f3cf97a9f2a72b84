"""GraphQL documents: parse and validate them, limit the size of operations, and cache what is derived."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import getsizeof
from typing import TYPE_CHECKING, Any, NamedTuple

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
    Visitor,
    parse,
    print_ast,
    visit,
)
from graphql.language import Node, VariableNode
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gqlnews.cache import SizedLRUCache
from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.engine.validation import (
    INTROSPECTION_FIELDS,
    RESPONSE_BOUNDS,
    ErrorBounds,
    QuickSource,
    Rules,
    bounded_error,
    rules_for,
    validate_document,
)
from gqlnews.errors import Code
from gqlnews.query.fields import Declarations
from gqlnews.query.planner import plan_operation
from gqlnews.query.prepared import PreparedOperation
from gqlnews.query.sql.dialect import Dialect
from gqlnews.query.sql.sqlite import SQLITE
from gqlnews.time_budget import check_time_budget

if TYPE_CHECKING:
    from gqlnews.engine.requests import PreparedQuery

# Static size limits of an operation: depth, root fields, aliases and directives, with fragments expanded.
#
# Each fragment is visited once, and its counts are added for every spread. For example, thirty fragments that
# each spread the next one twice take thirty visits and have a count of 2^30.

Fragments = Mapping[str, FragmentDefinitionNode]


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


def check_operations(document: DocumentNode, limits: Limits) -> Mapping[int, GraphQLError]:
    """Return an error for each operation that exceeds a limit, by the `id` of its node."""
    definitions = document.definitions
    fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    errors = ((id(one), _limit_error(one, measure(one, fragments, {}), limits)) for one in operations)
    return {key: error for key, error in errors if error is not None}


def _limit_error(
    operation: OperationDefinitionNode, size: SelectionSize, limits: Limits
) -> GraphQLError | None:
    """Return an error for the first limit that an operation exceeds, or None."""
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


def measure(node: Any, fragments: Fragments, known: dict[str, SelectionSize]) -> SelectionSize:
    """Measure an operation, a fragment or a selection. `known` has the sizes of fragments.

    `fragments` must be free of cycles, which validation ensures.
    """
    with_directives = (node, *(getattr(node, "variable_definitions", None) or ()))
    size = SelectionSize(directives=sum(len(one.directives or ()) for one in with_directives))
    if isinstance(node, FragmentSpreadNode):
        name = node.name.value
        if name not in known:
            known[name] = measure(fragments[name], fragments, known)
        return size.add(known[name])
    below = SelectionSize()
    for selection in node.selection_set.selections if node.selection_set else ():
        below = below.add(measure(selection, fragments, known))
    if isinstance(node, FieldNode):
        is_leaf = node.selection_set is None or node.name.value in INTROSPECTION_FIELDS
        depth, aliases = 0 if is_leaf else 1 + below.depth, below.aliases + (node.alias is not None)
        below = SelectionSize(1, depth, aliases, below.directives)
    return size.add(below)


# Parse and validate a document.

NODE_BYTES, TOKEN_BYTES = 10_000, 500  # size of an AST: fixed, and per token
INVALID_BYTES = 30_000  # of an invalid document, without its text: it has at most ten short errors
LINES_PER_TOKEN = 5  # maximum lines per allowed token: each error counts the lines, in 0.2 µs per line
PARSE_SECONDS = 0.5e-6  # per character
STRAWBERRY_RULES = (MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(slots=True, eq=False)
class Document:
    """Document with everything that is derived from its text alone, or its errors; then it is never executed.

    `limit_errors` are the errors of operations that exceed a static size limit, by the `id` of their node.
    `conditional_variables` are the variables that are used in directives. `operations` are the prepared
    operations by the values of these variables; several threads may add to them. Sizes are estimates in
    bytes: `node_size` of the text and the AST, `cached_size` of everything when it was last cached.
    """

    text: str
    node: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    limits: Limits = UNLIMITED
    dialect: Dialect = SQLITE
    limit_errors: Mapping[int, GraphQLError] = field(default_factory=dict)
    conditional_variables: Sequence[str] = ()
    operations: dict[tuple[object, ...], PreparedOperation] = field(default_factory=dict)
    node_size: int = 0
    cached_size: int = 0

    def __post_init__(self) -> None:
        ast_size = INVALID_BYTES if self.node is None else NODE_BYTES + TOKEN_BYTES * _count_tokens(self.node)
        self.node_size = 2 * getsizeof(self.text) + ast_size  # the AST has copies of names and strings

    @property
    def operations_size(self) -> int:
        """Size of the plans with their SQL."""
        return sum(operation.size for operation in tuple(self.operations.values()))

    def get_operation(self, executor: "Executor[Any]", declarations: Declarations) -> PreparedOperation:
        """Return the operation for the current values of the variables in its directives."""
        coerced = executor.variable_values.coerced
        # A variable without a value, and one of another operation with any type, count as an empty text.
        values = [coerced.get(name, "") for name in self.conditional_variables]
        key = (id(executor.operation), *(value if isinstance(value, int | None) else "" for value in values))
        operation = self.operations.get(key)
        if operation is None:
            operation = PreparedOperation(plan_operation(executor, declarations), self.limits, self.dialect)
            self.operations[key] = operation
        return operation


def parse_document(
    text: str, schema: GraphQLSchema, limits: Limits = UNLIMITED, dialect: Dialect = SQLITE
) -> Document:
    """Parse and validate a document. Thread-safe. Raises TimeBudgetExceeded."""
    check_time_budget(PARSE_SECONDS * len(text))
    try:
        node = _parse(text, limits.max_tokens or None)
    except GraphQLError as error:
        return Document(text, None, (bounded_error(with_code(error, Code.PARSE_FAILED)),))
    errors = find_validation_errors(text, node, schema, limits)
    if errors:
        return Document(text, None, tuple(errors))
    conditional = conditional_variables(node) if "@" in text and "$" in text else ()
    return Document(text, node, (), limits, dialect, check_operations(node, limits), conditional)


def find_validation_errors(
    text: str,
    node: DocumentNode,
    schema: GraphQLSchema,
    limits: Limits = UNLIMITED,
    bounds: ErrorBounds = RESPONSE_BOUNDS,
    *,
    ignored: Rules = (),
) -> list[GraphQLError]:
    """Validate a document by all rules that its text can violate. Raises TimeBudgetExceeded."""
    applicable = (*rules_for(text, introspection=limits.introspection), *STRAWBERRY_RULES)
    rules = [rule for rule in applicable if rule not in ignored]
    errors = validate_document(schema, node, rules, hide_suggestions=not limits.introspection, bounds=bounds)
    return [with_code(error, Code.VALIDATION_FAILED) for error in errors]


def _parse(text: str, limit: int | None) -> DocumentNode:
    if limit and text.count("\n") + text.count("\r") > limit * LINES_PER_TOKEN:
        raise _token_limit_error(limit)
    try:
        return parse(QuickSource(text), max_lexical_tokens=limit, max_comments=limit)
    except GraphQLError as error:
        if limit is not None and f"more than {limit} " in error.message:
            raise _token_limit_error(limit) from error
        raise


def check_tokens(document: DocumentNode, limits: Limits) -> GraphQLError | None:
    """Return an error if a document whose definitions have several sources has too many tokens as printed."""
    limit = limits.max_tokens
    if not limit or sum(map(_count_tokens, document.definitions)) <= limit:
        return None
    try:
        _parse(print_ast(document), limit)
    except GraphQLError as error:
        return error
    return None


def _count_tokens(node: Node) -> int:
    """Count the tokens of a document or definition as written, with comments: they are a linked list."""
    assert node.loc is not None
    token, count = node.loc.start_token, 1
    while token is not node.loc.end_token and token.next is not None:
        token, count = token.next, count + 1
    return count


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


def conditional_variables(document: DocumentNode) -> Sequence[str]:
    """Return the variables that are used in directives: only these change the selection of an operation."""
    collector = _DirectiveVariables()
    visit(document, collector)
    return sorted(collector.names)


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


# The two caches between a request and its SQL: documents by their text, with the operations prepared from
# them, and prepared requests by their payload.
#
# Both have one limit in bytes and one LRU order. A request refers to its document, so a document counts as
# used whenever one of its requests is, and is evicted after all of them.

MAX_BYTES = 96 << 20
PROBATION_FRACTION = 1 / 8  # of the caches, for documents and requests that were sent only once
MAX_OPERATIONS_FRACTION = 1 / 8  # of the caches, for the operations of one document
REQUEST_BYTES, ROOT_BYTES = 1_500, 300  # of a request, without its values: fixed, and per root field


class PreparedCache:
    """Documents by text, and prepared requests by payload: at most `max_bytes` bytes together."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._entries: SizedLRUCache[Hashable, Any] = SizedLRUCache(
            max_bytes, int(max_bytes * PROBATION_FRACTION)
        )
        self._max_operations_size = int(max_bytes * MAX_OPERATIONS_FRACTION)

    @property
    def size(self) -> int:
        """Estimated size of all documents and requests in bytes."""
        return self._entries.size

    def get_document(self, text: str) -> Document | None:
        document: Document | None = self._entries.get(text)
        return document

    def set_document(self, document: Document) -> None:
        """Cache a document, or update its size, which grows as operations are planned and compiled.

        If another thread has parsed the same text meanwhile, the document that is cached remains.
        """
        cached = self._entries.get(document.text)
        if cached is not None and cached is not document:
            return
        if document.operations_size > self._max_operations_size:
            self._entries.discard(lambda entry: getattr(entry, "document", None) is document)
            document.operations.clear()
        size = document.node_size + document.operations_size
        if cached is None or size != document.cached_size:
            document.cached_size = size
            self._entries.set(document.text, document, size)

    def get_request(self, payload: Hashable) -> "PreparedQuery | None":
        prepared: PreparedQuery | None = self._entries.get(payload)
        if prepared is not None:
            self._entries.get(prepared.document.text)
        return prepared

    def set_request(self, payload: Hashable, payload_size: int, prepared: "PreparedQuery") -> None:
        """Cache a request if its document is cached. `payload_size` is the size of its key in bytes."""
        document, size = prepared.document, _request_size(payload_size, prepared)
        is_cached = self._entries.get(document.text) is document
        if is_cached and document.cached_size + size <= self._entries.max_bytes:
            # The request's text is another copy of the document's.
            prepared = replace(prepared, request=replace(prepared.request, query=document.text))
            self._entries.set(payload, prepared, size)
            self._entries.get(document.text)


def _request_size(payload_size: int, prepared: "PreparedQuery") -> int:
    """Estimate the size of a request without what it shares with its document: text, AST and SQL."""
    queries = prepared.bound.queries.values()
    values = sum(ROOT_BYTES + _values_size(query.statement[1]) for query in queries)
    return REQUEST_BYTES + payload_size + _values_size(prepared.request.variables or {}) + values


def _values_size(values: object) -> int:
    """Return the size of JSON values in bytes, with all that they contain."""
    size, pending = 0, [values]
    while pending:
        value = pending.pop()
        size += getsizeof(value)
        if isinstance(value, dict):
            pending += (*value, *value.values())
        elif isinstance(value, list | tuple):
            pending += value
    return size
