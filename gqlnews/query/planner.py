"""Build the plan of an operation from its selection sets.

graphql-core collects and merges the fields of each selection set, so fragments, aliases, `@skip` and
`@include` behave exactly as in graphql-core. The declaration of a field determines its plan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import cast

from graphql import (
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLStreamDirective,
    get_directive_values,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    DeferUsage,
    FieldDetailsList,
    collect_fields,
    collect_subfields,
)

from gqlnews.errors import Code
from gqlnews.query.fields import Declarations, Literal
from gqlnews.query.tree import (
    DeferredFragment,
    FieldPlan,
    LocatedRequestError,
    ObjectPlan,
    OperationPlan,
    RootPlan,
    StreamDirective,
)
from gqlnews.time_budget import check_time_budget

# Incremental delivery with `@defer`: assign each field to a deferred fragment.
#
# A field selected by several deferred fragments is delivered with the first of them; a field that is also
# selected outside of them is part of the initial payload. Each fragment has a plan of its own: the whole
# plan restricted to its fields and their ancestors.

INITIAL = 0  # number of the initial payload, which precedes those of the deferred fragments


@dataclass(slots=True)
class DeferredFragments:
    """The deferred fragments of an operation, registered while its fields are collected.

    `uses_stream`: a list has the `@stream` directive.
    """

    fragments: list[DeferredFragment] = field(default_factory=list)
    uses_stream: bool = False
    _numbers: dict[int, int] = field(default_factory=dict)  # by the id of graphql-core's DeferUsage
    _numbers_by_directive: dict[tuple[tuple[str, ...], int, int], int] = field(default_factory=dict)
    _usages: list[DeferUsage] = field(default_factory=list)  # keeps the ids in `_numbers` unique

    def add(self, usages: Sequence[DeferUsage], path: tuple[str, ...]) -> None:
        """Register fragments at a path.

        graphql-core reports a fragment once per possible concrete type. These duplicates share one number.
        """
        for usage in usages:
            parent = self._number(usage.parent_defer_usage)
            key = (path, id(usage.directive_node), parent)
            if key not in self._numbers_by_directive:
                self.fragments.append(DeferredFragment(path, usage.label, parent))
                self._numbers_by_directive[key] = len(self.fragments)
            self._numbers[id(usage)] = self._numbers_by_directive[key]
            self._usages.append(usage)

    def fragment_number(self, details: FieldDetailsList) -> int:
        """Return the number of the fragment that delivers a field."""
        return min(self._number(detail.defer_usage) for detail in details)

    def _number(self, usage: DeferUsage | None) -> int:
        return INITIAL if usage is None else self._numbers[id(usage)]


def restrict_to(root: RootPlan, fragment: int) -> RootPlan | None:
    """Restrict a root field to the fields of one deferred fragment; None if it has no such field."""
    plan = _restrict_field(root.field, fragment)
    return None if plan is None else RootPlan(plan, tuple(_fields_with_arguments(plan)))


def _restrict_field(plan: FieldPlan, fragment: int) -> FieldPlan | None:
    objects = {}
    for name, selection in plan.objects.items():
        fields = (_restrict_field(child, fragment) for child in selection.fields)
        objects[name] = replace(selection, fields=tuple(child for child in fields if child is not None))
    has_children = any(selection.fields for selection in objects.values())
    return replace(plan, objects=objects) if plan.fragment == fragment or has_children else None


def _fields_with_arguments(plan: FieldPlan) -> Sequence[FieldPlan]:
    """Collect the fields with arguments, outermost first."""
    below = (one for child in plan.children for one in _fields_with_arguments(child))
    return (*([plan] if plan.definition.args else []), *below)


# Planner.

MAX_WEIGHT = 3_000  # per operation: 1 per leaf, `COMPOSITE_WEIGHT` per field with a selection; about 0.2 s
COMPOSITE_WEIGHT = 20
MAX_FIELDS = 120  # of one object: every 60 add a nesting level in SQL, and SQLite's parser stack is small
MAX_DEPTH = 32  # of fields with a selection set; close to SQLite's limit on expression depth


def plan_operation(executor: "Executor[object]", declarations: Declarations) -> OperationPlan:
    """Plan the root fields that have a declaration.

    Raises GraphQLError if the operation's own selection set cannot be collected, and LocatedRequestError if
    it has too many or too deeply nested fields. Raises TimeBudgetExceeded.
    """
    root_type = executor.schema.get_root_type(executor.operation.operation)
    assert root_type is not None, "validation rejects operations without a root type"
    collected = collect_fields(
        executor.schema, executor.fragments, executor.variable_values, root_type, executor.operation
    )
    plans: dict[str, RootPlan] = {}
    failures: dict[str, GraphQLError] = {}
    weight, fragments = 0, DeferredFragments()
    fragments.add(collected.new_defer_usages, ())
    for key, details in collected.grouped_field_set.items():
        planner = _FieldPlanner(executor, declarations, fragments, weight=weight)
        try:
            plan = planner.plan_field(root_type, key, details, ())
        except GraphQLError as error:  # the argument of `@skip`, `@include` or `@stream` is invalid
            failures[key] = error
            continue
        weight = planner.weight
        if plan is not None:
            plans[key] = RootPlan(plan, tuple(planner.argument_fields))
    complete = len(plans) == len(collected.grouped_field_set)
    return OperationPlan(plans, failures, complete, tuple(fragments.fragments), fragments.uses_stream)


def has_composite_type(definition: GraphQLField) -> bool:
    """Return whether the field's type has fields of its own."""
    return is_composite_type(get_named_type(definition.type))


