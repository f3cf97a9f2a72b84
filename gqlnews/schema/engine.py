"""The engine: a request's document and variables to the bytes of its answer.

1. The document is parsed and validated, or found among those that were.
2. The operation is chosen and its variables are coerced; one that is too large as it is written is refused.
3. It is planned, and the request's values are bound: an argument that is refused refuses the request, and so
   does what it would cost.
4. Its statements run in one hop to the store, but for root fields that are kept. Where they are all that it
   asks for, their JSON is the answer; else (introspection, errors) Strawberry executes it, and the root
   resolvers share the hop.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from sys import getsizeof
from typing import Any

import orjson
import strawberry
from graphql import Executor, GraphQLError, OperationType
from strawberry.types import ExecutionResult

from gqlnews.errors import Code, RequestError, shorten
from gqlnews.limits import UNLIMITED, Limits
from gqlnews.plan.audience import Audience
from gqlnews.plan.nodes import RefusedError, TooCostlyError
from gqlnews.plan.operation import NOTHING_BOUND, BoundOperation, BoundParts, BoundSubscription
from gqlnews.plan.scan import OBJECT_SECONDS, SECONDS, Sizes, too_much, work_of_all
from gqlnews.schema.build import build_schema, declarations_of, is_failure
from gqlnews.schema.documents import Document, Documents, coded, whole_document
from gqlnews.schema.error_bounds import MAX_ERRORS, encode_errors
from gqlnews.schema.extensions import Spent, with_cost
from gqlnews.schema.kept_fields import KeptFields
from gqlnews.schema.validation import MAX_SUGGESTIONS
from gqlnews.schema.variables import TOO_MANY, hold_too_much
from gqlnews.schema.work import Read, Work
from gqlnews.store.callers import expect
from gqlnews.store.limited import out_of_time
from gqlnews.time_budget import TimeBudgetExceeded

MAX_NAME = 101  # characters of an operation's name, one more than metrics count by
PREPARED_BYTES = 2_000  # of a request made ready, beside its texts
FAILED = "The server failed here; what happened is in its log."
INTROSPECTION_FIELD = re.compile("__schema|__type(?!name)")

Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a function off the event loop."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the response as JSON. Not `ok`: the request was refused, and there is no `data`.

    `faultless`: it has no error at all; else `codes` are those of its errors. `is_invalid`: the document is
    not valid.
    """

    body: bytes
    ok: bool
    operation: str | None = None
    rows: int = 0
    faultless: bool = False
    codes: tuple[str, ...] = ()
    is_invalid: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation as a client asks for it. `only_query`: refuse what changes something, as a GET has to.

    `in_parts`: the answer may come in parts, where the operation asks for that. `tells_cost`: it says what it
    cost.
    """

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    only_query: bool = False
    in_parts: bool = False
    tells_cost: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that nothing refuses, ready to run, as often as it is asked while the clock plays no part."""

    asked: Asked
    operation: str | None
    audience: Audience
    bound: BoundOperation

    @property
    def size(self) -> int:
        """Bytes, about."""
        texts = sum(
            len(query.sql) + size_of_values(query.statement[1]) for query in self.bound.queries.values()
        )
        return PREPARED_BYTES + 3 * len(self.asked.query) + texts


