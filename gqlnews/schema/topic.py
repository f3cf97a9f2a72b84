"""Topics: what articles are about, the spellings of one slug joined."""

import strawberry

from gqlnews.plan.declare import Match
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.entities import ARTICLES_OF_TOPIC
from gqlnews.schema.fields import column, declared
from gqlnews.schema.node import Node


@strawberry.type(description="What articles are about.")
class Topic(Node):
    slug: str = column("slug", description="`Computer Vision` → `computer-vision`.")
    name: str = column("name", description="As most files write it.")
    articles: ArticleConnection = declared(
        articles(
            "Topic.articles",
            Match("id", parent="slug"),
            ARTICLES_OF_TOPIC,
        ),
        *ARTICLE_LIST,
        description="What is about it, newest first unless `orderBy` says otherwise.",
    )
