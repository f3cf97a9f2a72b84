"""`gqlnews init` on six real sites: what it writes is accepted, and its fields have the values of the files.

Expected values are read from the files in plain Python, by the reader of sites in `tests/sites`. The
responses from PostgreSQL have the same bytes.
"""

import json
import re
import shutil
import sqlite3
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from gqlnews.cli.app import run
from tests.both_stores import ComparedProduct
from tests.postgresql import Cluster
from tests.product import Product
from tests.sites.front_matter import split_header
from tests.sites.reading import read_site

Node = dict[str, Any]

SITES = {  # the keys of the date and of labels
    "letsencrypt": ("date", "author"),
    "nodejs": ("date", "category"),
    "nuxt": ("date", "category"),
    "redox": ("date", "author"),
    "ruby": ("date", "tags"),
    "safedep": ("publishDate", "tags"),
}
SUGGESTED = {
    "letsencrypt": {"display_support_us_footer", "display_inline_newsletter_embed"},
    "nodejs": {"layout"},
    "nuxt": set[str](),
    "redox": set[str](),
    "ruby": {"layout", "translator"},
    "safedep": set[str](),
}
MORE_FIELDS = """
[fields.headline]
key = "title"
filter = true
order = true
[fields.moment]
type = "DateTime"
key = "{date}"
filter = true
order = true
[fields.day]
type = "Date"
key = "{date}"
facet = true
[fields.labels]
type = ["String"]
key = "{labels}"
filter = true
facet = true
"""


@dataclass
class ServedSite:
    """A site with all suggested fields and more, and the articles that the files have, by headline."""

    product: Product
    nodes: list[Node]
    suggested: dict[str, dict[str, Any]]
    fields: tuple[str, ...]

    def slugs(self, arguments: str) -> list[str]:
        """Return the slugs of a list of articles, in its order."""
        query = f"{{ articles(first: 100, {arguments}) {{ totalCount nodes {{ slug }} }} }}"
        found = self.product.data(query)["articles"]
        slugs = [node["slug"] for node in found["nodes"]]
        assert found["totalCount"] == len(slugs)
        return slugs

    def filtered(self, where: str) -> list[str]:
        return self.slugs(f"where: {{{where}}}, orderBy: [{{field: HEADLINE, direction: ASC}}]")

    def matching(self, test: Callable[[Node], bool]) -> list[str]:
        return [node["slug"] for node in self.nodes if test(node)]


# Files.


def uncomment(text: str) -> str:
    return re.sub("^# ", "", text, flags=re.MULTILINE)


def expected_nodes(folder: Path, fields: dict[str, dict[str, Any]]) -> list[Node]:
    """Return the published articles with the values of the fields, by headline."""
    nodes = []
    for path, article in read_site(folder).articles.items():
        if article.published:
            keys = split_header((folder / path).read_bytes(), pelican=False).keys
            values = {name: value_of(keys, name, field) for name, field in fields.items()}
            values["moment"] = article.published_at
            nodes.append({"slug": article.slug, **values})
    return sorted(nodes, key=lambda node: (node["headline"], node["slug"]))


def value_of(keys: dict[str, Any], name: str, field: dict[str, Any]) -> Any:
    value: Any = keys
    for step in field.get("key", name).split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if value is None or value in ("", []):
        return None
    match field.get("type", "String"):
        case ["String"]:
            return [unescape(item) for item in (value if isinstance(value, list) else [value])]
        case "String":
            return unescape(value)
        case "Boolean":
            return {"true": True, "false": False}[value]
        case "Date" | "DateTime":
            return value[:10]
        case kind:
            assert kind == "JSON"
            return value


# Serving.


def served_articles(database: Path) -> list[tuple[Any, ...]]:
    """Return what must not depend on whether the site's own configuration is written down."""
    read = (
        "SELECT slug, title, url, published_date_time, excerpt, html, published, provider_domain FROM article"
    )
    with closing(sqlite3.connect(database)) as db:
        return db.execute(f"{read} ORDER BY slug").fetchall()


def ingest(folder: Path, database: Path) -> list[str]:
    """Ingest, and return the problems of the configuration and of the fields."""
    assert run(["ingest", str(folder), "--db", str(database), "--ingest-workers", "1"]) == 0
    with closing(sqlite3.connect(database)) as db:
        read = "SELECT message FROM problem WHERE code IN ('bad-config', 'bad-field', 'repaired-type')"
        return [message for (message,) in db.execute(read)]


