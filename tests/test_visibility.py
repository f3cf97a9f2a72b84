"""Visibility: unpublished articles do not exist for the public, by any path through the schema.

The published articles come from a plain text search of the files; the paths come from the schema.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, get_named_type, is_object_type

from gqlnews.query.entities import Audience
from tests.product import Product

SCHEMA = build_schema((Path(__file__).parent.parent / "schema.graphql").read_text())

CARD = (
    "slug published url article { slug published } related { position title article { slug published } }"
    " referencedBy { nodes { slug published } }"
    " story { lead { slug published } articles { nodes { slug published } } }"
    " next { slug published } previous { slug published } translations { slug published }"
)
WALKS = {
    "Query.article": "query ($slug: String!) { article(slug: $slug) { %s } }",
    "Query.articleByUrl": "query ($url: URL!) { articleByUrl(url: $url) { %s } }",
    "Query.node": "query ($id: ID!) { node(id: $id) { ... on Article { %s } } }",
    "Query.nodes": "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Article { %s } } }",
    "Query.articles": "query ($after: String) { articles(first: 100, after: $after) { %s } }",
    "Provider.articles": (
        "query ($domain: String!, $after: String)"
        " { provider(domain: $domain) { articles(first: 100, after: $after) { %s } } }"
    ),
    "Topic.articles": (
        "query ($slug: String!, $after: String)"
        " { topic(slug: $slug) { articles(first: 100, after: $after) { %s } } }"
    ),
    "Query.trending": "query ($after: String) { trending(first: 100, after: $after) { %s } }",
    "Query.search": (
        "query ($words: String!, $after: String) { search(query: $words, first: 100, after: $after) { %s } }"
    ),
    "ArticleChange.article": (
        "query ($since: String) { changes(since: $since) { nodes { slug article { %s } } version hasMore } }"
    ),
    "Article.article": "",  # in every card
    "Related.article": "",
    "Article.referencedBy": "",
    "Article.similar": "",
    "Article.next": "",
    "Article.previous": "",
    "Article.translations": "",
    "Author.articles": "",
    "Section.articles": "",
    "Story.lead": "",
    "Story.articles": "",
    "SearchConnection.edges": "",
    "SearchConnection.nodes": "",
    "SearchEdge.node": "",
    "ArticleConnection.edges": "",  # in every page
    "ArticleConnection.nodes": "",
    "ArticleEdge.node": "",
}
PAGE = (
    f"edges {{ cursor node {{ {CARD} }} }} nodes {{ slug published }} totalCount pageInfo {{ hasNextPage }}"
)


@pytest.fixture(scope="module")
def published(corpus: Path) -> dict[str, bool]:
    """Slug → whether the article is published."""
    return {
        file.stem: "\npublished: true\n" in file.read_text(encoding="utf-8").split("\n---", 1)[0]
        for file in (corpus / "ai2020").glob("*.md")
    }


def test_every_path_to_an_article_is_walked() -> None:
    leading = {"Article", "ArticleConnection", "ArticleEdge", "SearchConnection", "SearchEdge", "Node"}
    paths = {
        f"{name}.{field}"
        for name, kind in SCHEMA.type_map.items()
        if is_object_type(kind) and not name.startswith("__")
        for field, definition in kind.fields.items()
        if get_named_type(definition.type).name in leading
    }
    assert paths == set(WALKS)


def found(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield every object with a slug, anywhere in a response."""
    if isinstance(answer, dict):
        if "slug" in answer and "published" in answer:
            yield answer
        for value in answer.values():
            yield from found(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from found(value)


def pages(product: Product, walk: str, **variables: str) -> Iterator[dict[str, Any]]:
    """Yield every page of a connection, which is the only object at the end of its query."""
    after = None
    while True:
        page: Any = product.data(WALKS[walk] % PAGE, {**variables, "after": after})
        yield page
        while "edges" not in page:
            (page,) = page.values()
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["edges"][-1]["cursor"]


def slugs(answers: Iterator[dict[str, Any]]) -> set[str]:
    return {article["slug"] for answer in answers for article in found(answer)}


@pytest.fixture(scope="module")
def public(published: dict[str, bool]) -> set[str]:
    return {slug for slug, is_published in published.items() if is_published}


def test_the_list_holds_the_published_and_no_other(ai2020: Product, public: set[str]) -> None:
    assert slugs(pages(ai2020, "Query.articles")) == public


def test_what_is_alike_is_published_too(ai2020: Product, public: set[str]) -> None:
    query = "query { articles(first: 100) { nodes { similar(first: 20) { slug published } } } }"
    found_slugs = slugs(iter([ai2020.data(query)]))
    assert found_slugs
    assert found_slugs <= public


def test_what_trends_is_the_published_and_no_other(ai2020: Product, public: set[str]) -> None:
    assert slugs(pages(ai2020, "Query.trending")) == public


@pytest.mark.parametrize("words", ["the", "AI OR intelligence", "facial recognition"])
def test_a_search_finds_no_other(ai2020: Product, public: set[str], words: str) -> None:
    found_slugs = slugs(pages(ai2020, "Query.search", words=words))
    assert found_slugs
    assert found_slugs <= public


def test_the_changes_from_the_beginning_are_of_the_published_and_of_no_other(
    ai2020: Product, public: set[str]
) -> None:
    changed, since, more = [], None, True
    while more:
        answer = ai2020.data(WALKS["ArticleChange.article"] % CARD, {"since": since})["changes"]
        changed += [node["slug"] for node in answer["nodes"]]
        assert slugs(iter(answer["nodes"])) <= public
        since, more = answer["version"], answer["hasMore"]
    assert len(changed) == len(set(changed))
    assert set(changed) == public


def test_facets_count_the_published_and_no_other(ai2020: Product, public: set[str]) -> None:
    facets = ai2020.data(
        "{ articles(first: 0) { totalCount facets { types { count } published(by: YEAR) { count } } } }"
    )["articles"]
    assert facets["totalCount"] == len(public)
    for counts in facets["facets"].values():
        assert sum(one["count"] for one in counts) == len(public)


def test_topics_and_providers_lead_to_no_other(ai2020: Product, public: set[str]) -> None:
    topics = ai2020.data("{ topics { slug } }")["topics"]
    assert set.union(*(slugs(pages(ai2020, "Topic.articles", slug=one["slug"])) for one in topics)) <= public
    domains = {
        edge["node"]["domain"]
        for edge in ai2020.data("{ providers(first: 100) { edges { node { domain } } } }")["providers"][
            "edges"
        ]
    }
    assert set.union(*(slugs(pages(ai2020, "Provider.articles", domain=one)) for one in domains)) <= public


def test_no_slug_id_or_url_leads_to_an_unpublished_one(
    ai2020: Product, published: dict[str, bool], public: set[str]
) -> None:
    hidden = sorted(set(published) - public)
    assert len(hidden) == 6_841
    urls = urls_of(ai2020, hidden)
    for at in range(0, len(hidden), 100):
        some = hidden[at : at + 100]
        ids = [base64.b64encode(f"Article:{slug}".encode()).decode() for slug in some]
        answer = ai2020.data(WALKS["Query.nodes"] % CARD, {"ids": ids})
        assert answer["nodes"] == [None] * len(some)
        variables = {f"s{number}": slug for number, slug in enumerate(some)}
        by_slug = " ".join(f"{name}: article(slug: ${name}) {{ slug }}" for name in variables)
        declared = ", ".join(f"${name}: String!" for name in variables)
        assert set(ai2020.data(f"query ({declared}) {{ {by_slug} }}", variables).values()) == {None}
        variables = {f"u{number}": urls[slug] for number, slug in enumerate(some)}
        by_url = " ".join(f"{name}: articleByUrl(url: ${name}) {{ slug published }}" for name in variables)
        declared = ", ".join(f"${name}: URL!" for name in variables)
        answer = ai2020.data(f"query ({declared}) {{ {by_url} }}", variables)
        assert {article["slug"] for article in found(answer)} <= public  # published ones may share the URL


def urls_of(product: Product, hidden: list[str]) -> dict[str, str]:
    """Return the articles' URLs, read as an editor."""
    urls: dict[str, str] = {}
    for at in range(0, len(hidden), 100):
        ids = [base64.b64encode(f"Article:{slug}".encode()).decode() for slug in hidden[at : at + 100]]
        answer = product.data(WALKS["Query.nodes"] % "slug published url", {"ids": ids}, Audience.EDITOR)
        urls.update((article["slug"], article["url"]) for article in found(answer))
    return urls


def test_one_article_asked_for_alone_is_hidden_too(ai2020: Product, published: dict[str, bool]) -> None:
    slug = min(slug for slug, is_published in published.items() if not is_published)
    id_ = base64.b64encode(f"Article:{slug}".encode()).decode()
    assert ai2020.data(WALKS["Query.node"] % CARD, {"id": id_}) == {"node": None}
    assert ai2020.data(WALKS["Query.article"] % CARD, {"slug": slug}) == {"article": None}
    shown = ai2020.data(WALKS["Query.article"] % CARD, {"slug": slug}, Audience.EDITOR)
    assert shown["article"]["slug"] == slug


def test_summaries_of_what_is_hidden_are_served_all_the_same(ai2020: Product) -> None:
    query = (
        "query ($after: String) { articles(first: 100, after: $after) { edges { cursor node { relatedCount"
    )
    query += " related { title article { slug } } } } } }"
    entries = ai2020.data(query)["articles"]["edges"]
    listed = [entry for edge in entries for entry in edge["node"]["related"]]
    assert sum(edge["node"]["relatedCount"] for edge in entries) == len(listed) > 0
    assert any(entry["article"] is None for entry in listed)


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.OPEN])
def test_what_is_sealed_is_for_an_editor(ai2020: Product, audience: Audience) -> None:
    query = "{ articles(first: 5) { nodes { slug secured extra } } site { problems { path } } }"
    answer = ai2020.data(query, audience=audience)
    assert {(one["secured"], one["extra"]) for one in answer["articles"]["nodes"]} == {(None, None)}
    assert answer["site"]["problems"] == []
    shown = ai2020.data(query, audience=Audience.EDITOR)
    assert all(one["secured"] and one["extra"] == {} for one in shown["articles"]["nodes"])
    assert shown["site"]["problems"]