@dataclass(slots=True)
class _FieldPlanner:
    """Planner of the subtree of one root field. It numbers the fields, outermost first."""

    executor: "Executor[object]"
    declarations: Declarations
    fragments: DeferredFragments
    argument_fields: list[FieldPlan] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    weight: int = 0

    def plan_field(
        self, parent: GraphQLObjectType, key: str, details: FieldDetailsList, parent_path: tuple[str, ...]
    ) -> FieldPlan | None:
        """Plan one field; None if it has no declaration, such as introspection fields at the root."""
        check_time_budget()
        node = details[0].node
        name = node.name.value
        definition = cast("GraphQLField", self.executor.schema.get_field(parent, name))
        declaration = (
            Literal(parent.name)
            if name == "__typename"
            else self.declarations.fields.get((parent.name, name))
        )
        if declaration is None:
            return None
        number, path = next(self.numbers), (*parent_path, key)
        self.weight += COMPOSITE_WEIGHT if has_composite_type(definition) else 1
        if self.weight > MAX_WEIGHT:
            message = (
                f"The request has more fields than the limit allows, from `{key}` on: send two requests."
            )
            raise LocatedRequestError(Code.TOO_WIDE, message, node, path)
        if len(path) > MAX_DEPTH and has_composite_type(definition):
            message = f"`{key}` is nested more than {MAX_DEPTH} levels deep: send two requests."
            raise LocatedRequestError(Code.TOO_DEEP, message, node, path)
        position = len(self.argument_fields)
        objects = self._plan_objects(definition, details, path)
        fragment, stream = self.fragments.fragment_number(details), self._stream(node, definition)
        plan = FieldPlan(key, number, declaration, definition, node, path, objects, fragment, stream)
        if definition.args:
            self.argument_fields.insert(position, plan)
        return plan

    def _plan_objects(
        self, definition: GraphQLField, details: FieldDetailsList, path: tuple[str, ...]
    ) -> dict[str, ObjectPlan]:
        named = get_named_type(definition.type)
        types = self.executor.schema.get_possible_types(named) if is_abstract_type(named) else [named]
        return {one.name: self._plan_object(one, details, path) for one in types if is_object_type(one)}

    def _plan_object(
        self, concrete: GraphQLObjectType, details: FieldDetailsList, path: tuple[str, ...]
    ) -> ObjectPlan:
        executor = self.executor
        collected = collect_subfields(
            executor.schema,
            executor.fragments,
            executor.variable_values,
            executor.operation,
            concrete,
            details,
        )
        self.fragments.add(collected.new_defer_usages, path)
        grouped = collected.grouped_field_set
        if len(grouped) > MAX_FIELDS:
            message = f"`{path[-1]}` has more than {MAX_FIELDS} fields: send two requests."
            raise LocatedRequestError(Code.TOO_WIDE, message, next(iter(grouped.values()))[0].node, path)
        fields = (self.plan_field(concrete, key, details, path) for key, details in grouped.items())
        return ObjectPlan(
            concrete.name,
            self.declarations.entities.get(concrete.name),
            tuple(plan for plan in fields if plan is not None),
        )

    def _stream(self, node: FieldNode, definition: GraphQLField) -> StreamDirective | None:
        """Read the `@stream` directive of a list field; None if there is none or `if` is false."""
        if not node.directives or not is_list_type(get_nullable_type(definition.type)):
            return None
        values = self.executor.variable_values
        arguments = get_directive_values(GraphQLStreamDirective, node, values)
        if arguments is None or arguments["if"] is False:
            return None
        initial = arguments["initialCount"]
        if initial is None or initial < 0:
            raise GraphQLError("initialCount must be 0 or more.", node)
        self.fragments.uses_stream = True
        return StreamDirective(initial, arguments.get("label"))
