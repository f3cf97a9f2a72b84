"""Table sizes as clients see them, used to estimate the scan work of a request.

The keys are table names (`""` for articles) with their number of rows, and `table.column` with the number of
rows of the largest group of that column. The pool reads the sizes after a content change, at most twice a
second, and never for a request.
"""

from collections.abc import Mapping

import orjson

from gqlnews.database.sqlite.reader_connection import Statements

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
"""For the public, and for all articles."""


def sizes_of(answer: bytes | None) -> Sizes:
    """Parse the result of one of the statements; empty without a result."""
    sizes: Sizes = orjson.loads(answer or b"{}")
    return sizes
