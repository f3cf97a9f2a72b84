"""Select the validation rules that can apply to a document, by a search of its text.

Each rule adds to the cost of visiting every node, and a rule about fragments, say, finds nothing in a
document without fragments. A match in a string or comment runs a rule needlessly, but no rule is ever missed.
"""

from collections.abc import Mapping

from graphql import ASTValidationRule, OverlappingFieldsCanBeMergedRule, specified_rules
from graphql.validation import (
    DeferStreamDirectiveLabel,
    DeferStreamDirectiveOnRootField,
    DeferStreamDirectiveOnValidOperationsRule,
    FragmentsOnCompositeTypesRule,
    KnownDirectivesRule,
    KnownFragmentNamesRule,
    MaxIntrospectionDepthRule,
    NoFragmentCyclesRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    PossibleFragmentSpreadsRule,
    SingleFieldSubscriptionsRule,
    StreamDirectiveOnListField,
    UniqueDirectivesPerLocationRule,
    UniqueFragmentNamesRule,
    UniqueVariableNamesRule,
    VariablesAreInputTypesRule,
    VariablesInAllowedPositionRule,
)

from gqlnews.engine.no_introspection_rule import NoIntrospection
from gqlnews.engine.overlapping_fields_rule import OverlappingFields

Rules = tuple[type[ASTValidationRule], ...]

_ABOUT: Mapping[str, Rules] = {
    "@": (
        DeferStreamDirectiveLabel,
        DeferStreamDirectiveOnRootField,
        DeferStreamDirectiveOnValidOperationsRule,
        KnownDirectivesRule,
        StreamDirectiveOnListField,
        UniqueDirectivesPerLocationRule,
    ),
    "...": (KnownFragmentNamesRule, PossibleFragmentSpreadsRule),
    "fragment": (NoFragmentCyclesRule, NoUnusedFragmentsRule, UniqueFragmentNamesRule),
    "on": (FragmentsOnCompositeTypesRule,),
    "$": (
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        UniqueVariableNamesRule,
        VariablesAreInputTypesRule,
        VariablesInAllowedPositionRule,
    ),
    "__": (MaxIntrospectionDepthRule,),
    "subscription": (SingleFieldSubscriptionsRule,),
}
_OURS: Mapping[type[ASTValidationRule], type[ASTValidationRule]] = {
    OverlappingFieldsCanBeMergedRule: OverlappingFields
}
_SIGN_OF = {rule: sign for sign, rules in _ABOUT.items() for rule in rules}


def rules_for(text: str, *, introspection: bool = True) -> Rules:
    """Return the specification's rules that a document with this text may break, in their order."""
    rules = tuple(_OURS.get(rule, rule) for rule in specified_rules if _SIGN_OF.get(rule, "") in text)
    return rules if introspection or "__" not in text else (NoIntrospection, *rules)
