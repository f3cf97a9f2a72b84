"""Article and problem counts for the operator."""

from collections.abc import Mapping

import orjson

from gqlnews.database.sqlite.reader_connection import Statements

_COUNTS = """
SELECT json_object(
    'public', (SELECT article_count FROM site WHERE audience = 0),
    'all', (SELECT article_count FROM site WHERE audience = 2),
    'error', (SELECT count(*) FROM problem WHERE severity = 'ERROR'),
    'warning', (SELECT count(*) FROM problem WHERE severity = 'WARNING'))
"""

COUNTS: Statements = ((_COUNTS, ()),)


def counts_of(answer: bytes | None) -> Mapping[str, int]:
    """Parse the result: articles that the `public` sees, and `all`; problems of kind `error`, `warning`."""
    counts: Mapping[str, int] = orjson.loads(answer or b"{}")
    return counts
