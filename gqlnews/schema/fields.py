"""How a Strawberry type declares where its fields come from.

A field below the roots has no resolver: the root field's statement makes the JSON of its whole subtree. So a
field is written as an annotation with its declaration, and its arguments beside it.
"""

from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from gqlnews.plan.declare import Column, Declaration, Kind

DECLARATION = "gqlnews"


def declared(declaration: Declaration, *arguments: StrawberryArgument, description: str | None = None) -> Any:
    """A field whose value `declaration` says. Any: it stands where a value of the field's type would."""
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
    return argument("first", int | None, description="How many at most; all, where it is left out.")


FIRST = "How many from the start, at most 100; 20 where `last` is not given either."
AFTER = "Begin after this cursor."
LAST = "How many from the end, at most 100."
BEFORE = "End before this cursor."

PAGE = (
    argument("first", int | None, description=FIRST),
    argument("after", str | None, description=AFTER),
    argument("last", int | None, description=LAST),
    argument("before", str | None, description=BEFORE),
)

WHERE = "Only what passes; `totalCount` and `facets` speak of it too."
ORDER_BY = "The first key decides, each next one breaks ties."
