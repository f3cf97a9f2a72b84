"""List the known fields in the error of an unknown field of an input object, such as an operator of a filter.

graphql-core names only similar fields, so a client that writes `after` for `gt` learns nothing.
"""

import re
from collections.abc import Collection

from graphql import GraphQLError, GraphQLSchema, get_named_type, is_input_object_type, is_leaf_type
from graphql.type import GraphQLInputObjectType

from gqlnews.errors import MAX_MESSAGE

# graphql-core's message, with its prefix for a variable.
_UNKNOWN = re.compile(
    r"(Variable '\$[^']*' has invalid value(?: at [^:]*)?: )?"
    r"Expected value of type '(\w+)!?' not to include unknown field '([^']*)'"
    r"(?:, found|\.( Did you mean [^?]*\?) Found)"
)
MAX_LISTED = 100  # characters of listed fields; the operators of every filter have fewer
MAX_NAME = 40  # characters of the unknown field


def list_known_fields(error: GraphQLError, schema: GraphQLSchema) -> None:
    """Write the known fields into the message of an error, if it reports an unknown field of an input object.

    graphql-core's suggestion and the value stay. Only for servers with introspection: the list is part of the
    schema.
    """
    match = _UNKNOWN.match(error.message)
    kind = schema.get_type(match[2]) if match else None
    if match is None or not is_input_object_type(kind):
        return
    prefix, _, unknown, suggestion = (part or "" for part in match.groups())
    error.message = f"{prefix}{_describe(kind, unknown)}{suggestion} Found{error.message[match.end() :]}"


def _describe(kind: GraphQLInputObjectType, unknown: str) -> str:
    what = "operator" if _has_operators(kind) else "field"
    name = unknown if len(unknown) <= MAX_NAME else f"{unknown[: MAX_NAME - 1]}…"
    return f"Unknown {what} `{name}` of `{kind.name}`: use {_join(kind.fields)}."


def _has_operators(kind: GraphQLInputObjectType) -> bool:
    """Return whether the fields are operators: these take values, and the fields of other filters do not."""
    values = (is_leaf_type(get_named_type(field.type)) for field in kind.fields.values())
    return kind.name.endswith("Filter") and all(values)


def _join(names: Collection[str]) -> str:
    """Join names as `a`, `b` or `c`; of many, only the first that fit, and the number of the others."""
    listed: list[str] = []
    length = 0
    for name in names:
        length += len(f"`{name}`, ")
        if length > MAX_LISTED:
            break
        listed.append(f"`{name}`")
    others = len(names) - len(listed)
    if others:
        return ", ".join([*listed, f"or one of {others} others"])
    return " or ".join(filter(None, [", ".join(listed[:-1]), listed[-1]]))


assert MAX_LISTED + 2 * MAX_NAME < MAX_MESSAGE, "the list is not cut when the message is shortened"
