"""The rules of validation that a document can break, told by its text.

A rule about fragments finds nothing in a document without any, and each rule costs its share of a visit to
every node. A word may stand in a string or a comment: then a rule runs in vain, but none is ever missing.
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

from gqlnews.schema.introspection import NoIntrospection
from gqlnews.schema.overlapping import OverlappingFields

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
    """Those of the specification's rules, in their order, that a document with this text may break."""
    rules = tuple(_OURS.get(rule, rule) for rule in specified_rules if _SIGN_OF.get(rule, "") in text)
    return rules if introspection or "__" not in text else (NoIntrospection, *rules)
