"""How large the store is as callers see it: what the scan work of a request is multiplied by.

Rows of tables, `""` for the articles, and by `table.column` the rows of the largest group of that column. It
is read by the pool after a change of the content, at most twice a second, and never for a request.
"""

from collections.abc import Mapping

import orjson

from gqlnews.store.connection import Statements

Sizes = Mapping[str, int]

_SIZES = """
SELECT json_object(
    '', article_count,
    'provider', provider_count,
    'topic', topic_count,
    'story', (SELECT count(*) FROM story WHERE scope = ?1),
    'article_topic', (SELECT CAST(total(articles) AS INTEGER) FROM topic_use WHERE published >= 1 - ?1),
    'article.provider_domain', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM provider_use WHERE own = 1 AND published >= 1 - ?1
        GROUP BY domain)),
    'article_topic.topic', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM topic_use WHERE published >= 1 - ?1 GROUP BY topic)),
    'story_article.story', (SELECT ifnull(max(size), 0) FROM story WHERE scope = ?1))
FROM site WHERE audience = ?1
"""

SIZES: Statements = ((_SIZES, (0,)), (_SIZES, (1,)))
"""Of what the public sees, and of everything."""


def sizes_of(answer: bytes | None) -> Sizes:
    """What one of the statements gives; nothing where it gives nothing."""
    sizes: Sizes = orjson.loads(answer or b"{}")
    return sizes
