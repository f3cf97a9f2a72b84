"""Inputs that depend on the schema or on values from the API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import GraphQLField, GraphQLSchema, get_named_type, is_required_argument
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz import documents, envelopes, values
from tests.oracle.content import read_folder
from tests.oracle.engine import Oracle, oracle_schema
from tests.oracle.strategies import Options, operations
from tests.oracle.values import values_of

SELECTIONS = {
    "ArticleConnection": "{ totalCount pageInfo { hasNextPage endCursor } nodes { slug title }"
    " facets { topics { count topic { name } } types { value } providers { count }"
    " published(by: YEAR) { count } } }",
    "SearchConnection": "{ totalCount edges { score snippet node { slug secured extra } } }",
    "StoryConnection": "{ totalCount nodes { id articles(first: 2) { totalCount } } }",
    "ProviderConnection": "{ totalCount nodes { name domain } }",
    "ChangeSet": "{ version hasMore nodes { kind slug article { title } } }",
    "Article": "{ slug title html secured extra provider { name } related { title article { slug } }"
    " similar { slug } }",
    "Provider": "{ name domain articles { totalCount } }",
    "Topic": "{ name slug articles { totalCount } }",
    "Author": "{ name slug url image { url } articles { totalCount } }",
    "AuthorConnection": "{ totalCount nodes { name slug } pageInfo { hasNextPage endCursor } }",
    "Section": "{ path title parent { path } children { path } articles { totalCount } }",
    "Node": "{ id ... on Article { slug title } ... on Topic { name } }",
    "Site": "{ version articleCount ingestedAt problems { path code message } }",
}


@dataclass(frozen=True)
class Inputs:
    """Strategies that depend on the schema or on values from the API."""

    valid: SearchStrategy[str]
    from_oracle: SearchStrategy[Any]
    mutated: SearchStrategy[str]
    roots: SearchStrategy[tuple[str, dict[str, Any]]]


def build_inputs(
    schema: GraphQLSchema, folder: Path, cursors: list[str], ids: list[str], versions: list[str]
) -> Inputs:
    """Build the strategies for a schema and a folder; the other arguments are values from the API."""
    made = oracle_schema()
    values_there = values_of(read_folder(folder), Oracle(made).registry)
    texts = {
        "id": values.ids(ids),
        "ids": values.ids(ids),
        "after": values.cursors(cursors),
        "before": values.cursors(cursors),
        "since": values.versions(versions),
        "query": values.searches,
        "matches": values.searches,
        "url": values.urls,
    }
    fitting, query = values.Fitting(texts), schema.query_type
    assert query is not None
    roots = {name: _document(name, field) for name, field in query.fields.items()}
    return Inputs(
        valid=documents.from_schema(schema, texts["id"]),
        from_oracle=operations(made, values_there, Options(depth=6, cost=600)),
        mutated=documents.mutated([*envelopes.QUERIES, *roots.values()]),
        roots=st.one_of(
            *(
                st.tuples(st.just(roots[name]), _arguments(query.fields[name], fitting))
                for name in sorted(roots)
            )
        ),
    )


def _document(name: str, field: GraphQLField) -> str:
    """A document for one root field with all of its arguments as variables."""
    selections = SELECTIONS[get_named_type(field.type).name]
    if not field.args:
        return f"{{ {name} {selections} }}"
    declared = ", ".join(f"${key}: {one.type}" for key, one in field.args.items())
    given = ", ".join(f"{key}: ${key}" for key in field.args)
    return f"query ({declared}) {{ {name}({given}) {selections} }}"


def _arguments(field: GraphQLField, fitting: values.Fitting) -> SearchStrategy[dict[str, Any]]:
    made = {key: fitting.of(one.type, key) for key, one in field.args.items()}
    needed = {key for key, one in field.args.items() if is_required_argument(one)}
    return st.fixed_dictionaries(
        {key: made[key] for key in needed}, optional={key: made[key] for key in made.keys() - needed}
    )
