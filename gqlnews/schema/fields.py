"""Define fields by their declarations, resolve root fields to rendered JSON, and declare the tables."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Protocol

import orjson
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

from gqlnews.columns import ARTICLE_COLUMNS, FOLDED_SUFFIX, GROUP_COLUMNS, GROUPS, TEXT_COLUMNS, ColumnType
from gqlnews.query.entities import Entity, FullTextIndex, JoinTable, OrderTerm, Visibility
from gqlnews.query.fields import Column, Declaration, Kind
from gqlnews.time_budget import check_time_budget

# Field definitions.
#
# Fields below the root fields have no resolvers, because the root field's statement renders the JSON of its
# whole selection. So a field is an annotation with a declaration and its arguments.

DECLARATION = "gqlnews"  # key of the declaration in the metadata of a Strawberry field


def field(declaration: Declaration, *arguments: StrawberryArgument, description: str | None = None) -> Any:
    """Define a field by its declaration. It returns Any, because it is assigned to fields of any type."""
    field_: StrawberryField = strawberry.field(metadata={DECLARATION: declaration}, description=description)
    field_.arguments = list(arguments)
    return field_


def column(name: str, kind: Kind = Kind.PLAIN, *, description: str | None = None) -> Any:
    return field(Column(name, kind), description=description)


_KINDS = {ColumnType.BOOLEAN: Kind.BOOLEAN, ColumnType.JSON: Kind.JSON}
_ARTICLE_COLUMNS = {one.name: one for one in ARTICLE_COLUMNS}


def article_column(name: str, *, description: str) -> Any:
    """Define a field with the value of a column of the table of columns (columns.py)."""
    declared = _ARTICLE_COLUMNS[name]
    kind = _KINDS.get(declared.type, Kind.PLAIN)
    return field(Column(name, kind, declared.editor_only), description=description)


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
AFTER = argument("after", str | None, description="Returns only items after this cursor.")

PAGE = (
    argument("first", int | None, description=FIRST),
    AFTER,
    argument("last", int | None, description="Number of items to return from the end, 0 to 100."),
    argument("before", str | None, description="Returns only items before this cursor."),
)

WHERE = "Returns only items that match this filter. Applies to `totalCount` and `facets` too."
ORDER_BY = "Sort keys. Each further key breaks the ties of those before it."


# Root fields. Their values, and each event of a subscription, are the JSON that a statement rendered.


class RootResults(Protocol):
    """The context value of an execution: the results of its root fields."""

    async def field_result(self, key: str) -> bytes | None:
        """Return the JSON of a root field by response key, None for null. Raises the field's GraphQLError."""
        ...


class RootField(StrawberryField):
    """Root field, resolved from the context value: `RootResults`, or for a subscription its events."""

    @property
    def is_basic_field(self) -> bool:
        return False

    def get_result(self, source: Any, info: Info | None, args: list[Any], kwargs: Any) -> Any:
        assert info is not None, "only a basic field has no info"
        return _events(info.context) if self.is_subscription else _root_result(info)


async def _root_result(info: Info[RootResults, None]) -> orjson.Fragment | None:
    json = await info.context.field_result(str(info.path.key))
    return None if json is None else orjson.Fragment(json)


async def _events(events: AsyncIterable[bytes]) -> AsyncIterator[orjson.Fragment]:
    async for event in events:
        yield orjson.Fragment(event)


def root_field(
    declaration: Declaration, description: str, *arguments: StrawberryArgument, is_subscription: bool = False
) -> Any:
    """Define a root field by its declaration."""
    field_ = RootField(
        metadata={DECLARATION: declaration}, description=description, is_subscription=is_subscription
    )
    field_.arguments = list(arguments)
    return field_


class PassthroughExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executor that returns rendered JSON (`orjson.Fragment`) as it is instead of completing its fields.

    Raises TimeBudgetExceeded.
    """

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


# Tables of the GraphQL types whose objects are rows, and the rows of each that an audience may see.

PUBLISHED = Visibility("published", (1, None, None))
SCOPED = Visibility("scope", (0, 1, 1))
SEARCH_INDEX = FullTextIndex(
    ("search_public", "search_all"),
    columns=("title",),
    source="search_all_source",
    texts=tuple(TEXT_COLUMNS.split(", ")),
)

ARTICLE = Entity(
    table="article",
    key="id",
    visibility=PUBLISHED,
    order=(OrderTerm("published_at", descending=True), OrderTerm("slug")),
    node_key="slug",
    full_text=SEARCH_INDEX,
    casefold_suffix=FOLDED_SUFFIX,
)
ARTICLE_BEFORE = Entity(
    table="article_before",
    key="id",
    visibility=PUBLISHED,
    full_text=FullTextIndex(
        ("before_search", "before_search"), columns=SEARCH_INDEX.columns, is_supplied=True
    ),
    casefold_suffix=FOLDED_SUFFIX,
)
PROVIDER = Entity(
    table="provider",
    key="domain",
    visibility=SCOPED,
    order=(OrderTerm("domain"),),
    node_key="domain",
    casefold_suffix=FOLDED_SUFFIX,
)
TOPIC = Entity(table="topic", key="slug", visibility=SCOPED, order=(OrderTerm("slug"),), node_key="slug")
AUTHOR = Entity(
    table="author",
    key="slug",
    visibility=SCOPED,
    order=(OrderTerm("name"), OrderTerm("slug")),
    node_key="slug",
    casefold_suffix=FOLDED_SUFFIX,
)
SECTION = Entity(table="section", key="path", visibility=SCOPED, order=(OrderTerm("path"),), node_key="path")


def _articles_of_group(table: str, list_column: str | None) -> JoinTable:
    return JoinTable(
        table,
        source_key=GROUPS[table],
        target_key="article_id",
        denormalized=frozenset(GROUP_COLUMNS),
        list_column=list_column,
        visibility=PUBLISHED,
    )


ARTICLES_OF_TOPIC = _articles_of_group("article_topic", "topic_slugs")
ARTICLES_OF_AUTHOR = _articles_of_group("article_author", "author_slugs")
ARTICLES_OF_SECTION = _articles_of_group("article_section", None)
STORY_OF_ARTICLE = JoinTable("story_article", source_key="article_id", target_key="story", visibility=SCOPED)
ARTICLES_OF_STORY = JoinTable("story_article", source_key="story", target_key="article_id", visibility=SCOPED)
STORY = Entity(
    table="story",
    key="slug",
    visibility=SCOPED,
    order=(OrderTerm("last_at", descending=True), OrderTerm("lead_slug")),
    node_key="slug",
    node_through=JoinTable("story_article", source_key="slug", target_key="story", visibility=SCOPED),
)
RELATED = Entity(table="related", key="position")
CHANGE = Entity(table="article_change", key="slug", visibility=SCOPED)
SITE = Entity(table="site", key="audience", visibility=Visibility("audience", (0, 1, 2)))
PROBLEM = Entity(
    table="problem",
    key="id",
    visibility=Visibility(editor_only=True),
    order=(OrderTerm("path"), OrderTerm("line"), OrderTerm("column_"), OrderTerm("code"), OrderTerm("id")),
)
