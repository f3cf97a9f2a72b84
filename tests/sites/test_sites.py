"""Ordinary sites, served without any option, say what an independent reading of their files says."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gqlnews.query.entities import Audience
from tests.product import Product
from tests.server.support import run_here, serving

from .author_tables import AuthorRow
from .conftest import every_folder, site_folder
from .reading import Article, Site, read_site
from .tables import FIXTURES, REAL

ARTICLES = """query ($after: String) { articles(first: 100, after: $after) {
  nodes {
    slug title publishedDateTime webUrl url originalUrl topics { slug name } image { url } excerpt published
    providerName provider { domain } language modifiedDateTime section { path }
    authors { slug name url image { url } bio } translations { slug }
  }
  pageInfo { hasNextPage endCursor }
} }"""
ERRORS = (
    "unreadable not-utf-8 no-front-matter broken-yaml broken-toml broken-json duplicate-key alias "
    "missing-key wrong-type bad-date too-large duplicate-slug bad-config"
)
FORESEEN = ("ambiguous-date", "repeated-key", "html-entity", "unsafe-url")
"""Warnings that the reading foresees; others are not compared."""
NATIVE = frozenset({"hugo_json", "generic"})
"""Sites with articles in our own words: whether the start counts these is not compared."""

Node = dict[str, Any]


@dataclass
class Served:
    """A folder: what the reading expects, and what gqlnews serves to an editor."""

    name: str
    folder: Path
    given: str
    expected: Site
    nodes: dict[str, Node]
    output: str
    """What the ingest printed."""
    problems: set[tuple[str, str]]
    product: Product

    def expect(self, value: Callable[[Article], Any]) -> dict[str, Any]:
        return {article.slug: value(article) for article in self.expected.articles.values()}

    def serve(self, value: Callable[[Node], Any]) -> dict[str, Any]:
        return {slug: value(node) for slug, node in self.nodes.items()}


@pytest.fixture(scope="module", params=every_folder(), ids="/".join)
def served(
    request: pytest.FixtureRequest, copies: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Ingest and check the folder with the commands that users run."""
    name, given = request.param
    folder = site_folder(copies, name) / given
    home = tmp_path_factory.mktemp("home")
    ingested = run_here(home, "ingest", folder, "--db", home / "store.db")
    assert "Traceback" not in ingested.stderr
    checked = run_here(home, "check", "--format", "json", folder)
    problems = {(problem["path"], problem["code"]) for problem in json.loads(checked.stdout)}
    with Product(home / "store.db") as product:
        yield Served(
            name, folder, given, read_site(folder), every_node(product), ingested.stdout, problems, product
        )


