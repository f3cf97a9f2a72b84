"""Tables of the GraphQL types whose objects are rows."""

from gqlnews.query.fields import Entity, Junction, OrderTerm, Seen

ARTICLE = Entity(
    table="article",
    key="id",
    seen=Seen.PUBLISHED,
    order=(OrderTerm("published_at", descending=True), OrderTerm("slug")),
    node_key="slug",
)
PROVIDER = Entity(
    table="provider", key="domain", seen=Seen.SCOPE, order=(OrderTerm("domain"),), node_key="domain"
)
TOPIC = Entity(table="topic", key="slug", seen=Seen.SCOPE, order=(OrderTerm("slug"),), node_key="slug")
ARTICLES_OF_TOPIC = Junction(
    "article_topic",
    near="topic",
    far="article_id",
    copies=frozenset({"published", "published_at", "slug", "quality", "heat", "has_image"}),
    items="topic_slugs",
    seen=Seen.PUBLISHED,
)
STORY_OF_ARTICLE = Junction("story_article", near="article_id", far="story", seen=Seen.SCOPE)
ARTICLES_OF_STORY = Junction("story_article", near="story", far="article_id", seen=Seen.SCOPE)
STORY = Entity(
    table="story",
    key="slug",
    seen=Seen.SCOPE,
    order=(OrderTerm("last_at", descending=True), OrderTerm("lead_slug")),
    node_key="slug",
    node_through=Junction("story_article", near="slug", far="story", seen=Seen.SCOPE),
)
RELATED = Entity(table="related", key="position")
CHANGE = Entity(table="article_change", key="slug", seen=Seen.SCOPE)
SITE = Entity(table="site", key="audience", seen=Seen.AUDIENCE)
PROBLEM = Entity(
    table="problem",
    key="id",
    seen=Seen.EDITOR,
    order=(OrderTerm("path"), OrderTerm("line"), OrderTerm("column_"), OrderTerm("code"), OrderTerm("id")),
)
