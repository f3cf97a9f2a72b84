"""Incremental delivery with `@defer`: assign each field to a deferred fragment ("parcel").

A field selected by several deferred fragments is delivered with the first of them; a field that is also
selected outside of them is part of the initial response. Each fragment has a plan of its own: the whole plan
restricted to its fields and their ancestors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from graphql.execution.collect_fields import DeferUsage, FieldDetailsList

from gqlnews.query.tree import DeferredFragment, FieldPlan, ObjectPlan, RootPlan

AT_ONCE = 0


@dataclass(slots=True)
class DeferredFragments:
    """The deferred fragments of an operation, registered while its fields are collected."""

    all: list[DeferredFragment] = field(default_factory=list)
    streams: bool = False
    _numbers: dict[int, int] = field(default_factory=dict)  # by the id of graphql-core's DeferUsage
    _known: dict[tuple[tuple[str, ...], int, int], int] = field(default_factory=dict)
    _records: list[DeferUsage] = field(default_factory=list)  # references that keep ids unique

    def add(self, usages: Sequence[DeferUsage], path: tuple[str, ...]) -> None:
        """Register fragments at a path.

        graphql-core reports a fragment once per possible concrete type; duplicates share one number.
        """
        for usage in usages:
            parent = self._number(usage.parent_defer_usage)
            key = (path, id(usage.directive_node), parent)
            if key not in self._known:
                self.all.append(DeferredFragment(path, usage.label, parent))
                self._known[key] = len(self.all)
            self._numbers[id(usage)] = self._known[key]
            self._records.append(usage)

    def of(self, details: FieldDetailsList) -> int:
        """Return the number of the fragment that delivers a field."""
        return min(self._number(detail.defer_usage) for detail in details)

    def _number(self, usage: DeferUsage | None) -> int:
        return AT_ONCE if usage is None else self._numbers[id(usage)]


def pruned(root: RootPlan, parcel: int) -> RootPlan | None:
    """Restrict a root field to the fields of one deferred fragment; None if it has none of them."""
    plan = _pruned(root.field, parcel)
    return None if plan is None else RootPlan(plan, tuple(_inputs(plan)))


def _pruned(plan: FieldPlan, parcel: int) -> FieldPlan | None:
    objects = {name: _object(one, parcel) for name, one in plan.objects.items()}
    leads = any(one.fields for one in objects.values())
    if plan.parcel != parcel and not leads:
        return None
    return replace(plan, objects=objects)


def _object(plan: ObjectPlan, parcel: int) -> ObjectPlan:
    fields = (_pruned(one, parcel) for one in plan.fields)
    return replace(plan, fields=tuple(one for one in fields if one is not None))


def _inputs(plan: FieldPlan) -> Sequence[FieldPlan]:
    """Collect the fields with arguments, outermost first."""
    own = (plan,) if plan.definition.args else ()
    below = (found for one in plan.objects.values() for child in one.fields for found in _inputs(child))
    return (*own, *below)
