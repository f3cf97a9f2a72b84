"""Names that custom fields cannot have: all that the schema has where a custom field is added."""

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLNamedType, build_schema

from gqlnews.reserved_names import RESERVED_NAMES

SCHEMA = build_schema((Path(__file__).parent.parent / "schema.graphql").read_text())
EXTENDED = ("Article", "Coverage", "ArticleFilter", "ArticleFacets", "ArticleOrderField")


def names_of(kind: GraphQLNamedType) -> set[str]:
    return set(kind.values) if isinstance(kind, GraphQLEnumType) else set(kind.fields)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", EXTENDED)
def test_every_name_of_the_schema_is_reserved(name: str) -> None:
    assert names_of(SCHEMA.type_map[name]) - RESERVED_NAMES[name] == set()
