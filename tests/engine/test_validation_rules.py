"""Validation without the rules that are left out reports the same errors as all rules do."""

import pytest
from graphql import GraphQLError, parse, specified_rules
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import validate_document

from gqlnews.engine.validation import rules_for
from gqlnews.schema.query import build_schema

SCHEMA = build_schema()._schema

BROKEN = [
    "{ nothing }",
    "{ articles }",
    "{ article { slug } }",
    '{ article(slug: "a", slug: "b") { slug } }',
    '{ article(slug: "a", other: 1) { slug } }',
    "{ article(slug: 1) { slug } }",
    '{ article(slug: "a") { slug: title slug } }',
    '{ article(slug: "a") { slug { x } } }',
    "{ articles(where: {quality: {gte: 1, gte: 2}}) { totalCount } }",
    "{ articles(where: {quality: null, none: 1}) { totalCount } }",
    "query A { topics { slug } } query A { topics { slug } }",
    "query A { topics { slug } } { topics { slug } }",
    "query ($a: Nothing) { topics { slug } }",
    "query ($a: Article) { topics { slug } }",
    "query ($a: Int, $a: Int) { articles(first: $a) { totalCount } }",
    "query ($a: Int) { topics { slug } }",
    "{ articles(first: $a) { totalCount } }",
    "query ($a: String) { articles(first: $a) { totalCount } }",
    "query ($a: String) { article(slug: $a) { slug } }",
    "{ topics { ...F } }",
    "{ topics { slug } } fragment F on Topic { slug }",
    "{ topics { ...F } } fragment F on Topic { ...F }",
    "{ topics { ...F } } fragment F on Article { slug }",
    "{ topics { ...F } } fragment F on Nothing { slug }",
    "{ topics { ...F } } fragment F on String { slug }",
    "{ topics { ...F } } fragment F on Topic { slug } fragment F on Topic { name }",
    "{ topics { ... on Article { slug } } }",
    "{ topics { ... on URL { slug } } }",
    "{ topics { slug @nothing } }",
    "{ topics { slug @skip } }",
    "{ topics { slug @skip(if: true) @skip(if: true) } }",
    "{ topics @defer { slug } }",
    "query ($label: String) { ... @defer(label: $label) { topics { slug } } }",
    "{ site @stream { version } }",
    "subscription { a b }",
    "subscription S { __typename }",
    "mutation { a }",
    "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    "type A { b: Int }",
    "{ topics { slug } } extend type Article { x: Int }",
]
PIECES = [
    "query", "mutation", "subscription", "fragment", "on", "A", "F", "Article", "Topic", "{", "}", "(", ")",
    "[", "]", ":", "...", "@skip(if: true)", "@defer", "@", "$a", "$a: Int", "slug", "topics", "first",
    '"x"', "1", "null", "__typename", "__schema", "# fragment $ @\n", '"""block"""',
]  # fmt: skip


def lines(errors: list[GraphQLError]) -> list[str]:
    return [str(error) for error in errors]


def both_errors(text: str) -> tuple[list[str], list[str]]:
    document = parse(text)
    some = validate_document(SCHEMA, document, rules_for(text))
    every = validate_document(SCHEMA, document, tuple(specified_rules))
    return lines(some), lines(every)


@pytest.mark.parametrize("text", BROKEN)
def test_an_invalid_document_has_the_errors_of_all_rules(text: str) -> None:
    some, every = both_errors(text)
    assert some == every
    assert every


@settings(max_examples=300)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12), whole=st.sampled_from(BROKEN))
def test_selected_rules_report_the_same_errors_as_all_rules(pieces: list[str], whole: str) -> None:
    """Random tokens, alone and after a valid document: most do not parse, and the rest are unusual."""
    for text in (" ".join(pieces), f"{whole} {' '.join(pieces)}"):
        try:
            parse(text)
        except GraphQLError:
            continue
        some, every = both_errors(text)
        assert some == every


def test_a_plain_document_skips_half_of_the_rules() -> None:
    assert len(rules_for('{ article(slug: "x") { slug } }')) < len(specified_rules) / 2
