"""Build the Strawberry schema and collect the field declarations of its types."""

import logging
from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext
from strawberry.types.base import StrawberryObjectDefinition

from gqlnews.errors import DatabaseError
from gqlnews.query.fields import Declaration, Declarations
from gqlnews.schema.article import Article
from gqlnews.schema.fields import DECLARATION
from gqlnews.schema.passthrough_executor import PassthroughExecutor
from gqlnews.schema.query import Query
from gqlnews.schema.scalars import CONFIG
from gqlnews.schema.story import Story
from gqlnews.schema.subscription import Subscription
from gqlnews.schema.tables import ARTICLE, PROBLEM, PROVIDER, RELATED, SITE, STORY, TOPIC
from gqlnews.schema.topic import Topic
from gqlnews.time_budget import TimeBudgetExceeded

log = logging.getLogger("gqlnews")

ENTITIES = {
    "Article": ARTICLE,
    "Related": RELATED,
    "Provider": PROVIDER,
    "Story": STORY,
    "Topic": TOPIC,
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
    """Return whether an error is an internal server error, not one that the request caused."""
    cause = error.original_error
    return cause is not None and not isinstance(cause, GraphQLError | TimeBudgetExceeded)


class NewsSchema(strawberry.Schema):
    """Strawberry schema that logs internal errors only, not the errors of clients."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        for error in errors:
            if isinstance(error.original_error, DatabaseError):
                log.error("failed at %s: %s", error.path, error.original_error)
            elif is_internal_error(error):
                log.error("failed at %s", error.path, exc_info=error.original_error)


def build_schema() -> strawberry.Schema:
    return NewsSchema(
        query=Query,
        subscription=Subscription,
        types=[Article, Story, Topic],
        config=CONFIG,
        extensions=[UsePreparedDocument],
        execution_context_class=PassthroughExecutor,
    )


def collect_declarations(schema: strawberry.Schema) -> Declarations:
    """Collect the declarations of all fields by GraphQL type name and field name."""
    fields: dict[tuple[str, str], Declaration] = {}
    name_of = schema.config.name_converter.get_graphql_name
    for name, kind in schema.schema_converter.type_map.items():
        definition: Any = kind.definition
        if isinstance(definition, StrawberryObjectDefinition) and not definition.is_interface:
            for field in definition.fields:
                if DECLARATION in field.metadata:
                    fields[name, name_of(field)] = field.metadata[DECLARATION]
    return Declarations(fields, ENTITIES)


def sdl() -> str:
    """Return the schema in SDL, the content of `schema.graphql`."""
    return build_schema().as_str() + "\n"
