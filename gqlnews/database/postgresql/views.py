"""The views of the SQLite store in PostgreSQL; those of the full-text index are in search_schema.py."""

from collections.abc import Iterable, Iterator

from gqlnews.custom_fields import CustomField

# ruff: noqa: S608 - names of our own

_TRANSLATION = """
CREATE VIEW translation AS
SELECT original.id AS article_id, other.id AS target_id,
    CASE WHEN other.language IS NULL THEN '1' ELSE '0' || other.language || chr(1) END
    || other.slug AS position
FROM article AS original JOIN article AS other ON other.translation_key = original.translation_key
WHERE other.id <> original.id AND other.language IS DISTINCT FROM original.language
"""


def view_statements(fields: Iterable[CustomField]) -> Iterator[str]:
    """Yield the statements that create the views, also one for each list that facets count."""
    yield _TRANSLATION
    for field in fields:
        if field.facet and field.is_list:
            items = f"json_array_elements_text(article.{field.counted.name}::json)"
            yield (
                f"CREATE VIEW {field.items_view} AS"
                ' SELECT article.id AS article_id, item.value COLLATE "C" AS value,'
                f" article.published AS published FROM article, {items} AS item(value)"
            )
