"""Helpers that declare the source of a Strawberry type's fields.

Fields below the root fields have no resolvers, because the root field's statement renders the JSON of its
whole subtree. So a field is an annotation with a declaration and, if it has any, its arguments.
"""

from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from gqlnews.query.fields import Column, Declaration, Kind

DECLARATION = "gqlnews"


def declared(declaration: Declaration, *arguments: StrawberryArgument, description: str | None = None) -> Any:
    """Define a field by its declaration. Typed Any, as the result is assigned to a field of any type."""
    made: StrawberryField = strawberry.field(metadata={DECLARATION: declaration}, description=description)
    made.arguments = list(arguments)
    return made


def column(
    name: str, kind: Kind = Kind.PLAIN, *, sealed: bool = False, description: str | None = None
) -> Any:
    return declared(Column(name, kind, sealed), description=description)


def argument(
    name: str, annotation: object, default: object = strawberry.UNSET, description: str | None = None
) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(annotation),
        default=default,
        description=description,
    )


def first() -> StrawberryArgument:
    return argument("first", int | None, description="Maximum number of items to return. Defaults to all.")


FIRST = "Number of items to return from the start, 0 to 100. Defaults to 20 if `last` is not given."
AFTER = "Returns only items after this cursor."
LAST = "Number of items to return from the end, 0 to 100."
BEFORE = "Returns only items before this cursor."

PAGE = (
    argument("first", int | None, description=FIRST),
    argument("after", str | None, description=AFTER),
    argument("last", int | None, description=LAST),
    argument("before", str | None, description=BEFORE),
)

WHERE = "Returns only items that match this filter. Applies to `totalCount` and `facets` too."
ORDER_BY = "Sort keys. Each further key breaks the ties of those before it."
