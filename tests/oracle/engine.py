"""The oracle's response to a request: the project's SDL, executed by graphql-core over a World."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    default_field_resolver,
    execute_sync,
    get_operation_ast,
    is_abstract_type,
    is_object_type,
    parse,
    validate,
)
from graphql.execution.executor import Executor
from graphql.execution.values import get_variable_values

from .context import Context, Resolver
from .faults import UNDETERMINED
from .markers import Marker, Opaque, Registry
from .own_fields import NOTHING_DECLARED, Declared
from .own_schema import extension, own_resolvers
from .records import Article
from .refusal import Refusal, Request, operation_refusals
from .resolvers import BELOW_OPAQUE, RESOLVERS
from .world import World

DEEP_VALUE = "{not: " * 32 + "{"  # a literal may nest 32 levels; only `not` is generated deeper
SDL = Path(__file__).parents[2] / "schema.graphql"


class MarkerExecutor(Executor[Any]):
    """Passes markers through, whatever the type of their field."""

    def complete_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any
    ) -> Any:
        if isinstance(result, Marker):
            return result
        return super().complete_value(return_type, details, info, path, result, position)


def oracle_schema(sdl: str | None = None, declared: Declared = NOTHING_DECLARED) -> GraphQLSchema:
    """Build the schema of `sdl` (by default the project's) and own fields with the oracle's resolvers.

    Raises LookupError if the schema has a field without a resolver.
    """
    text = SDL.read_text(encoding="utf-8") if sdl is None else sdl
    schema, own = build_schema(f"{text}\n{extension(declared)}"), own_resolvers(declared)
    for type_ in schema.type_map.values():
        if is_object_type(type_) and type_ is not schema.subscription_type and not is_passed_over(type_.name):
            bind(type_, own)
        elif is_abstract_type(type_):
            type_.resolve_type = lambda value, *_: type(value).__name__
    return schema


def is_passed_over(name: str) -> bool:
    return name.startswith("__") or name in BELOW_OPAQUE


def bind(type_: GraphQLObjectType, own: Mapping[tuple[str, str], Resolver]) -> None:
    for name, field in type_.fields.items():
        resolver = RESOLVERS.get(type_.name, {}).get(name) or own.get((type_.name, name))
        if resolver is None:
            raise LookupError(f"the oracle has no resolver for {type_.name}.{name}")
        field.resolve = resolver


def unknown_articles(_article: Article, _first: int) -> Opaque:
    return Opaque("Article.similar")


def nothing_derived(_article: Article) -> Mapping[str, Any]:
    return {}


def refused(refusals: Sequence[Refusal]) -> dict[str, Any]:
    """Return the response for the first error; `or` holds equally correct ones for the others."""
    if any(one.code == UNDETERMINED for one in refusals):
        return {"undetermined": [str(one) for one in refusals]}
    first, *others = [
        {"errors": [{"path": list(one.path), "extensions": {"code": one.code}}]} for one in refusals
    ]
    return first | ({"or": others} if others else {})


class Oracle:
    """Responds as a correct gqlnews would, with markers where the contract leaves a value open."""

    def __init__(
        self,
        schema: GraphQLSchema,
        registry: Registry | None = None,
        derived: Callable[[Article], Mapping[str, Any]] = nothing_derived,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.schema = schema
        self.registry = Registry() if registry is None else registry
        self._derived = derived
        self._clock = clock
        self._read = lru_cache(maxsize=100)(self._read_once)

    def execute(
        self,
        world: World,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        similar: Callable[[Article, int], Any] | None = None,
    ) -> dict[str, Any]:
        """Return the response: `data`, `errors` or both. Errors have a `path`, and a code if rejected.

        `similar` returns the articles that the program considers similar, which the contract does not
        fix. `or` lists equally correct responses, and `undetermined` says why there is no single
        correct response.
        """
        if DEEP_VALUE in query:
            return {"errors": [{"extensions": {"code": "TOO_DEEP"}}]}
        document, invalid = self._read(query)
        operation = get_operation_ast(document, operation_name)
        if invalid or operation is None:
            return {"errors": [{"message": message} for message in invalid or ["no such operation"]]}
        fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        refusals = self._refusals(operation, fragments, dict(variables or {}), world)
        if refusals:
            return refused(refusals)
        context = Context(world, self.registry, self._derived, self._clock(), similar or unknown_articles)
        result = execute_sync(
            self.schema,
            document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation_name,
            field_resolver=default_field_resolver,
            executor_class=MarkerExecutor,
        )
        if context.undetermined:
            return {"undetermined": context.undetermined}
        if context.refusals:
            return refused(list(dict.fromkeys(context.refusals)))
        return dict(result.formatted)

    def _read_once(self, query: str) -> tuple[DocumentNode, list[str]]:
        """Return the parsed document and its validation errors."""
        document = parse(query)
        return document, [error.message for error in validate(self.schema, document)]

    def _refusals(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: dict[str, Any],
        world: World,
    ) -> list[Refusal]:
        coerced = get_variable_values(self.schema, operation.variable_definitions or (), variables)
        if isinstance(coerced, list):
            return []
        request = Request(self.schema, fragments, coerced, self.registry, world.audience, world.declared)
        return operation_refusals(request, operation)
