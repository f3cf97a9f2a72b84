"""The tables behind the types whose objects are rows."""

from gqlnews.plan.declare import Entity, OrderTerm, Seen

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
RELATED = Entity(table="related", key="position")
SITE = Entity(table="site", key="audience", seen=Seen.AUDIENCE)
PROBLEM = Entity(
    table="problem",
    key="id",
    seen=Seen.EDITOR,
    order=(OrderTerm("path"), OrderTerm("line"), OrderTerm("column_"), OrderTerm("code"), OrderTerm("id")),
)
