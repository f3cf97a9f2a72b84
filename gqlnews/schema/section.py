"""Sections: the folders that hold articles."""

from typing import Annotated

import strawberry

from gqlnews.query.fields import JoinKey, Many, One
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.fields import ARTICLES_OF_SECTION, column, field
from gqlnews.schema.node import Node


@strawberry.type(
    description=(
        "A folder of the content root that holds articles, at any depth; the root itself has no section."
    )
)
class Section(Node):
    path: str = column("path", description="Path of the folder, the beginning of its articles' slugs.")
    title: str = column("title", description="Name of the folder in words, e.g. `World news`.")
    article_count: int = column(
        "article_count", description="Number of articles in it and below it that the caller may see."
    )
    parent: Annotated["Section", strawberry.lazy("gqlnews.schema.section")] | None = field(
        One(JoinKey("path", parent="parent")), description="The section above; null at the top."
    )
    children: list[Annotated["Section", strawberry.lazy("gqlnews.schema.section")]] = field(
        Many(JoinKey("parent", parent="path")), description="The sections directly below, by path."
    )
    articles: ArticleConnection = field(
        articles("Section.articles", JoinKey("id", parent="path"), ARTICLES_OF_SECTION),
        *ARTICLE_LIST,
        description="Articles in the section and below it, newest first unless `orderBy` says otherwise.",
    )
