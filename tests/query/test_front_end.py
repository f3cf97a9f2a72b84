"""Query plans of a front end's queries (`benchmarks/queries/`): what each scans in full.

The store has no statistics, so SQLite plans the same for ten articles and for ten million. A query may
scan a covering index at most, and only those in WALKED need to, in the worst case: to count what
matches a filter, to sort without an index, or to find twenty matches.
"""

import re

import pytest

from benchmarks.front_end import query_names, query_text, variables_for
from gqlnews.query.entities import Audience
from gqlnews.schema.inputs import ARTICLE_FILTER_FIELDS
from tests.product import Product
from tests.query.test_statements import explain, table_of

NEWEST = "article_newest_public"
BY_PROVIDER = "article_provider_public"
BY_TOPIC = "article_topic_newest_public"
BY_AUTHOR = "article_author_newest_public"

WALKED: dict[str, set[str]] = {
    "archive": {BY_PROVIDER},
    "archive-month": set(),
    "article-by-url": set(),
    "article-page": {"search_public"},
    "author-page": set(),
    "authors-index": set(),
    "bylines": {NEWEST, BY_PROVIDER, BY_AUTHOR},
    "editors-choice": {NEWEST},
    "front-page": {NEWEST, BY_PROVIDER, BY_TOPIC},
    "front-page-by-story": {NEWEST, BY_PROVIDER},
    "next-and-previous": set(),
    "provider-page": set(),
    "providers-directory": set(),
    "search": {"search_public"},
    "search-as-you-type": {"search_public"},
    "search-narrowed": {"search_public"},
    "section-page": set(),
    "sitemap": {NEWEST, BY_PROVIDER},
    "stories": set(),
    "story-page": set(),
    "sync": set(),
    "topic-page": set(),
    "topic-page-best": set(),  # of that topic alone
    "topics-index": set(),
    "trending": set(),  # up to `asOf`, which SQLite calls a search
    "which-pages-show-an-article": set(),
}

LISTED: dict[str, set[str]] = {
    "authors-index": {"author"},
    "front-page-by-story": {"story_article"},
    "providers-directory": {"provider"},
    "section-page": {"section"},
    "topics-index": {"topic"},
    "trending": {"story_article"},
}
"""Tables whose rows for the audience a query reads in full: to list them, or to find those to leave out."""


TABLES = {
    "article",
    "related",
    "article_topic",
    "article_author",
    "article_section",
    "article_url",
    "article_change",
    "article_words",
    "search_word",
    "provider",
    "story",
    "story_article",
}


def statement_of(product: Product, name: str, audience: Audience = Audience.PUBLIC) -> str:
    variables = variables_for(product.database, audience)
    product.statements.clear()
    product.data(query_text(name), variables.get(name), audience)
    # A statement that exceeds the budget of the event loop is traced again on its reader.
    (statement,) = dict.fromkeys(
        one for one in product.statements if one.startswith(("WITH RECURSIVE", "SELECT (", "SELECT json"))
    )
    return statement


def test_every_query_has_an_expected_plan() -> None:
    assert sorted(WALKED) == query_names()
    assert LISTED.keys() <= WALKED.keys()


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.OPEN])
@pytest.mark.parametrize("name", query_names())
def test_tables_that_a_query_reads_in_full_for_an_audience(
    examples: Product, name: str, audience: Audience
) -> None:
    """SQLite expects ten rows for `(scope=?)`, whatever the size of the store."""
    statement = statement_of(examples, name, audience)
    lines = explain(examples, statement)
    aliases = [found[1] for line in lines if (found := re.fullmatch(r"SEARCH (\w+) .*\(scope=\?\)", line))]
    assert {table_of(statement, alias) for alias in aliases} == LISTED.get(name, set())


