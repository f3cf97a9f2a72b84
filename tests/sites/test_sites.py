"""Ordinary sites, served without any option, say what an independent reading of their files says."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from graphql import assert_object_type, build_schema

from gqlnews.query.entities import Audience
from tests.product import Product
from tests.server.support import run_cli, serving

from .conftest import every_folder, site_folder
from .reading import Article, Site, read_site
from .tables import FIXTURES, PRESETS, REAL
from .topics import topic_slug

EXPORTED = build_schema(Path(__file__).parents[2].joinpath("schema.graphql").read_text(encoding="utf-8"))
LATER = {
    "authors": "authors { slug name }",
    "section": "section { path }",
    "translations": "translations { slug }",
}
"""What is compared as soon as the exported schema has it."""
ARTICLE = assert_object_type(EXPORTED.type_map["Article"])
THERE = [name for name in LATER if name in ARTICLE.fields]
ARTICLES = """query ($after: String) { articles(first: 100, after: $after) {
  nodes {
    slug title publishedDateTime webUrl url originalUrl topics { slug name } image { url } excerpt published
    providerName provider { domain } LATER
  }
  pageInfo { hasNextPage endCursor }
} }""".replace("LATER", " ".join(LATER[name] for name in THERE))
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
    ingested = run_cli(home, "ingest", folder, "--db", home / "store.db")
    assert "Traceback" not in ingested.stderr
    checked = run_cli(home, "check", "--format", "json", folder)
    problems = {(problem["path"], problem["code"]) for problem in json.loads(checked.stdout)}
    with Product(home / "store.db") as product:
        yield Served(name, folder, given, read_site(folder), every_node(product), problems, product)


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
    """They are stored; the API does not show them yet."""
    mapped = {article.slug: article for article in served.expected.articles.values() if not article.is_native}
    with closing(sqlite3.connect(served.product.database)) as db:
        stored = dict(db.execute("SELECT slug, language FROM article"))
    assert {slug: stored[slug] for slug in mapped} == {slug: one.language for slug, one in mapped.items()}


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(name not in THERE, reason=f"the schema has no Article.{name} yet")


@needs("authors")
def test_authors(served: Served) -> None:
    """Where a byline may or may not be several names, they are left open."""
    names = served.expected.author_names()
    expected = {
        article.slug: [(slug, names[slug]) for slug in dict.fromkeys(map(topic_slug, article.byline))]
        for article in served.expected.articles.values()
        if article.byline is not None
    }
    found = served.serve(lambda node: [(author["slug"], author["name"]) for author in node["authors"]])
    assert {slug: found[slug] for slug in expected} == expected


@needs("section")
def test_sections(served: Served) -> None:
    assert served.serve(lambda node: (node["section"] or {}).get("path")) == served.expect(
        lambda article: article.section
    )


@needs("translations")
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
    checked = run_cli(tmp_path, "check", "--verbose", folder)
    pages = read_site(folder).pages
    assert pages
    assert [page for page in sorted(pages) if page not in checked.stdout + checked.stderr] == []


@pytest.mark.parametrize(("site", "given"), [*((site, ".") for site in PRESETS), ("redox", "content")])
def test_the_start_says_what_was_found(copies: Path, tmp_path: Path, site: str, given: str) -> None:
    """`preset hugo (config.yml): 2,083 articles, 1 page passed over`."""
    folder = site_folder(copies, site) / given
    found = read_site(folder)
    with serving(tmp_path, folder) as (_, run):
        output = "\n".join(run.output_so_far())
    by = f" ({found.found_by})" if found.found_by else ""
    assert f"preset {found.preset}{by}: " in output
    if site not in NATIVE:
        assert f"preset {found.preset}{by}: {len(found.articles):,} articles" in output
