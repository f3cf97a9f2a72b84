"""Topics: what articles are about, the spellings of one slug joined."""

import strawberry

from gqlnews.plan.declare import Junction, Match
from gqlnews.schema.article import ArticleConnection, articles
from gqlnews.schema.fields import PAGE, column, declared
from gqlnews.schema.node import Node


@strawberry.type(description="What articles are about.")
class Topic(Node):
    slug: str = column("slug", description="`Computer Vision` → `computer-vision`.")
    name: str = column("name", description="As most files write it.")
    articles: ArticleConnection = declared(
        articles(
            "Topic.articles",
            Match("id", parent="slug"),
            Junction("article_topic", near="topic", far="article_id"),
        ),
        *PAGE,
        description="What is about it, newest first.",
    )