def size_of_values(values: Iterable[object]) -> int:
    """Bytes of what a statement binds, about."""
    return sum(getsizeof(value) for value in values if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Watched:
    """A subscription that nothing refuses."""

    asked: Asked
    operation: str | None
    audience: Audience
    bound: BoundSubscription
    bind: Callable[[], BoundSubscription]

    def renewed(self) -> BoundSubscription:
        """As it is to be judged now: what reads the clock is bound anew."""
        return self.bind() if self.bound.inputs.clock else self.bound


@dataclass(frozen=True, slots=True)
class Parted:
    """A query whose answer comes in parts; `whole` is the same for where it cannot."""

    operation: str | None
    bound: BoundParts
    whole: Prepared


Ready = Prepared | Parted | Watched | Answer
"""What a request was made ready to be, or its refusal."""
SizesOf = Callable[[Audience], Sizes]


def _unknown(_audience: Audience) -> Sizes:
    return {}


class Engine:
    """Answers operations over one store.

    `kept` is where root fields are kept, if they are. Not `thin`: Strawberry executes all operations.
    `sizes_of` returns the sizes of the store for an audience; without it nothing is counted as scanned.
    """

    def __init__(
        self,
        read: Read,
        schema: strawberry.Schema | None = None,
        limits: Limits = UNLIMITED,
        *,
        kept: KeptFields | None = None,
        thin: bool = True,
        sizes_of: SizesOf = _unknown,
    ) -> None:
        self.schema = schema or build_schema()
        self.read = read
        self.limits = limits
        self.kept = kept
        self.thin = thin
        self.sizes_of = sizes_of
        self.documents = Documents(self.schema._schema, limits)
        self.declarations = declarations_of(self.schema)

    async def answer(self, asked: Asked, audience: Audience) -> Answer:
        prepared = self.prepare(asked, audience)
        return prepared if isinstance(prepared, Answer) else await self.run(prepared)

    def prepare(self, asked: Asked, audience: Audience) -> Prepared | Answer:
        """The request made ready, or its refusal: also where it asks for more than one answer."""
        return single(self.ready(asked, audience))

    def ready(self, asked: Asked, audience: Audience) -> Ready:
        """The request made ready, a subscription too, or its refusal. Raises TimeBudgetExceeded."""
        document = self.documents.kept.get(asked.query) or self.documents.read(asked.query)
        ready = self.ready_with(document, asked, audience)
        self.documents.weigh(asked.query, document)
        return ready

    def ready_with(self, document: Document, asked: Asked, audience: Audience) -> Ready:
        """Prepare a request whose document is read. It changes the document and nothing else."""
        if document.errors:
            return replace(refused(document.errors), is_invalid=True)
        operation = self._operation(document, asked)
        if not isinstance(operation, Executor):
            return refused(operation)
        kind = operation.operation.operation
        if asked.only_query and kind is OperationType.MUTATION:
            error = GraphQLError(f"A GET runs queries only, and this is a {kind.value}: send it by POST.")
            return refused([coded(error, Code.OPERATION_NOT_ALLOWED)], _name(operation))
        try:
            if kind is OperationType.SUBSCRIPTION:
                return self._watched(document, operation, asked, audience)
            name = _name(operation)
            prepared = Prepared(asked, name, audience, self._bound(document, operation, audience))
            parts = self._parts(document, operation, audience) if asked.in_parts else None
            return prepared if parts is None else Parted(name, parts, prepared)
        except RefusedError as error:
            answer = refused([argument_error(error)], _name(operation))
            return self._with_spent(answer, asked, audience, error)

    def _with_spent(self, answer: Answer, asked: Asked, audience: Audience, error: RefusedError) -> Answer:
        if not isinstance(error, TooCostlyError):
            return answer
        return self.told(answer, asked, error.cost, work_of_all(error.passes, self.sizes_of(audience)))

    def told(self, answer: Answer, asked: Asked, cost: int, scan: int = 0) -> Answer:
        """The answer, with what it cost where it was asked for."""
        if not asked.tells_cost:
            return answer
        return replace(answer, body=with_cost(answer.body, Spent(cost, scan), self.limits))

    def scan_of(self, prepared: Prepared) -> int:
        """The scan work of a request now: it grows with the store, and so it is not prepared."""
        return prepared.bound.scan.of(self.sizes_of(prepared.audience))

    def begin(self, prepared: Prepared) -> int | Answer:
        """The scan work of a request, or its refusal. The pool of readers is told what to expect."""
        scan = self.scan_of(prepared)
        if 0 < self.limits.scan < scan:
            return self._scans_too_much(prepared, scan)
        expect(prepared.bound.cost * OBJECT_SECONDS + scan * SECONDS)
        return scan

    def _scans_too_much(self, prepared: Prepared, scan: int) -> Answer:
        error = too_much(self.limits.scan, scan, prepared.bound.scan.passes, self.sizes_of(prepared.audience))
        answer = refused([argument_error(error)], prepared.operation)
        return self.told(answer, prepared.asked, prepared.bound.cost, scan)

    def _watched(
        self, document: Document, operation: "Executor[Any]", asked: Asked, audience: Audience
    ) -> Watched | Answer:
        name = _name(operation)
        try:
            planned = document.planned(operation, self.declarations)
            bound = planned.watch(operation.variable_values, audience)
            return Watched(
                asked, name, audience, bound, partial(planned.renew, bound, operation.variable_values)
            )
        except GraphQLError as error:
            return refused([coded(error, Code.BAD_USER_INPUT)], name)

    def _parts(self, document: Document, operation: "Executor[Any]", audience: Audience) -> BoundParts | None:
        try:
            planned = document.planned(operation, self.declarations)
            return planned.bind_parts(operation.variable_values, audience)
        except GraphQLError:  # of the operation's own selection: the whole answer tells it
            return None

    def _bound(self, document: Document, operation: "Executor[Any]", audience: Audience) -> BoundOperation:
        try:
            return document.planned(operation, self.declarations).bind(operation.variable_values, audience)
        except GraphQLError:  # of the operation's own selection: execution finds it again, and says so
            return NOTHING_BOUND

    async def run(self, prepared: Prepared, offload: Offload | None = None) -> Answer:
        """The answer of a prepared request; `offload` runs what computes for long, as introspection does."""
        scan = self.begin(prepared)
        if isinstance(scan, Answer):
            return scan
        return self.told(await self._ran(prepared, offload), prepared.asked, prepared.bound.cost, scan)

    async def _ran(self, prepared: Prepared, offload: Offload | None) -> Answer:
        name = prepared.operation
        work = Work(prepared.bound, self._reading(prepared), self.limits.answer_bytes)
        whole = await work.whole() if self.thin else None
        if work.refused is not None:
            return refused([argument_error(work.refused)], name)
        if whole is not None:
            return Answer(whole, True, name, work.rows, faultless=True)
        result = await self._executed(prepared.asked, work, offload)
        errors = result.errors or ()
        if work.refused is not None:
            return refused([argument_error(work.refused)], name)
        if any(isinstance(error.original_error, TimeBudgetExceeded) for error in errors):
            return refused([argument_error(out_of_time())], name)
        return answered(result.data, errors, name, work.rows)

    async def _executed(self, asked: Asked, work: Work, offload: Offload | None) -> ExecutionResult:
        """Let Strawberry execute the operation, by `offload` where it may take long."""
        cached = self.documents.kept.get(asked.query)

        async def execute() -> ExecutionResult:
            document = cached or self.documents.read(asked.query)
            work.document = whole_document(asked.query, document.node)
            return await self.schema.execute(
                asked.query,
                dict(asked.variables or {}),
                context_value=work,
                operation_name=asked.operation_name,
            )

        is_quick = cached is not None and not INTROSPECTION_FIELD.search(asked.query)
        if offload is None or is_quick:
            return await execute()
        await work.prefetch()  # so that the other thread waits for nothing of this loop
        result: ExecutionResult = await offload(lambda: asyncio.run(execute()))
        return result

    def _reading(self, prepared: Prepared) -> Read:
        """What reads the clock binds something else each time: it is not worth keeping."""
        if self.kept is None:
            return self.read
        queries = prepared.bound.queries.values()
        passing = frozenset(query.statement for query in queries if not query.timeless)
        return partial(self.kept.read, self.read, prepared.audience, passing=passing)

    def _operation(self, document: Document, asked: Asked) -> "Executor[Any] | Sequence[GraphQLError]":
        """The operation with its variables coerced, or why it cannot be run, whatever its arguments."""
        if asked.variables and hold_too_much(asked.variables):
            return [coded(GraphQLError(TOO_MANY), Code.TOO_WIDE)]
        built = self._executor(document, asked, MAX_ERRORS - 1, hide_suggestions=True)
        if isinstance(built, Executor):
            too_large = document.refusal(built)
            return built if too_large is None else [too_large]
        if len(built) <= MAX_SUGGESTIONS and self.limits.introspection:
            built = self._executor(document, asked, MAX_SUGGESTIONS, hide_suggestions=False)
            assert not isinstance(built, Executor), "it has errors"
        return [coded(error, Code.BAD_USER_INPUT) for error in built]

    def _executor(
        self, document: Document, asked: Asked, max_errors: int, *, hide_suggestions: bool
    ) -> "Executor[Any] | list[GraphQLError]":
        assert document.node is not None
        return Executor.build(
            self.schema._schema,
            document.node,
            raw_variable_values=dict(asked.variables or {}),
            operation_name=asked.operation_name,
            max_coercion_errors=max_errors,
            hide_suggestions=hide_suggestions,
        )


def _name(operation: "Executor[Any]") -> str | None:
    """The operation's name, as logs, metrics and traces are given it."""
    name = operation.operation.name
    return shorten(name.value, MAX_NAME) if name else None


def single(ready: Ready) -> Prepared | Answer:
    """What a client that takes one answer gets: no subscription, and whole what could come in parts."""
    if isinstance(ready, Watched):
        return refused([_needs_a_stream()], ready.operation)
    return ready.whole if isinstance(ready, Parted) else ready


def _needs_a_stream() -> GraphQLError:
    error = GraphQLError(
        "A subscription has many answers: send it over a WebSocket (graphql-transport-ws), or accept "
        "text/event-stream."
    )
    return coded(error, Code.OPERATION_NOT_ALLOWED)


def argument_error(error: RequestError) -> GraphQLError:
    """Of what refuses the request; at the field that it stands at, if at one."""
    made = GraphQLError(str(error), extensions={"code": error.code})
    if isinstance(error, RefusedError):
        made = GraphQLError(
            str(error), nodes=error.node, path=list(error.path), extensions={"code": error.code}
        )
    return made


def refused(errors: Sequence[GraphQLError], operation: str | None = None) -> Answer:
    return Answer(b'{"errors":%b}' % encode_errors(errors), False, operation, codes=_codes(errors))


def answered(
    data: dict[str, Any] | None, errors: Sequence[GraphQLError], operation: str | None, rows: int
) -> Answer:
    body: dict[str, Any] = {"data": data}
    shown = [_shown(error) for error in errors]
    if shown:
        body["errors"] = orjson.Fragment(encode_errors(shown))
    return Answer(orjson.dumps(body), True, operation, rows, faultless=not errors, codes=_codes(shown))


def _codes(errors: Sequence[GraphQLError]) -> tuple[str, ...]:
    return tuple({(error.extensions or {}).get("code", Code.VALIDATION_FAILED): None for error in errors})


def _shown(error: GraphQLError) -> GraphQLError:
    """A field's error as its client may see it: a failure of ours without its inside."""
    if not is_failure(error):
        return coded(error, Code.BAD_USER_INPUT)
    shown = GraphQLError(FAILED, nodes=error.nodes, path=error.path)
    return coded(shown, Code.INTERNAL_ERROR)