def every_node(product: Product, audience: Audience = Audience.EDITOR) -> dict[str, Node]:
    """Return all articles by slug."""
    nodes: dict[str, Node] = {}
    after = None
    while True:
        page = product.data(ARTICLES, {"after": after}, audience)["articles"]
        nodes |= {node["slug"]: node for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


def test_every_article_file_is_served(served: Served) -> None:
    assert sorted(served.nodes) == sorted(served.expect(lambda article: article.slug))


def test_errors(served: Served) -> None:
    """Also: pages, files outside the content roots and READMEs have no problem."""
    found = {(path, code) for path, code in served.problems if code in ERRORS.split()}
    assert found == {(path, code) for path, code in served.expected.problems if code in ERRORS.split()}


def test_foreseen_warnings(served: Served) -> None:
    found = {(path, code) for path, code in served.problems if code in FORESEEN}
    assert found == {(path, code) for path, code in served.expected.problems if code in FORESEEN}


def test_titles(served: Served) -> None:
    """Which letters of a title made of the file name are capitals is left open."""
    named = {article.slug for article in served.expected.articles.values() if article.title_source == "name"}
    titles = served.serve(lambda node: node["title"].lower() if node["slug"] in named else node["title"])
    assert titles == served.expect(lambda article: article.title)


def test_instants(served: Served) -> None:
    assert served.serve(lambda node: node["publishedDateTime"]) == served.expect(
        lambda article: article.published_at
    )


def test_addresses(served: Served) -> None:
    assert served.serve(lambda node: node["webUrl"]) == served.expect(lambda article: article.web_url)


def test_addresses_worked_out_by_hand(served: Served) -> None:
    """Of the files in the folder that is given."""
    table = {**REAL, **FIXTURES}[served.name]
    prefix = "" if served.given == "." else f"{served.given}/"
    slugs = {prefix + path: article.slug for path, article in served.expected.articles.items()}
    inside = {path: address for path, (address, _) in table.items() if path in slugs}
    assert inside
    assert {path: served.nodes.get(slugs[path], {}).get("webUrl") for path in inside} == inside


def test_links_elsewhere(served: Served) -> None:
    assert served.serve(lambda node: node["originalUrl"]) == served.expect(
        lambda article: article.original_url
    )


def test_url_is_the_own_page(served: Served) -> None:
    assert served.serve(lambda node: node["url"]) == served.expect(
        lambda article: article.web_url or article.original_url
    )


def test_an_article_is_found_by_its_root_relative_path(served: Served) -> None:
    """An absolute address of a file in our own words, or without a known host, has no such path."""
    host = served.expected.host
    articles = [
        article
        for article in served.expected.articles.values()
        if article.web_url and not article.is_native and urlsplit(str(article.web_url)).netloc in ("", host)
    ]
    paths = {article.slug: urlsplit(str(article.web_url)).path for article in articles}
    query = "query($url: URL!) { articleByUrl(url: $url) { slug } }"
    found = {
        slug: (served.product.data(query, {"url": path}, Audience.EDITOR)["articleByUrl"] or {}).get("slug")
        for slug, path in paths.items()
    }
    assert found == {slug: slug for slug in paths}


def test_topics(served: Served) -> None:
    """A topic has one name, whichever article it is asked of."""
    names = served.expected.topic_names()
    assert served.serve(
        lambda node: [(topic["slug"], topic["name"]) for topic in node["topics"]]
    ) == served.expect(lambda article: [(slug, names[slug]) for slug, _ in article.topics])


def test_first_images(served: Served) -> None:
    assert served.serve(lambda node: (node["image"] or {}).get("url")) == served.expect(
        lambda article: article.image
    )


def test_excerpts(served: Served) -> None:
    """From a key, from the text before the mark, or from the first paragraph."""
    source = served.expect(lambda article: article.excerpt_source)
    assert served.serve(lambda node: (source.get(node["slug"]), node["excerpt"])) == served.expect(
        lambda article: (article.excerpt_source, article.excerpt)
    )


def test_published(served: Served) -> None:
    """To the public, only these exist."""
    expected = served.expect(lambda article: article.published)
    assert served.serve(lambda node: node["published"]) == expected
    public = every_node(served.product, Audience.PUBLIC)
    assert sorted(public) == sorted(slug for slug, published in expected.items() if published)


def test_provider(served: Served) -> None:
    """The site itself, or whom a link post links to."""
    found = served.serve(lambda node: node["provider"] and (node["provider"]["domain"], node["providerName"]))
    assert found == served.expect(lambda article: article.provider)


def test_languages(served: Served) -> None:
    assert served.serve(lambda node: node["language"]) == served.expect(lambda article: article.language)


def test_last_changes(served: Served) -> None:
    assert served.serve(lambda node: node["modifiedDateTime"]) == served.expect(
        lambda article: article.modified_at
    )


def test_sections(served: Served) -> None:
    assert served.serve(lambda node: node["section"] and node["section"]["path"]) == served.expect(
        lambda article: article.section
    )


@pytest.mark.parametrize("audience", [Audience.EDITOR, Audience.PUBLIC], ids=["editor", "public"])
def test_authors(served: Served, audience: Audience) -> None:
    """An author is the same whichever article is asked, as the articles in sight say."""
    is_public = audience is Audience.PUBLIC
    authors = served.expected.authors(public=is_public)
    expected = {
        article.slug: [authors[author.slug].row for author in article.authors]
        for article in served.expected.articles.values()
        if article.published or not is_public
    }
    nodes = served.nodes if not is_public else every_node(served.product, audience)
    assert {slug: [row_of(author) for author in node["authors"]] for slug, node in nodes.items()} == expected


def row_of(author: Node) -> AuthorRow:
    image = author["image"] and author["image"]["url"]
    return author["slug"], author["name"], author["url"], image, author["bio"]


@pytest.mark.parametrize("audience", [Audience.EDITOR, Audience.PUBLIC], ids=["editor", "public"])
def test_counts_of_authors_and_sections(served: Served, audience: Audience) -> None:
    """A section is a folder of slugs with articles at any depth; its number counts those below it too."""
    is_public = audience is Audience.PUBLIC
    query = """{ authors(first: 100) { nodes { slug articleCount } totalCount }
                 sections { path articleCount } }"""
    data = served.product.data(query, audience=audience)
    articles = [one for one in served.expected.articles.values() if one.published or not is_public]
    authors = Counter(author.slug for article in articles for author in article.authors)
    assert {node["slug"]: node["articleCount"] for node in data["authors"]["nodes"]} == authors
    assert data["authors"]["totalCount"] == len(authors)
    assert {node["path"]: node["articleCount"] for node in data["sections"]} == served.expected.sections(
        public=is_public
    )


def test_translations(served: Served) -> None:
    assert served.serve(lambda node: [one["slug"] for one in node["translations"]]) == served.expect(
        served.expected.translations
    )


@pytest.mark.parametrize(
    "site", ["zola", "eleventy", "docusaurus", "pelican", "jekyll", "hugo_json", "generic"]
)
def test_pages_are_named(copies: Path, tmp_path: Path, site: str) -> None:
    """Files without any date are passed over; `check --verbose` names them."""
    folder = site_folder(copies, site)
    checked = run_here(tmp_path, "check", "--verbose", folder)
    pages = read_site(folder).pages
    assert pages
    assert [page for page in sorted(pages) if page not in checked.stdout + checked.stderr] == []


def summary_of(name: str, found: Site) -> str:
    """Return `preset hugo (config.yml): 2,083 articles`, or its beginning if articles are not compared."""
    by = f" ({found.found_by})" if found.found_by else ""
    articles = "" if name in NATIVE else f"{len(found.articles):,} articles"
    return f"preset {found.preset}{by}: {articles}"


def test_the_ingest_says_what_was_found(served: Served) -> None:
    if served.given == "." or served.name == "redox":
        assert summary_of(served.name, served.expected) in served.output


def test_the_start_says_what_was_found(copies: Path, tmp_path: Path) -> None:
    """The same as the ingest."""
    folder = site_folder(copies, "jekyll")
    with serving(tmp_path, folder) as (_, run):
        output = "\n".join(run.output_so_far())
    assert summary_of("jekyll", read_site(folder)) in output
