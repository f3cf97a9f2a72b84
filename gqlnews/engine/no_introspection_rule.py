"""Validation rule that rejects introspection on servers where it is turned off."""

from typing import Any

from graphql import ASTValidationRule, FieldNode, GraphQLError

from gqlnews.errors import Code

TELL_THE_SCHEMA = frozenset({"__schema", "__type"})
OFF = "Introspection is off on this server: `{}` cannot be asked for."


class NoIntrospection(ASTValidationRule):
    """Reject `__schema` and `__type`. `__typename` stays allowed, as it reveals no other types."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        name = node.name.value
        if name in TELL_THE_SCHEMA:
            error = GraphQLError(OFF.format(name), node, extensions={"code": Code.INTROSPECTION_OFF})
            self.report_error(error)
