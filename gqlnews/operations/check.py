"""Check the documents of a front end as the server would, without content.

1. Read the source files, extract their GraphQL documents, and collect all operations and fragments.
2. Compose the document of each operation, with the fragments that it uses.
3. Validate it by the server's rules, and check the limits of its size.
4. Plan it with the variables at their worst, and check its arguments and its cost.
5. Validate the fragments that no operation uses.

A mistake in a fragment is found with each operation that uses it, and reported once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import thread_time

from graphql import (
    DocumentNode,
    Executor,
    FragmentDefinitionNode,
    GraphQLError,
    Node,
    OperationDefinitionNode,
)
from graphql.validation import NoUnusedFragmentsRule

from gqlnews.config.settings import Limits
from gqlnews.engine.documents import check_operations, check_tokens, find_validation_errors, with_code
from gqlnews.engine.validation import ErrorBounds, Rules
from gqlnews.errors import Code
from gqlnews.operations.client_only import ClientOnlyRemover
from gqlnews.operations.compose import COPY_SUFFIX, Composer
from gqlnews.operations.definitions import FrontEnd
from gqlnews.operations.extract import extract_sources
from gqlnews.operations.find_files import find_files
from gqlnews.operations.findings import Finding, to_finding_code
from gqlnews.operations.sources import error_places, node_place, node_text
from gqlnews.operations.worst_case import WorstCase, assume_worst_case
from gqlnews.query.cost import CostLimitError
from gqlnews.query.entities import Audience
from gqlnews.query.planner import plan_operation
from gqlnews.query.prepared import PreparedOperation
from gqlnews.query.tree import LocatedRequestError
from gqlnews.schema.query import NewsSchema, collect_declarations
from gqlnews.time_budget import TimeBudget, TimeBudgetExceeded, time_budget

BOUNDS = ErrorBounds(errors=1_000, suggestions=100, keeps_nodes=True)
MAX_SECONDS = 10.0  # of processor time for one operation; the server has about one second
MAX_OTHER_PLACES = 3  # named in a message
TOO_SLOW = "The operation takes too long to check: select fewer fields with the same name, or split it."
OPERATION_RULES = (NoUnusedFragmentsRule,)  # they do not apply to a fragment without an operation


@dataclass(frozen=True, slots=True)
class OperationsReport:
    """The findings, in the order of their places, and the numbers of what was checked.

    `files` counts those with documents. `passed_over` are the paths of generated files.
    """

    findings: tuple[Finding, ...]
    operations: int
    fragments: int
    files: int
    passed_over: tuple[str, ...] = ()


def check_folder(folder: Path, schema: NewsSchema, limits: Limits) -> OperationsReport:
    """Check all documents in the source files of a folder. Raises ContentFolderError."""
    found, front_end = find_files(folder), FrontEnd()
    front_end.findings += found.findings
    for file in found.files:
        for source in extract_sources(file, Path(file.path).suffix.lower()):
            if isinstance(source, Finding):
                front_end.findings.append(source)
            else:
                front_end.add(source)
    findings = {*front_end.findings, *_OperationChecker(schema, limits, front_end).findings()}
    return OperationsReport(
        tuple(sorted(findings)),
        len(front_end.operations),
        len(front_end.all_fragments),
        len(front_end.files),
        tuple(found.passed_over),
    )


class _OperationChecker:
    def __init__(self, schema: NewsSchema, limits: Limits, front_end: FrontEnd) -> None:
        self._schema, self._limits, self._front_end = schema._schema, limits, front_end
        self._declarations = collect_declarations(schema)
        self._composer = Composer(front_end, ClientOnlyRemover(schema._schema, front_end))

    def findings(self) -> Iterator[Finding]:
        """Yield the findings; one of a fragment is repeated for each operation that uses it."""
        for operation in self._front_end.operations:
            document = self._composer.compose(operation)
            if document is not None:
                yield from self._check_operation(document)
        fragments = self._front_end.fragments
        unused = (fragment for name, fragment in fragments.items() if name not in self._composer.used)
        for fragment in chain(unused, self._front_end.further_fragments):
            yield from self._check_fragment(fragment)

    def _check_operation(self, document: DocumentNode) -> Sequence[Finding]:
        return _within_budget(document.definitions[0], lambda: self._find_mistakes(document))

    def _find_mistakes(self, document: DocumentNode) -> Sequence[Finding]:
        """Return the errors of the first step that finds any, as the server does."""
        token_error = check_tokens(document, self._limits)
        errors: Sequence[GraphQLError] = (
            [token_error]
            if token_error is not None
            else self._validate(document) or [*check_operations(document, self._limits).values()]
        )
        if errors:
            return [_to_finding(error, document) for error in errors]
        return self._check_cost(document)

    def _check_fragment(self, fragment: FragmentDefinitionNode) -> Sequence[Finding]:
        """Validate a fragment that no operation uses."""
        document = self._composer.compose_fragment(fragment)
        if document is None:
            return []
        return _within_budget(
            fragment,
            lambda: [_to_finding(error, document) for error in self._validate(document, OPERATION_RULES)],
        )

    def _validate(self, document: DocumentNode, ignored: Rules = ()) -> list[GraphQLError]:
        text = "".join(map(node_text, document.definitions))
        return find_validation_errors(text, document, self._schema, self._limits, BOUNDS, ignored=ignored)

    def _check_cost(self, document: DocumentNode) -> Sequence[Finding]:
        """Return a finding for an argument or a cost over the limit, the largest of all conditions."""
        worst = assume_worst_case(document, self._schema, self._declarations, self._limits.max_page_size)
        largest: CostLimitError | None = None
        conditions: dict[str, object] = {}
        for variables in worst.variables():
            try:
                self._estimate_cost(worst, variables)
            except CostLimitError as error:
                if largest is None or error.cost > largest.cost:
                    largest, conditions = error, variables
            except LocatedRequestError as error:
                return [Finding(node_place(error.node), to_finding_code(error.code), str(error))]
            except GraphQLError as error:
                return [_to_finding(with_code(error, Code.BAD_USER_INPUT), document)]
        if largest is None:
            return []
        place = node_place(largest.node)
        return [
            Finding(place, to_finding_code(largest.code), _cost_message(document, largest, worst, conditions))
        ]

    def _estimate_cost(self, worst: WorstCase, variables: dict[str, object]) -> int:
        """Return the cost. Raises LocatedRequestError and GraphQLError."""
        executor = Executor.build(self._schema, worst.document, raw_variable_values=variables)
        if not isinstance(executor, Executor):
            raise executor[0]
        plan = plan_operation(executor, self._declarations)
        return PreparedOperation(plan, self._limits).estimate_cost(executor.variable_values, Audience.EDITOR)


def _within_budget(definition: Node, find: Callable[[], Sequence[Finding]]) -> Sequence[Finding]:
    """Return the findings, or that the check of a definition takes too long."""
    try:
        with time_budget(TimeBudget(MAX_SECONDS, thread_time)):
            return find()
    except TimeBudgetExceeded:
        return [Finding(node_place(definition), to_finding_code(Code.TOO_WIDE), TOO_SLOW)]


def _to_finding(error: GraphQLError, document: DocumentNode) -> Finding:
    """Convert an error of a document, which is reported at its operation if it has no place of its own."""
    code = Code((error.extensions or {}).get("code", Code.VALIDATION_FAILED))
    places = error_places(error) or [node_place(document.definitions[0])]
    message = COPY_SUFFIX.sub("", error.message)
    others = ", ".join(map(str, places[1 : 1 + MAX_OTHER_PLACES]))
    return Finding(places[0], to_finding_code(code), f"{message} See also {others}." if others else message)


def _cost_message(
    document: DocumentNode, error: CostLimitError, worst: WorstCase, conditions: dict[str, object]
) -> str:
    """Name the assumptions: `Feed costs up to 20,201 objects with $first at its maximum of 100; …`."""
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    name = f"`{operation.name.value}`" if operation.name else "The operation"
    sizes = [
        f"${one.variable} at {'its maximum of ' if one.is_maximum else ''}{one.size}"
        for one in dict.fromkeys(worst.sizes)
    ]
    booleans = [
        f"${name} {str(value).lower()}" for name, value in conditions.items() if isinstance(value, bool)
    ]
    parts = [*sizes, *booleans]
    assumed = f" with {', '.join(parts[:-1])}{' and ' if len(parts) > 1 else ''}{parts[-1]}" if parts else ""
    return (
        f"{name} costs up to {error.cost:,} objects{assumed}; the limit is {error.limit:,}: {error.advice}."
    )
