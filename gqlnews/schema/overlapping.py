"""Fields of one name can be merged: the specification's rule, with less work than it may take elsewhere.

Each two fields of one response key are compared, and so are their selections: 500 that are alike make 100,000
pairs. graphql-core ends that after a number of comparisons, some two seconds, and nobody else is answered
meanwhile.
"""

from typing import Any

from graphql import GraphQLError, OverlappingFieldsCanBeMergedRule, SelectionSetNode, ValidationContext
from graphql.validation.validate import ValidationAbortedError

from gqlnews.errors import Code
from gqlnews.time_budget import TimeBudgetExceeded, remaining_seconds

COMPARISON_SECONDS = 4e-6
MOST_COMPARED = 50_000  # some 0.2 s; what front ends ask takes some hundreds
TOO_MANY = "Too many fields have the same name, and would be merged: ask for each once."


class OverlappingFields(OverlappingFieldsCanBeMergedRule):
    """Ends the validation where too much is to be compared, and says so. Raises TimeBudgetExceeded."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        affordable = min(MOST_COMPARED, remaining_seconds() / COMPARISON_SECONDS)
        self.rule_context.remaining_complexity_budget = int(affordable)
        self._ends_early = affordable < MOST_COMPARED

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
