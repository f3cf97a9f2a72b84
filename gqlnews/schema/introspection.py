"""Introspection, where a setting turns it off."""

from typing import Any

from graphql import ASTValidationRule, FieldNode, GraphQLError

from gqlnews.errors import Code

TELL_THE_SCHEMA = frozenset({"__schema", "__type"})
OFF = "Introspection is off on this server: `{}` cannot be asked for."


class NoIntrospection(ASTValidationRule):
    """Refuses the fields that tell the schema. `__typename` says only what a client has asked for."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        name = node.name.value
        if name in TELL_THE_SCHEMA:
            error = GraphQLError(OFF.format(name), node, extensions={"code": Code.INTROSPECTION_OFF})
            self.report_error(error)