@pytest.fixture(scope="module", params=SITES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(corpus: Path, name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the site, with the file that `gqlnews init` writes."""
    original = corpus / "sites" / name
    if not original.is_dir():
        pytest.skip(f"there is no folder {original}")
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("sites") / name))
    assert run(["init", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def site(
    folder: Path, name: str, tmp_path_factory: pytest.TempPathFactory, postgresql: Cluster
) -> Iterator[ServedSite]:
    copy = Path(shutil.copytree(folder, tmp_path_factory.mktemp("served") / name))
    file = copy / "gqlnews.toml"
    suggested = tomllib.loads(uncomment(file.read_text())).get("fields", {})
    date, labels = SITES[name]
    file.write_text(uncomment(file.read_text()) + MORE_FIELDS.format(date=date, labels=labels))
    database = copy.parent / "news.db"
    assert ingest(copy, database) == []
    fields = tomllib.loads(file.read_text())["fields"]
    with ComparedProduct(database, postgresql.copy_of(database)) as product:
        yield ServedSite(product, expected_nodes(copy, fields), suggested, tuple(fields))


def test_the_file_is_accepted_and_changes_no_article(folder: Path, name: str, tmp_path: Path) -> None:
    written = folder / "gqlnews.toml"
    assert ingest(folder, tmp_path / "with.db") == []
    without = Path(shutil.copytree(folder, tmp_path / name, ignore=lambda *_: ["gqlnews.toml"]))
    ingest(without, tmp_path / "without.db")
    assert served_articles(tmp_path / "with.db") == served_articles(tmp_path / "without.db")
    assert written.exists()


def test_every_suggested_field_is_accepted(folder: Path, name: str, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / name))
    file = copy / "gqlnews.toml"
    file.write_text(uncomment(file.read_text()))
    assert ingest(copy, tmp_path / "news.db") == []
    assert tomllib.loads(file.read_text()).get("fields", {}).keys() == SUGGESTED[name]


# Ten queries.


def test_1_every_value(site: ServedSite) -> None:
    query = (
        "{{ articles(first: 100, orderBy: [{{field: HEADLINE, direction: ASC}}]) {{ nodes {{ slug {} }} }} }}"
    )
    nodes = site.product.data(query.format(" ".join(site.fields)))["articles"]["nodes"]
    assert nodes == site.nodes


def test_2_a_suggested_field_equals_a_value(site: ServedSite) -> None:
    for field, declared in site.suggested.items():
        if declared.get("filter"):
            values = Counter(node[field] for node in site.nodes if node[field] is not None)
            common = values.most_common(1)[0][0]
            text = json.dumps(common, ensure_ascii=False)
            where = f"{field}: {text}" if isinstance(common, bool) else f"{field}: {{eq: {text}}}"
            assert site.filtered(where) == site.matching(lambda node: node[field] == common)  # noqa: B023


def test_3_a_headline_contains_a_word(site: ServedSite) -> None:
    word = site.nodes[0]["headline"].split()[0]
    found = site.filtered(f"headline: {{contains: {json.dumps(word.upper(), ensure_ascii=False)}}}")
    assert found == site.matching(lambda node: word.casefold() in node["headline"].casefold())


def test_4_a_headline_is_none_of_several(site: ServedSite) -> None:
    headlines = [node["headline"] for node in site.nodes[::3]]
    found = site.filtered(f"headline: {{notIn: {json.dumps(headlines, ensure_ascii=False)}}}")
    assert found == site.matching(lambda node: node["headline"] not in headlines)


def test_5_a_moment_is_in_a_range(site: ServedSite) -> None:
    moments = sorted(node["moment"] for node in site.nodes)
    low, high = moments[len(moments) // 4], moments[-len(moments) // 4]
    found = site.filtered(f'moment: {{gte: "{low}", lt: "{high}"}}')
    assert found == site.matching(lambda node: low <= node["moment"] < high)


def test_6_the_order_of_moments(site: ServedSite) -> None:
    by_slug = sorted(site.nodes, key=lambda node: str(node["slug"]))
    newest = sorted(by_slug, key=lambda node: str(node["moment"]), reverse=True)
    assert site.slugs("orderBy: [{field: MOMENT}]") == [node["slug"] for node in newest]


def common_label(site: ServedSite) -> str:
    labels = Counter(str(label) for node in site.nodes for label in node["labels"] or ())
    return labels.most_common(1)[0][0]


def test_7_labels_of_a_list(site: ServedSite) -> None:
    label = common_label(site)
    text = json.dumps(label, ensure_ascii=False)
    has = site.matching(lambda node: label in (node["labels"] or ()))
    assert site.filtered(f"labels: {{any: [{text}]}}") == has
    assert site.filtered(f"labels: {{none: [{text}]}}") == site.matching(lambda node: node["slug"] not in has)


def test_8_facets(site: ServedSite) -> None:
    facets = ["labels", "day", *(name for name, field in site.suggested.items() if field.get("facet"))]
    query = "{{ articles {{ facets {{ {} }} }} }}"
    selection = " ".join(f"{name} {{ value count }}" for name in facets)
    found = site.product.data(query.format(selection))["articles"]["facets"]
    for name in facets:
        assert found[name] == counts([node[name] for node in site.nodes])


def counts(values: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the counts of the values, highest first."""
    items = [
        item for value in values for item in dict.fromkeys(value if isinstance(value, list) else [value])
    ]
    texts = [item if isinstance(item, str) else json.dumps(item) for item in items if item is not None]
    pairs = sorted(Counter(texts).items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"value": value, "count": count} for value, count in pairs]


def test_9_a_combination(site: ServedSite) -> None:
    label, start = common_label(site), site.nodes[-1]["headline"][:3]
    moment = sorted(node["moment"] for node in site.nodes)[len(site.nodes) // 2]
    text = json.dumps(label, ensure_ascii=False)
    found = site.filtered(
        f"or: [{{headline: {{startsWith: {json.dumps(start, ensure_ascii=False)}}}}}, "
        f'{{and: [{{not: {{labels: {{any: [{text}]}}}}}}, {{moment: {{lt: "{moment}"}}}}]}}]'
    )
    assert found == site.matching(
        lambda node: (
            node["headline"].startswith(start)
            or (label not in (node["labels"] or ()) and node["moment"] < moment)
        )
    )


def test_10_pages(site: ServedSite) -> None:
    query = (
        "query ($after: String) {"
        " articles(first: 7, after: $after, orderBy: [{field: HEADLINE, direction: ASC}])"
        " { nodes { slug } pageInfo { hasNextPage endCursor } } }"
    )
    slugs: list[str] = []
    after, more = None, True
    while more:
        page = site.product.data(query, {"after": after})["articles"]
        slugs += [node["slug"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert slugs == [node["slug"] for node in site.nodes]
