"""Six real sites: every article is served as its generator serves it, whichever folder is given.

The expected values are read from the files with regular expressions only, or were looked up by hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gqlnews.database.sqlite.writer import open_writer
from gqlnews.ingest.site_summary import summarize_folder
from tests.product import Product, run_ingest

FIELDS = "slug title webUrl publishedDateTime excerpt provider { name domain } topics { name } images { url }"
KEY = re.compile(r"^(title|date|publishDate) *[:=] *['\"]?(.*?)['\"]?$", re.MULTILINE)


class Expected(NamedTuple):
    """What is known about a site; `example` is one of its articles, as its own server shows it."""

    line: str
    content: str
    articles: int
    example: dict[str, Any]


SITES = {
    "letsencrypt": Expected(
        "preset hugo (config/_default/hugo.toml): 29 articles, 1 page passed over",
        "content/en/post",
        29,
        {
            "slug": "en/post/2025-01-30-Scaling-Rate-Limits",
            "title": "Scaling Our Rate Limits to Prepare for a Billion Active Certificates",
            "webUrl": "https://letsencrypt.org/2025/01/30/scaling-rate-limits.html",
            "publishedDateTime": "2025-01-30T00:00:00Z",
            "excerpt": (
                "We've evolved our rate limits to better serve our subscribers and keep our service healthy."
            ),
            "provider": {"name": "Let's Encrypt", "domain": "letsencrypt.org"},
            "topics": [],
            "images": [{"url": "https://letsencrypt.org/images/blog/blog-2025-01-30--image1.png"}],
        },
    ),
    "ruby": Expected(
        "preset jekyll (_config.yml): 60 articles",
        "fr",
        60,
        {
            "slug": "fr/news/2021-11-15-date-parsing-method-regexp-dos-cve-2021-41817",
            "title": (
                "CVE-2021-41817: Vulnérabilité de déni de service d'expression régulière (ReDoS) sur les"
                " méthodes d'analyse de date"
            ),
            "webUrl": (
                "https://www.ruby-lang.org/fr/news/2021/11/15/date-parsing-method-regexp-dos-cve-2021-41817/"
            ),
            "publishedDateTime": "2021-11-15T08:00:00Z",
            "provider": {"name": "www.ruby-lang.org", "domain": "www.ruby-lang.org"},
            "topics": [{"name": "security"}],
            "images": [],
        },
    ),
    "redox": Expected(
        "preset hugo (config.toml): 60 articles",
        "content",
        60,
        {
            "slug": "news/this-week-in-redox-29",
            "title": "This Week in Redox 29",
            "webUrl": "https://www.redox-os.org/news/this-week-in-redox-29/",
            "publishedDateTime": "2017-09-25T21:55:55Z",
            "provider": {"name": "Redox - Your Next(Gen) OS", "domain": "www.redox-os.org"},
            "topics": [],
            "images": [],
        },
    ),
    "nodejs": Expected(
        "preset next (apps/site/next.config.mjs): 60 articles",
        "apps/site/pages/en/blog",
        60,
        {
            "slug": "pages/en/blog/weekly/weekly-update.2015-07-31",
            "title": "Weekly Update - Jul 31st, 2015",
            "webUrl": "/en/blog/weekly/weekly-update.2015-07-31",
            "publishedDateTime": "2015-07-31T12:00:00.000Z",
            "excerpt": "io.js v2.5.0 and our call for an LTS build V8 maintainer.",
            "provider": None,
            "topics": [{"name": "weekly"}],
        },
    ),
    "nuxt": Expected(
        "preset nuxt (nuxt.config.ts): 50 articles",
        "content/blog",
        50,
        {
            "slug": "blog/v3-8",
            "title": "Nuxt 3.8",
            "webUrl": "/blog/v3-8",
            "publishedDateTime": "2023-10-19T00:00:00Z",
            "excerpt": (
                "Nuxt 3.8 is out, bringing built-in DevTools, automatic Nuxt Image install, a new app"
                " manifest and much more."
            ),
            "provider": None,
            "topics": [{"name": "Release"}],
            "images": [{"url": "/assets/blog/v3.8.png"}],
        },
    ),
    "safedep": Expected(
        "preset astro (astro.config.ts): 21 articles",
        "src/content/post",
        21,
        {
            "slug": "content/post/why-oss-risks-larger-than-sca",
            "title": "Why Open Source Risks are Larger than SCA Tools",
            "webUrl": "https://safedep.io/why-oss-risks-larger-than-sca",
            "publishedDateTime": "2024-10-03T00:00:00Z",
            "provider": {"name": "SafeDep", "domain": "safedep.io"},
            "topics": [{"name": name} for name in ("problems", "sbom", "open-source-risks", "sca")],
            "images": [{"url": "https://safedep.io/images/bip-sca-vs-oss-risk.svg"}],
        },
    ),
}


@pytest.fixture(params=SITES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(corpus: Path, name: str) -> Path:
    folder = corpus / "sites" / name
    if not folder.is_dir():
        pytest.skip(f"there is no folder {folder}")
    return folder


@pytest.fixture
def product(folder: Path, tmp_path: Path) -> Iterator[Product]:
    run_ingest(folder, tmp_path / "store.db")
    with Product(tmp_path / "store.db") as product:
        yield product


def test_every_article_is_served_without_errors(folder: Path, name: str, tmp_path: Path) -> None:
    expected = SITES[name]
    assert run_ingest(folder, tmp_path / "store.db").articles == expected.articles
    db = open_writer(tmp_path / "store.db")
    assert summarize_folder(db, folder).lines() == [expected.line]
    assert db.execute("SELECT path, message FROM problem WHERE severity = 'ERROR'").fetchall() == []
    db.close()


def test_an_article_is_served_as_the_site_shows_it(name: str, product: Product) -> None:
    expected = SITES[name].example
    answer = product.ask(
        f"query ($slug: String!) {{ article(slug: $slug) {{ {FIELDS} }} }}", {"slug": expected["slug"]}
    )
    article = answer["data"]["article"]
    assert {key: article[key] for key in expected} == expected
    path = re.sub("^https?://[^/]+", "", expected["webUrl"])
    by_path = product.ask("query ($url: URL!) { articleByUrl(url: $url) { slug } }", {"url": path})
    assert by_path == {"data": {"articleByUrl": {"slug": expected["slug"]}}}


def test_titles_and_months_are_those_of_the_files(folder: Path, name: str, product: Product) -> None:
    nodes = product.ask("{ articles(first: 100) { nodes { title publishedDateTime } } }")["data"]["articles"][
        "nodes"
    ]
    written = []
    for file in folder.rglob("*.md*"):
        keys = dict(KEY.findall(file.read_text().split("\n---\n")[0].split("\n+++\n")[0]))
        if file.name != "_index.md":
            written.append((keys["title"].replace('\\"', '"'), (keys.get("date") or keys["publishDate"])[:7]))
    assert sorted((node["title"], node["publishedDateTime"][:7]) for node in nodes) == sorted(written)


def test_slugs_and_addresses_do_not_depend_on_the_given_folder(
    folder: Path, name: str, product: Product, tmp_path: Path
) -> None:
    query = "{ articles(first: 100) { nodes { slug webUrl publishedDateTime title } } }"
    whole = product.ask(query)["data"]["articles"]["nodes"]
    report = run_ingest(folder / SITES[name].content, tmp_path / "part.db")
    with Product(tmp_path / "part.db") as product_of_part:
        part = product_of_part.ask(query)["data"]["articles"]["nodes"]
    assert len(part) == report.articles > 0
    assert [node for node in whole if node in part] == part
