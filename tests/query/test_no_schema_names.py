"""The query layer contains no name of the news schema: it reads all names from the declarations."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import is_specified_scalar_type

from gqlnews.database.sqlite.writer import open_writer
from gqlnews.schema.query import build_schema

PACKAGE = Path(__file__).parents[2] / "gqlnews" / "query"

VOCABULARY = {
    "words of Python, SQL and English, which some names of the schema happen to be": """
        all and any by children code column count error field id in interval json kind last level max message
        min name next node none not number or parent path position previous query sequence size source start
        state subscription target text token type types value within word words
    """,
    "Relay connections and plain lists, and their arguments": """
        after before collapse cursor desc direction edges end_cursor first has_next_page has_previous_page
        nodes nulls offset order_by page_info start_cursor total_count where
    """,
    "operators of filters": """
        contains eq gt gte is_null lt lte matches ne not_in starts_with under within_last
    """,
    "search and facets": "average day facets month score search snippet week year",
    "change feeds": "changes has_more since version",
    "access, as in docs/glossary.md": "audience scope",
    "time": "duration half_life",
}
"""The query layer's own names, by origin. Add a word only if it means the same in any other schema."""

ALLOWED = {tuple(name.split("_")) for names in VOCABULARY.values() for name in names.split()}

TABLES = """
SELECT name FROM pragma_table_list JOIN sqlite_schema USING (name)
WHERE pragma_table_list.type <> 'shadow' AND sql NOT LIKE '%fts5vocab%'
"""

Name = tuple[str, ...]
"""The words of a name, in lower case: `hasNextPage` and `has_next_page` are `("has", "next", "page")`."""


def to_words(name: str) -> Name:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return tuple(word.lower() for word in words)


def graphql_names() -> Iterator[str]:
    """Yield the names of types, fields, arguments and enum values."""
    for name, kind in build_schema()._schema.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        yield name
        yield from getattr(kind, "values", {})
        for field_name, field in getattr(kind, "fields", {}).items():
            yield field_name
            yield from getattr(field, "args", {})


def database_names(database: Path) -> Iterator[str]:
    """Yield the names of tables, views and columns, and the suffixes that several columns of a table have.

    Names that belong to SQLite and FTS5 are left out.
    """
    db = open_writer(database)
    try:
        tables = db.execute(TABLES).fetchall()
        for (table,) in tables:
            columns = {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}
            yield table
            yield from columns
            suffixes = Counter(
                column.removeprefix(base)
                for column in columns
                for base in columns
                if column.startswith(f"{base}_")
            )
            yield from (suffix for suffix, count in suffixes.items() if count > 1)
    finally:
        db.close()


def tokens(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the identifiers and the words of string literals, except docstrings, with their lines."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from ((token, line) for token in re.findall(r"\w+", node.value))
        for attribute in ("id", "attr", "arg", "name"):
            identifier = getattr(node, attribute, None)
            if isinstance(identifier, str):
                yield identifier, line


def parts(words: Name) -> Iterator[Name]:
    """Yield each sequence of consecutive words."""
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            yield words[start:end]


def parts_of(path: Path) -> Iterator[tuple[Name, str]]:
    """Yield every part of every token of a module, with a description of its place."""
    for token, line in tokens(ast.parse(path.read_text())):
        for part in parts(to_words(token)):
            yield part, f"`{'_'.join(part)}` in `{token}`, line {line}"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[Name]:
    database = tmp_path_factory.mktemp("names") / "store.db"
    return {to_words(name) for name in (*graphql_names(), *database_names(database))}


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_contains_no_name_of_the_schema(path: Path, names: set[Name]) -> None:
    leaks = names - ALLOWED
    assert [place for part, place in parts_of(path) if part in leaks] == []


def test_every_word_of_the_vocabulary_is_needed(names: set[Name]) -> None:
    used = {part for path in MODULES for part, _ in parts_of(path)}
    assert ALLOWED - (names & used) == set()
