"""Validation rule OverlappingFieldsCanBeMerged, with a lower bound on its work.

The rule compares each pair of fields with the same response key, and their selections: 500 such fields make
100,000 pairs. The limit of graphql-core allows about two seconds of comparisons, which block the event loop.
"""

from typing import Any

from graphql import GraphQLError, OverlappingFieldsCanBeMergedRule, SelectionSetNode, ValidationContext
from graphql.validation.validate import ValidationAbortedError

from gqlnews.errors import Code
from gqlnews.time_budget import TimeBudgetExceeded, remaining_seconds

COMPARISON_SECONDS = 4e-6
MAX_COMPARED = 50_000  # about 0.2 s; queries of front ends take some hundreds
TOO_MANY = "Too many fields have the same name, and would be merged: ask for each once."


class OverlappingFields(OverlappingFieldsCanBeMergedRule):
    """Abort validation with an error after too many comparisons. Raises TimeBudgetExceeded."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        affordable = min(MAX_COMPARED, remaining_seconds() / COMPARISON_SECONDS)
        self.rule_context.remaining_complexity_budget = int(affordable)
        self._ends_early = affordable < MAX_COMPARED

    def enter_selection_set(
        self, selection_set: SelectionSetNode, _key: Any, parent: Any, *_args: Any
    ) -> None:
        try:
            super().enter_selection_set(selection_set, _key, parent, *_args)
        except ValidationAbortedError as error:
            if self._ends_early:
                raise TimeBudgetExceeded("the fields are not compared within the time budget") from None
            raise too_many(selection_set) from error


def too_many(node: SelectionSetNode) -> GraphQLError:
    return ValidationAbortedError(TOO_MANY, node, extensions={"code": Code.TOO_WIDE})
