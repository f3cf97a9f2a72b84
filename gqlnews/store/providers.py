"""Providers, for each scope: 0 rests on published articles alone, 1 on all.

A provider is there where a visible article has it, or lists coverage by it. The order of its names:

1. those that files give their own provider: by how many files, then by the most recent of these files
   (the newest, of equal instants the first slug's);
2. after all of these, those that only related coverage gives: by how many files list them, then by the
   instant of the most recent of these files, then by code point.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import msgspec

from gqlnews.store.rows import node_id

_FORGET = "DELETE FROM provider WHERE scope IN (0, 1) AND domain IN (SELECT domain FROM affected_domain)"

_USE = (
    "DELETE FROM name_use",
    """
    INSERT INTO name_use
    SELECT provider_domain, provider_name, 1, published, count(*), min(place), NULL
    FROM (
        SELECT provider_domain, provider_name, published, row_number() OVER (
            PARTITION BY provider_domain ORDER BY published_at DESC, slug) AS place
        FROM article
        WHERE provider_domain IN (SELECT domain FROM affected_domain)
    )
    GROUP BY provider_domain, provider_name, published
    """,
    # A file that lists a name often counts once.
    """
    INSERT INTO name_use
    SELECT domain, name, 0, published, count(*), NULL, max(published_at)
    FROM (
        SELECT DISTINCT provider_domain AS domain, provider_name AS name, article_id
        FROM related
        WHERE provider_domain IN (SELECT domain FROM affected_domain)
    )
    JOIN article ON article.id = article_id
    GROUP BY domain, name, published
    """,
)

_NAMES = """
SELECT domain, name FROM (
    SELECT domain, name, max(own) AS own,
        sum(files) FILTER (WHERE own) AS own_files, min(place) AS place,
        sum(files) AS files, max(newest) AS newest
    FROM name_use
    WHERE published OR ?
    GROUP BY domain, name
)
ORDER BY domain, own DESC, coalesce(own_files, files) DESC, place, newest DESC, name
"""

# Of the newest file whose own provider has any.
_INSERT = """
INSERT INTO provider VALUES (?1, ?2, ?3, ?4, ?5, coalesce((
    SELECT provider_images FROM article
    WHERE provider_domain = ?2 AND (published OR ?1) AND provider_images IS NOT NULL
    ORDER BY published_at DESC, slug LIMIT 1), '[]'), folded(?2), folded(?4))
"""


def derive_providers(db: sqlite3.Connection) -> None:
    """The providers of `affected_domain`."""
    db.execute(_FORGET)
    for statement in _USE:
        db.execute(statement)
    for scope in (0, 1):
        db.executemany(_INSERT, _providers(db, scope))


def _providers(db: sqlite3.Connection, scope: int) -> Iterator[tuple[int, str, str, str, str]]:
    for domain, uses in groupby(db.execute(_NAMES, (scope,)), key=itemgetter(0)):
        names = [name for _, name in uses]
        yield scope, domain, node_id("Provider", domain), names[0], msgspec.json.encode(names).decode()
