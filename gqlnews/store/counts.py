"""How much is in the store, for who runs the server."""

from collections.abc import Mapping

import orjson

from gqlnews.store.connection import Statements

_COUNTS = """
SELECT json_object(
    'public', (SELECT article_count FROM site WHERE audience = 0),
    'all', (SELECT article_count FROM site WHERE audience = 2),
    'error', (SELECT count(*) FROM problem WHERE severity = 'ERROR'),
    'warning', (SELECT count(*) FROM problem WHERE severity = 'WARNING'))
"""

COUNTS: Statements = ((_COUNTS, ()),)


def counts_of(answer: bytes | None) -> Mapping[str, int]:
    """Articles that the `public` sees, and `all`; problems of kind `error` and `warning`."""
    counts: Mapping[str, int] = orjson.loads(answer or b"{}")
    return counts
