"""Statements of the server itself on PostgreSQL; their twins are in database/sqlite/database_handle.py."""

from gqlnews.database.postgresql.combined import VERSIONS
from gqlnews.database.postgresql.lag import LAG
from gqlnews.database.sqlite.schedule import MAX_OVERDUE

# ruff: noqa: S608 - built from constants only

POLL = f"""
SELECT ({VERSIONS}) AS versions,
    (SELECT CASE WHEN custom_fields IS DISTINCT FROM $1 THEN custom_fields END FROM store) AS custom_fields,
    pg_is_in_recovery() AS is_standby
"""
"""The versions, and the declarations of custom fields if they differ from the last ones."""

STATE = f"""
SELECT json_build_object(
    'lag', {LAG},
    'is_led', EXISTS (SELECT 1 FROM lease WHERE expires_at > clock_timestamp()),
    'next', (SELECT min(due) FROM source),
    'overdue', (SELECT count(*) FROM (SELECT 1 FROM source WHERE due <= $1 LIMIT {MAX_OVERDUE}) AS overdue)
)::text
"""
"""Replication lag in seconds, whether an ingester leads, and the schedule as of `$1`."""

SIZES = """
SELECT json_build_object(
    '', article_count,
    'provider', provider_count,
    'topic', topic_count,
    'story', (SELECT count(*) FROM story WHERE scope = $1),
    'author', (SELECT count(*) FROM author WHERE scope = $1),
    'section', (SELECT count(*) FROM section WHERE scope = $1),
    'article_topic', (SELECT coalesce(sum(articles), 0) FROM topic_use WHERE published >= 1 - $1),
    'article_author', (SELECT coalesce(sum(articles), 0) FROM author_use WHERE published >= 1 - $1),
    'article_section', (SELECT coalesce(sum(articles), 0) FROM section_use WHERE published >= 1 - $1),
    'article.provider_domain', (SELECT coalesce(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM provider_use WHERE own = 1 AND published >= 1 - $1
        GROUP BY domain) AS groups),
    'article_topic.topic', (SELECT coalesce(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM topic_use WHERE published >= 1 - $1 GROUP BY topic) AS groups),
    'article_author.author', (SELECT coalesce(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM author_use WHERE published >= 1 - $1 GROUP BY author)
        AS groups),
    'article_section.section', (SELECT coalesce(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM section_use WHERE published >= 1 - $1 GROUP BY section)
        AS groups),
    'story_article.story', (SELECT coalesce(max(size), 0) FROM story WHERE scope = $1))
FROM site WHERE audience = $1
"""
"""Table sizes for published articles (`$1` = 0), and for all articles (1)."""

COUNTS = """
SELECT json_build_object(
    'public', (SELECT article_count FROM site WHERE audience = 0),
    'all', (SELECT article_count FROM site WHERE audience = 2),
    'error', (SELECT count(*) FROM problem WHERE severity = 'ERROR'),
    'warning', (SELECT count(*) FROM problem WHERE severity = 'WARNING'),
    'next_due', (SELECT min(due) FROM source))
"""

MEDIA = """
SELECT published FROM media
WHERE path = $1 AND is_image = 1 AND published >= $2 ORDER BY published DESC LIMIT 1
"""
