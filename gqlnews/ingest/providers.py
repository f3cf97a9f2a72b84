"""Derive the providers of each scope: scope 0 covers published articles only, scope 1 all.

A provider exists if a visible article has it, or lists coverage by it. Its names are ordered:

1. first the names that files give their own provider: by number of files, then by the most recent of these
   files (the newest; of equal instants, the first slug);
2. then the names that only related coverage gives: by number of files that list them, then by the instant
   of the most recent of these files, then by code point.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import msgspec

from gqlnews.ingest.change_log import ScopeDelta
from gqlnews.ingest.rows import node_id

_FORGET = "DELETE FROM provider WHERE scope = ? AND domain IN (SELECT domain FROM affected_domain)"

# The most recent file is looked up only to decide a tie.
_NAMES = """
SELECT domain, name,
    CASE WHEN alike = 1 THEN NULL WHEN own THEN (
        SELECT published_at FROM article
        WHERE provider_domain = domain AND provider_name = name AND (published OR ?1)
        ORDER BY published_at DESC, slug LIMIT 1
    ) ELSE (
        SELECT max(article.published_at) FROM related CROSS JOIN article ON id = article_id
        WHERE related.provider_domain = domain AND related.provider_name = name AND (published OR ?1)
    ) END AS newest,
    CASE WHEN alike > 1 AND own THEN (
        SELECT slug FROM article
        WHERE provider_domain = domain AND provider_name = name AND (published OR ?1)
        ORDER BY published_at DESC, slug LIMIT 1
    ) END AS newest_slug
FROM (
    SELECT domain, name, own, articles, count(*) OVER (PARTITION BY domain, own, articles) AS alike
    FROM (
        SELECT domain, name, max(own) AS own,
            coalesce(sum(articles) FILTER (WHERE own), sum(articles)) AS articles
        FROM provider_use
        WHERE domain IN (SELECT domain FROM affected_domain) AND (published OR ?1)
        GROUP BY domain, name
    )
)
ORDER BY domain, own DESC, articles DESC, newest DESC, newest_slug, name
"""

# Images come from the newest file whose own provider has any.
_INSERT = """
INSERT INTO provider VALUES (?1, ?2, ?3, ?4, ?5, coalesce((
    SELECT provider_images FROM article INDEXED BY article_provider_images
    WHERE provider_domain = ?2 AND (published OR ?1) AND provider_images IS NOT NULL
    ORDER BY published_at DESC, slug LIMIT 1), '[]'), folded(?2), folded(?4))
"""


def derive_providers(db: sqlite3.Connection) -> ScopeDelta:
    """Derive the providers of `affected_domain`; return the growth per scope."""
    return ScopeDelta(*(_derive(db, scope) for scope in (0, 1)))


def _derive(db: sqlite3.Connection, scope: int) -> int:
    before = db.execute(_FORGET, (scope,)).rowcount
    return db.executemany(_INSERT, _providers(db, scope)).rowcount - before


def _providers(db: sqlite3.Connection, scope: int) -> Iterator[tuple[int, str, str, str, str]]:
    for domain, uses in groupby(db.execute(_NAMES, (scope,)), key=itemgetter(0)):
        names = [name for _, name, *_ in uses]
        yield scope, domain, node_id("Provider", domain), names[0], msgspec.json.encode(names).decode()