@pytest.mark.parametrize("name", query_names())
def test_indexes_that_a_query_scans(examples: Product, name: str) -> None:
    statement = statement_of(examples, name)
    walked = set()
    for line in explain(examples, statement):
        assert "BLOOM" not in line, line
        scan = re.fullmatch(r"SCAN (\w+)(?: USING (COVERING )?INDEX (\w+)| VIRTUAL TABLE .*)?", line)
        if scan is None:
            assert not re.match(r"SEARCH t\d+ USING AUTOMATIC", line), (
                f"indexes a table for one request: {line}"
            )
            continue
        source, covering, index = scan.groups()
        if index:
            assert covering, f"visits the table for each entry of the index: {line}"
            walked.add(index)
        elif source.startswith("search_"):
            walked.add(source)
        else:
            assert table_of(statement, source) not in TABLES, line
    assert walked == WALKED[name]


FILTERS = [
    *(
        f'{name}: {{ contains: "a" }}'
        for name in ("slug", "title", "category", "type", "provider", "language")
    ),
    *(f"{name}: {{ gt: 1 }}" for name in ("quality", "heat")),
    *(f'{name}: {{ gt: "2020-01-01" }}' for name in ("publishedDateTime", "modifiedDateTime", "updatedAt")),
    *(f"{name}: true" for name in ("published", "hasImage", "hasRelated")),
    *(f'{name}: {{ none: ["a"] }}' for name in ("topic", "author")),
    'section: { under: "a" }',
    'matches: "a"',
]


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.OPEN])
@pytest.mark.parametrize("where", FILTERS)
def test_a_filter_never_reads_the_table(examples: Product, where: str, audience: Audience) -> None:
    """One covering index holds all fields of filters and orders."""
    order = "orderBy: [{ field: HEAT }, { field: TITLE }]"
    query = f"{{ articles(where: {{ {where} }}, {order}) {{ totalCount nodes {{ slug }} }} }}"
    examples.statements.clear()
    examples.data(query, audience=audience)
    (statement,) = [one for one in examples.statements if one.startswith("WITH RECURSIVE")]
    reads = [line for line in explain(examples, statement) if re.match(r"(SCAN|SEARCH) t\d+ USING", line)]
    by_key = "USING INTEGER PRIMARY KEY (rowid=?)"  # the rows of the page
    assert [line for line in reads if "COVERING INDEX" not in line and by_key not in line] == []
    assert sum("COVERING INDEX" in line for line in reads) == 2  # for the count, and for the page


def test_every_filter_field_is_tested() -> None:
    assert {where.split(":")[0] for where in FILTERS} == set(ARTICLE_FILTER_FIELDS)


@pytest.mark.parametrize(
    ("where", "order", "alone"),
    [
        ('topic: { any: ["ai"] }', "", True),
        ('quality: { gte: 1 }, topic: { all: ["ai"] }, hasImage: true', "", True),
        ('topic: { any: ["ai"] }, heat: { gt: 0 }', ", orderBy: [{ field: QUALITY }]", True),
        ('and: [{ topic: { any: ["ai"] } }, { quality: { isNull: false } }]', "", True),
        ('topic: { any: ["ai", "art"] }', "", False),
        ('not: { topic: { any: ["ai"] } }', "", False),
        ('or: [{ topic: { any: ["ai"] } }, { quality: { gte: 1 } }]', "", False),
        ('topic: { any: ["ai"] }, title: { contains: "a" }', "", False),
        ('topic: { any: ["ai"] }', ", orderBy: [{ field: TITLE }]", False),
    ],
)
def test_only_articles_of_the_topic_are_scanned(
    examples: Product, where: str, order: str, alone: bool
) -> None:
    examples.statements.clear()
    examples.data(f"{{ articles(where: {{ {where} }}{order}) {{ nodes {{ slug }} }} }}")
    (statement,) = [one for one in examples.statements if one.startswith("WITH RECURSIVE")]
    plan = "\n".join(explain(examples, statement))
    assert (f"USING COVERING INDEX {BY_TOPIC} (topic=?" in plan) is alone, plan
    assert (f"COVERING INDEX {NEWEST}" in plan) is not alone, plan
