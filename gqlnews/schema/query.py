"""Root fields of queries, and the Strawberry schema built from all types."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import strawberry
from graphql import GraphQLError, print_schema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.base import StrawberryObjectDefinition

from gqlnews.custom_fields import CustomField
from gqlnews.errors import DatabaseError
from gqlnews.query.arguments import key_arguments
from gqlnews.query.connection_args import SliceArguments
from gqlnews.query.entities import JoinTable
from gqlnews.query.fields import Declaration, Declarations, JoinKey, Many, NodeLookup, One
from gqlnews.schema.article import ARTICLE_LIST, ARTICLE_WHERE, Article, ArticleConnection, articles
from gqlnews.schema.author import Author, AuthorConnection, authors
from gqlnews.schema.changes import CHANGES, ChangeSet, Subscription
from gqlnews.schema.custom import add_declarations, add_fields
from gqlnews.schema.fields import (
    AFTER,
    ARTICLE,
    AUTHOR,
    DECLARATION,
    FIRST,
    PAGE,
    PROBLEM,
    PROVIDER,
    RELATED,
    SECTION,
    SITE,
    STORY,
    TOPIC,
    WHERE,
    PassthroughExecutor,
    argument,
    first,
    root_field,
)
from gqlnews.schema.inputs import (
    TOPIC_ORDER_TERMS,
    AuthorOrder,
    Collapse,
    ProviderFilter,
    ProviderOrder,
    StoryOrder,
    StringFilter,
    TopicOrder,
)
from gqlnews.schema.node import CONFIG, URL, DateTime, Duration, Node, node_argument, nodes_argument
from gqlnews.schema.provider import Provider, ProviderConnection, Topic, providers
from gqlnews.schema.search import SEARCH, TRENDING, SearchConnection
from gqlnews.schema.section import Section
from gqlnews.schema.site import Site
from gqlnews.schema.story import STORIES, Story, StoryConnection
from gqlnews.time_budget import TimeBudgetExceeded

# Root fields.

HALF_LIFE = "Time in which heat decays to half. Defaults to one day."
AS_OF = "Excludes articles published after this instant. Defaults to now; set it for repeatable pages."
SINCE = "Returns changes after this `version` of an earlier response. Null starts from the beginning."
DUPLICATES = "Returns only the first of several duplicates in the sort order. Applied after `where`."

SORT = "Sort key."

COLLAPSE = argument("collapse", Collapse | None, description=DUPLICATES)
FIRST_20 = argument("first", int | None, 20, FIRST)


@strawberry.type(description="Queries.")
class Query:
    article: Article | None = root_field(
        One(JoinKey("slug", argument="slug"), arguments=key_arguments),
        "The article with this slug; null if there is none.",
        argument("slug", str),
    )
    article_by_url: Article | None = root_field(
        One(
            JoinKey("id", argument="url"),
            through=JoinTable("url_owner", source_key="url", target_key="article_id"),
            arguments=key_arguments,
        ),
        "The article with this URL, which may be any of its URLs; null if there is none. If several share "
        "it, published articles win over unpublished ones, then the newest.",
        argument("url", URL),
    )
    articles: ArticleConnection = root_field(
        articles("Query.articles"),
        "Articles, newest first unless `orderBy` says otherwise. The order is total, so pages neither skip "
        "nor repeat articles.",
        *ARTICLE_LIST,
        COLLAPSE,
    )
    trending: ArticleConnection = root_field(
        TRENDING,
        "Articles by decayed heat, heat × 2^(−age ÷ halfLife), hottest first. Articles without a heat "
        "above 0 follow, newest first. Articles published after `asOf` are excluded.",
        FIRST_20,
        AFTER,
        ARTICLE_WHERE,
        argument("half_life", Duration, Duration("P1D"), HALF_LIFE),
        argument("as_of", DateTime | None, description=AS_OF),
        COLLAPSE,
    )
    search: SearchConnection = root_field(
        SEARCH,
        'Full-text search, best match first. All words must match. Supports `"a phrase"`, `-not`, '
        "`a OR b`, `prefix*` and `title:word`. No input is a syntax error: anything that is not an "
        "operator is a word.",
        argument("query", str, description="The search query."),
        FIRST_20,
        AFTER,
        ARTICLE_WHERE,
    )
    stories: StoryConnection = root_field(
        STORIES,
        "Stories: groups of articles that list each other as related coverage.",
        FIRST_20,
        AFTER,
        argument("order_by", StoryOrder, StoryOrder.LATEST, "Sort order of the stories."),
        argument("min_size", int, 2, "Minimum number of articles in a story. Values below 2 count as 2."),
    )
    changes: ChangeSet = root_field(
        CHANGES,
        "Changes after the version `since`, oldest first, one per article with its latest state. Without "
        "`since`, paging through the changes returns the whole content.",
        argument("since", str | None, description=SINCE),
        argument("first", int | None, 100, "Maximum number of changes to return, 0 to 100."),
    )
    provider: Provider | None = root_field(
        One(JoinKey("domain", argument="domain"), arguments=key_arguments),
        "The provider with this domain; null if there is none.",
        argument("domain", str),
    )
    providers: ProviderConnection = root_field(
        providers("Query.providers"),
        "Providers of articles or related coverage, by domain unless `orderBy` says otherwise.",
        *PAGE,
        argument("where", ProviderFilter | None, description=WHERE),
        argument("order_by", ProviderOrder | None, description=SORT),
    )
    topic: Topic | None = root_field(
        One(JoinKey("slug", argument="slug"), arguments=key_arguments),
        "The topic with this slug; null if there is none.",
        argument("slug", str),
    )
    topics: list[Topic] = root_field(
        Many(arguments=SliceArguments(TOPIC.order, TOPIC_ORDER_TERMS)),
        "Topics, by slug unless `orderBy` says otherwise.",
        first(),
        argument("order_by", TopicOrder | None, description=SORT),
    )
    author: Author | None = root_field(
        One(JoinKey("slug", argument="slug"), arguments=key_arguments),
        "The author with this slug; null if there is none.",
        argument("slug", str),
    )
    authors: AuthorConnection = root_field(
        authors("Query.authors"),
        "Authors of articles, by name unless `orderBy` says otherwise.",
        *PAGE,
        argument("name", StringFilter | None, description="Filter by the author's `name`."),
        argument("order_by", AuthorOrder | None, description=SORT),
    )
    section: Section | None = root_field(
        One(JoinKey("path", argument="path"), arguments=key_arguments),
        "The section with this path; null if there is none.",
        argument("path", str),
    )
    sections: list[Section] = root_field(Many(), "All sections, by path.")
    node: Node | None = root_field(
        NodeLookup(node_argument, single=True),
        "The object with this ID; null if there is none.",
        argument("id", strawberry.ID),
    )
    nodes: list[Node | None] = root_field(
        NodeLookup(nodes_argument),
        "The objects with these IDs, in the same order; null for each ID without an object.",
        argument("ids", list[strawberry.ID]),
    )
    site: Site = root_field(One(), "Version, counts and problems of the served content.")


# Schema, and the field declarations of its types.

log = logging.getLogger("gqlnews")

ENTITIES = {
    "Article": ARTICLE,
    "Related": RELATED,
    "Provider": PROVIDER,
    "Story": STORY,
    "Topic": TOPIC,
    "Author": AUTHOR,
    "Section": SECTION,
    "Site": SITE,
    "Problem": PROBLEM,
}


class UsePreparedDocument(SchemaExtension):
    """Make Strawberry use the document that the engine has already parsed and validated."""

    def on_operation(self) -> Iterator[None]:
        context = self.execution_context
        context.graphql_document = context.context.document
        context.pre_execution_errors = []
        yield


def is_internal_error(error: GraphQLError) -> bool:
    """Return whether an error is a fault of the server, not caused by the request."""
    cause = error.original_error
    return cause is not None and not isinstance(cause, GraphQLError | TimeBudgetExceeded)


class NewsSchema(strawberry.Schema):
    """Strawberry schema that logs internal errors only, not the errors of clients."""

    custom_fields: tuple[CustomField, ...] = ()

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        for error in errors:
            if isinstance(error.original_error, DatabaseError):
                log.error("failed at %s: %s", error.path, error.original_error)
            elif is_internal_error(error):
                log.error("failed at %s", error.path, exc_info=error.original_error)


def build_schema(fields: Sequence[CustomField] = ()) -> NewsSchema:
    """Build the schema, with custom fields."""
    schema = NewsSchema(
        query=Query,
        subscription=Subscription,
        types=[Article, Author, Section, Story, Topic],
        config=CONFIG,
        extensions=[UsePreparedDocument],
        execution_context_class=PassthroughExecutor,
    )
    schema.custom_fields = tuple(fields)
    if fields:
        add_fields(schema._schema, fields)
    return schema


def collect_declarations(schema: NewsSchema) -> Declarations:
    """Collect the declarations of all fields by GraphQL type name and field name."""
    fields: dict[tuple[str, str], Declaration] = {}
    name_of = schema.config.name_converter.get_graphql_name
    for name, kind in schema.schema_converter.type_map.items():
        definition: Any = kind.definition
        if isinstance(definition, StrawberryObjectDefinition) and not definition.is_interface:
            for field in definition.fields:
                if DECLARATION in field.metadata:
                    fields[name, name_of(field)] = field.metadata[DECLARATION]
    declarations = Declarations(fields, ENTITIES)
    custom = schema.custom_fields
    return add_declarations(declarations, custom) if custom else declarations


def sdl(fields: Sequence[CustomField] = ()) -> str:
    """Return the schema in SDL; without custom fields, the content of `schema.graphql`."""
    schema = build_schema(fields)._schema
    schema.type_map = dict(sorted(schema.type_map.items()))  # Strawberry's printer knows no custom fields
    return print_schema(schema) + "\n"
