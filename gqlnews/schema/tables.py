"""Tables of the GraphQL types whose objects are rows."""

from gqlnews.query.fields import Entity, JoinTable, OrderTerm, Visibility

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
