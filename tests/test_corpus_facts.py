"""The figures of the real articles, counted with plain Python over the files and again through the API."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gqlnews.query.entities import Audience
from tests.product import Product, run_ingest

ARTICLES = """
query ($after: String) {
  articles(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes {
      slug published url webUrl originalUrl ampWebUrl cdnAmpWebUrl body relatedCount
      provider { domain }
      related { url provider { domain } article { slug published } }
    }
  }
}
"""


def walk(product: Product) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = product.data(ARTICLES, {"after": after}, Audience.OPEN)["articles"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


@pytest.fixture(scope="module")
def articles(ai2020: Product) -> list[dict[str, Any]]:
    return list(walk(ai2020))


@pytest.fixture(scope="module")
def related(articles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for article in articles for entry in article["related"]]


def test_articles_and_how_many_are_published(articles: list[dict[str, Any]], ai2020: Product) -> None:
    assert len(articles) == len({article["slug"] for article in articles}) == 8_682
    assert Counter(article["published"] for article in articles) == {True: 1_841, False: 6_841}
    count = "{ articles { totalCount } site { articleCount topicCount } }"
    everything = ai2020.data(count, audience=Audience.EDITOR)
    assert everything == {
        "articles": {"totalCount": 8_682},
        "site": {"articleCount": 8_682, "topicCount": 15},
    }
    public = ai2020.data(count)
    assert (public["articles"]["totalCount"], public["site"]["articleCount"]) == (1_841, 1_841)


def test_the_page_that_is_no_article_is_passed_over(articles: list[dict[str, Any]]) -> None:
    assert not any("index" in article["slug"].split("/") for article in articles)


def test_providers_and_their_names(articles: list[dict[str, Any]], ai2020: Product) -> None:
    own = {article["provider"]["domain"] for article in articles}
    listed = {
        entry["provider"]["domain"]
        for article in articles
        for entry in article["related"]
        if entry["provider"]
    }
    assert (len(own), len(listed - own)) == (1_353, 1)
    names = providers(ai2020)
    assert set(names) == own | listed
    assert sum(len(each) > 1 for each in names.values()) == 30


def providers(product: Product) -> dict[str, list[str]]:
    query = "query ($after: String) { providers(first: 100, after: $after) { edges { cursor node { %s } } } }"
    query %= "domain names"
    names: dict[str, list[str]] = {}
    after = None
    while edges := product.data(query, {"after": after}, Audience.OPEN)["providers"]["edges"]:
        names.update((edge["node"]["domain"], edge["node"]["names"]) for edge in edges)
        after = edges[-1]["cursor"]
    return names


def test_entries_of_related_coverage(articles: list[dict[str, Any]], related: list[dict[str, Any]]) -> None:
    assert len(related) == sum(article["relatedCount"] for article in articles) == 67_117
    assert max(article["relatedCount"] for article in articles) == 132


def test_links_and_what_is_behind_them(related: list[dict[str, Any]]) -> None:
    assert len({entry["url"] for entry in related}) == 5_524
    assert len({entry["url"] for entry in related if entry["article"]}) == 5_432
    assert sum(entry["article"] is not None for entry in related) == 66_533


def test_links_from_published_articles_lead_to_unpublished_ones(articles: list[dict[str, Any]]) -> None:
    links = [
        entry["article"]["published"]
        for article in articles
        if article["published"]
        for entry in article["related"]
        if entry["article"]
    ]
    assert (len(links), links.count(False)) == (3_728, 3_370)


def test_articles_that_list_themselves_or_a_page_twice(articles: list[dict[str, Any]]) -> None:
    own = 0
    twice = 0
    for article in articles:
        urls = [entry["url"] for entry in article["related"]]
        mine = {article[name] for name in ("webUrl", "originalUrl", "ampWebUrl", "cdnAmpWebUrl")} - {None}
        own += sum(url in mine for url in urls)
        twice += len(set(urls)) < len(urls)
    assert (own, twice) == (138, 615)


def test_pages_that_have_several_files(articles: list[dict[str, Any]]) -> None:
    published = defaultdict(set)
    files: Counter[str] = Counter()
    for article in articles:
        files[article["url"]] += 1
        published[article["url"]].add(article["published"])
    shared = [url for url, count in files.items() if count > 1]
    assert (len(shared), sum(len(published[url]) > 1 for url in shared)) == (170, 32)


def test_every_body_is_empty(articles: list[dict[str, Any]]) -> None:
    assert {article["body"] for article in articles} == {None}


def test_an_editor_sees_what_is_wrong_in_the_files(ai2020: Product) -> None:
    query = "{ site { problems(first: 100000) { code severity } } }"
    problems = ai2020.data(query, audience=Audience.EDITOR)["site"]["problems"]
    assert {problem["severity"] for problem in problems} == {"WARNING"}
    counts = Counter(problem["code"] for problem in problems)
    assert counts["self-related"] == 138
    assert counts["escaped-url"] == 1_207  # 1,104 with `&amp;`, 103 with `&#038;`
    assert counts["html-entity"] == 149
    assert counts["published-disagrees"] >= 32
    assert ai2020.data(query)["site"]["problems"] == []


@pytest.mark.parametrize("name", ["portals", "single"])
def test_the_other_folders_are_served(name: str, corpus: Path, tmp_path: Path) -> None:
    expected = {"portals": 192, "single": 1}[name]
    folder = corpus / name
    report = run_ingest(folder, tmp_path / "store.db")
    assert report.articles == expected
    with Product(tmp_path / "store.db") as product:
        query = "{ articles(first: 1) { totalCount nodes { title related { title article { slug } } } } }"
        answer = product.data(query, audience=Audience.EDITOR)["articles"]
        problems = product.data("{ site { problems { severity } } }", audience=Audience.EDITOR)["site"][
            "problems"
        ]
    assert answer["totalCount"] == expected
    assert answer["nodes"][0]["title"]
    assert not any(problem["severity"] == "ERROR" for problem in problems)


def test_stories_and_the_largest(ai2020: Product) -> None:
    query = """
    query ($after: String) {
      stories(first: 100, after: $after, orderBy: SIZE) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { id size articles(first: 100) { totalCount nodes { slug story { id } } } }
      }
    }
    """
    stories: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        page = ai2020.data(query, {"after": after}, Audience.OPEN)["stories"]
        stories += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert page["totalCount"] == len(stories) == 844
    assert [story["size"] for story in stories] == sorted((one["size"] for one in stories), reverse=True)
    assert stories[0]["size"] == 70
    for story in stories:
        members = story["articles"]["nodes"]
        assert story["size"] == story["articles"]["totalCount"] == len(members) > 1
        assert {member["story"]["id"] for member in members} == {story["id"]}


def test_where_summaries_say_another_than_their_articles(ai2020: Product) -> None:
    drifted = Counter(
        one["field"]
        for article in pages_of(ai2020, "related { drift { field } }")
        for entry in article["related"]
        for one in entry["drift"]
    )
    assert drifted == {"title": 1_353, "excerpt": 3_219, "quality": 2_467, "publishedDateTime": 2_465}


def test_backlinks_are_the_links_reversed(ai2020: Product) -> None:
    """No article has more than 200 backlinks, so the newest 100 and the oldest 100 are all of them."""
    links, backlinks = set(), set()
    selection = """
      slug
      related { article { slug } }
      newest: referencedBy(first: 100) { totalCount nodes { slug } }
      oldest: referencedBy(last: 100) { nodes { slug } }
    """
    for article in pages_of(ai2020, selection):
        links |= {(article["slug"], one["article"]["slug"]) for one in article["related"] if one["article"]}
        sources = {one["slug"] for end in ("newest", "oldest") for one in article[end]["nodes"]}
        assert article["newest"]["totalCount"] == len(sources)
        backlinks |= {(source, article["slug"]) for source in sources}
    assert backlinks == links


def pages_of(product: Product, selection: str) -> Iterator[dict[str, Any]]:
    query = (
        "query ($after: String) { articles(first: 100, after: $after)"
        f" {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {selection} }} }} }}"
    )
    after, more = None, True
    while more:
        page = product.data(query, {"after": after}, Audience.OPEN)["articles"]
        yield from page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
