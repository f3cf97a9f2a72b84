"""Declare the source of a Strawberry type's fields, and resolve root fields from finished JSON."""

from typing import Any, Protocol

import orjson
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from gqlnews.query.fields import Column, Declaration, Entity, JoinTable, Kind, OrderTerm, Visibility
from gqlnews.time_budget import check_time_budget

# Helpers that declare the source of a Strawberry type's fields.
#
# Fields below the root fields have no resolvers, because the root field's statement renders the JSON of its
# whole subtree. So a field is an annotation with a declaration and, if it has any, its arguments.


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


# Resolver of every root field: the JSON that its SQL statement made.


class RootResults(Protocol):
    """Context of an execution."""

    async def answer(self, key: str) -> bytes | None:
        """The JSON of the root field with this response key, None where it is null; or its GraphQLError."""
        ...


Info = strawberry.Info[RootResults, None]


async def finished(info: Info) -> Any:
    """Resolve a root field to its finished JSON. Typed Any, as it stands for the field's declared type."""
    answer = await info.context.answer(str(info.path.key))
    return None if answer is None else orjson.Fragment(answer)


# Execution context that passes finished JSON through instead of completing it field by field.


class PassthroughExecutor(StrawberryGraphQLCoreExecutionContext):
    """Return `orjson.Fragment` results as they are. Raises TimeBudgetExceeded."""

    def complete_value(
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        check_time_budget()
        if isinstance(result, orjson.Fragment):
            return result
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


# Tables of the GraphQL types whose objects are rows.


ARTICLE = Entity(
    table="article",
    key="id",
    seen=Visibility.PUBLISHED,
    order=(OrderTerm("published_at", descending=True), OrderTerm("slug")),
    node_key="slug",
)
PROVIDER = Entity(
    table="provider", key="domain", seen=Visibility.SCOPE, order=(OrderTerm("domain"),), node_key="domain"
)
TOPIC = Entity(table="topic", key="slug", seen=Visibility.SCOPE, order=(OrderTerm("slug"),), node_key="slug")
ARTICLES_OF_TOPIC = JoinTable(
    "article_topic",
    near="topic",
    far="article_id",
    copies=frozenset({"published", "published_at", "slug", "quality", "heat", "has_image"}),
    items="topic_slugs",
    seen=Visibility.PUBLISHED,
)
STORY_OF_ARTICLE = JoinTable("story_article", near="article_id", far="story", seen=Visibility.SCOPE)
ARTICLES_OF_STORY = JoinTable("story_article", near="story", far="article_id", seen=Visibility.SCOPE)
STORY = Entity(
    table="story",
    key="slug",
    seen=Visibility.SCOPE,
    order=(OrderTerm("last_at", descending=True), OrderTerm("lead_slug")),
    node_key="slug",
    node_through=JoinTable("story_article", near="slug", far="story", seen=Visibility.SCOPE),
)
RELATED = Entity(table="related", key="position")
CHANGE = Entity(table="article_change", key="slug", seen=Visibility.SCOPE)
SITE = Entity(table="site", key="audience", seen=Visibility.AUDIENCE)
PROBLEM = Entity(
    table="problem",
    key="id",
    seen=Visibility.EDITOR,
    order=(OrderTerm("path"), OrderTerm("line"), OrderTerm("column_"), OrderTerm("code"), OrderTerm("id")),
)
