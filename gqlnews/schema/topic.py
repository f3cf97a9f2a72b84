"""Topics of articles. Names with the same slug are one topic."""

import strawberry

from gqlnews.query.fields import JoinKey
from gqlnews.schema.article import ARTICLE_LIST, ArticleConnection, articles
from gqlnews.schema.fields import column, declared
from gqlnews.schema.node import Node
from gqlnews.schema.tables import ARTICLES_OF_TOPIC


@strawberry.type(description="A topic of articles.")
class Topic(Node):
    slug: str = column("slug", description="Unique slug, e.g. `computer-vision` for `Computer Vision`.")
    name: str = column("name", description="Name of the topic as most files spell it.")
    articles: ArticleConnection = declared(
        articles(
            "Topic.articles",
            JoinKey("id", parent="slug"),
            ARTICLES_OF_TOPIC,
        ),
        *ARTICLE_LIST,
        description="Articles about the topic, newest first unless `orderBy` says otherwise.",
    )
