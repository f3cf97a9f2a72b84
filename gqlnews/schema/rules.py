"""The rules of validation that a document can break, told by its text.

A rule about fragments finds nothing in a document without any, and each rule costs its share of a visit to
every node. A word may stand in a string or a comment: then a rule runs in vain, but none is ever missing.
"""

from collections.abc import Mapping

from graphql import ASTValidationRule, specified_rules
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
_SIGN_OF = {rule: sign for sign, rules in _ABOUT.items() for rule in rules}


def rules_for(text: str) -> Rules:
    """Those of the specification's rules, in their order, that a document with this text may break."""
    return tuple(rule for rule in specified_rules if _SIGN_OF.get(rule, "") in text)
