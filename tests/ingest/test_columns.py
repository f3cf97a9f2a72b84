"""The table of the columns of an article, compared with the database and the schema."""

import sqlite3

import pytest

from gqlnews.columns import ARTICLE_COLUMNS, GROUP_COLUMNS, ArticleColumn, ColumnType, index_statements
from gqlnews.ingest.rows import ARTICLE_ROW, TOPIC_ROW
from gqlnews.schema.inputs import ARTICLE_FILTER_FIELDS, ARTICLE_ORDER_TERMS

STORED = {
    ColumnType.INTEGER: "INTEGER",
    ColumnType.BOOLEAN: "INTEGER",
    ColumnType.REAL: "REAL",
}


def columns_of(db: sqlite3.Connection, table: str) -> dict[str, tuple[str, bool]]:
    """Return type and nullability of each column."""
    rows = db.execute('SELECT name, type, "notnull" FROM pragma_table_info(?)', (table,))
    return {name: (type_, not not_null) for name, type_, not_null in rows}


def test_the_tables_have_exactly_these_columns(db: sqlite3.Connection) -> None:
    of_file = {column.name for column in ARTICLE_COLUMNS if column.of_file}
    assert columns_of(db, "article").keys() == {"id", "path", *of_file, *ARTICLE_ROW}
    assert columns_of(db, "article_topic").keys() == {"article_id", "position", *TOPIC_ROW}


@pytest.mark.parametrize("column", ARTICLE_COLUMNS, ids=lambda column: column.name)
def test_a_column_is_stored_with_its_type(db: sqlite3.Connection, column: ArticleColumn) -> None:
    assert columns_of(db, "article")[column.name][0] == STORED.get(column.type, "TEXT")


@pytest.mark.parametrize(
    "column",
    [column for column in ARTICLE_COLUMNS if column.order is not None],
    ids=lambda column: column.name,
)
def test_an_order_replaces_null_where_the_column_may_be_null(
    db: sqlite3.Connection, column: ArticleColumn
) -> None:
    assert column.order is not None
    assert column.order.nullable == columns_of(db, "article")[column.name][1]
    assert (ARTICLE_ORDER_TERMS[column.order.value].missing is not None) == column.order.nullable


def test_the_indexes_contain_what_filters_and_orders_compare() -> None:
    statement = index_statements()["article_newest"]
    listed = {part.split(" ")[0] for part in statement.partition("(")[2].rstrip(")").split(", ")}
    terms = {term.column for term in ARTICLE_ORDER_TERMS.values()}
    assert listed >= terms | {field.column for field in ARTICLE_FILTER_FIELDS.values()} - {"search"}
    assert listed >= {column.folded for column in ARTICLE_COLUMNS if column.folded}
    assert set(GROUP_COLUMNS) <= listed
