"""Orders, groups, facets, links, stories, trends and changes, worked out by hand."""

from typing import Any

import pytest

from .records import Image
from .small import NOW, article, ask, entry, slugs, world
from .world import encoded

ORDERED = [
    article("a", title="b", quality=1, heat=8, published="2020-01-01", modified="2020-01-05"),
    article("b", title="B", heat=4, published="2020-01-02", modified="2020-01-06"),
    article("c", title="bb", quality=1, heat=-3, published="2020-01-03", modified="2020-01-05"),
    article("d", title="é", quality=3, published="2020-01-04"),
]
ORDERS = [
    ("null", "d c b a"),
    ("[]", "d c b a"),
    ("{field: PUBLISHED_DATE_TIME, direction: ASC}", "a b c d"),
    ("{field: QUALITY}", "d a c b"),
    ("{field: QUALITY, direction: ASC}", "a c d b"),
    ("{field: QUALITY, direction: ASC, nulls: FIRST}", "b a c d"),
    ("[{field: QUALITY}, {field: HEAT, direction: ASC}]", "d c a b"),
    ("[{field: QUALITY}, {field: QUALITY, direction: ASC}]", "d a c b"),
    ("{field: TITLE, direction: ASC}", "b a c d"),
    ("{field: TITLE}", "d c a b"),
    ("{field: UPDATED_AT}", "a b c d"),
    ("{field: MODIFIED_DATE_TIME}", "b a c d"),
    ("{field: MODIFIED_DATE_TIME, direction: ASC}", "a c b d"),
    ("{field: MODIFIED_DATE_TIME, nulls: FIRST}", "d b a c"),
    ("{field: MODIFIED_DATE_TIME, direction: ASC, nulls: FIRST}", "d a c b"),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS)
def test_order_of_articles(order: str, expected: str) -> None:
    assert slugs(ORDERED, f"articles(orderBy: {order})") == expected


# With a half-life of one day, 8 on the 1st equals 4 on the 2nd, so the newer article is first.
TRENDS = [
    ("", "b a d c"),
    ('asOf: "2020-01-01T12:00:00Z"', "a"),
    ('halfLife: "P2D"', "a b d c"),
    ('halfLife: "PT1H"', "b a d c"),
    ("where: {heat: {gt: 4}}", "a"),
    ('halfLife: "P1M"', "BAD_DURATION"),
    ('asOf: "now"', "BAD_DATE"),
    ("first: 101", "BAD_PAGE"),
]


@pytest.mark.parametrize(("arguments", "expected"), TRENDS)
def test_heat_decays(arguments: str, expected: str) -> None:
    assert slugs(ORDERED, f"trending({arguments or 'first: null'})") == expected


STORIES = [
    article("hot", "old", heat=9, published="2020-01-02", provider="b.example"),
    article("old", "hot", "new", quality=9, heat=1, published="2020-01-01", provider="a.example"),
    article("new", "old", heat=1, published="2020-01-05", provider="a.example"),
    article("one", "two", published="2020-01-03"),
    article("two", "one", "alone", published="2020-01-06"),
    article("alone", "alone", "hidden", published="2020-01-07"),
    article("hidden", "alone", published="2020-01-08", is_published=False),
    article("twin", "old", published="2019-01-01", web_url="/hot"),
]


def test_stories_are_mutual_links_between_visible_articles() -> None:
    query = "{ stories { totalCount nodes { title size lastPublished articles { nodes { slug } } } } }"
    assert ask(STORIES, query)["stories"] == {
        "totalCount": 2,
        "nodes": [
            {
                "title": "two",
                "size": 2,
                "lastPublished": "2020-01-06T00:00:00Z",
                "articles": {"nodes": [{"slug": "one"}, {"slug": "two"}]},
            },
            {
                "title": "hot",
                "size": 3,
                "lastPublished": "2020-01-05T00:00:00Z",
                "articles": {"nodes": [{"slug": "old"}, {"slug": "hot"}, {"slug": "new"}]},
            },
        ],
    }


STORY_LISTS = [
    ("public", "orderBy: SIZE", "hot two"),
    ("public", "minSize: 3", "hot"),
    ("public", "minSize: -1", "two hot"),
    ("open", "first: 20", "hidden two hot"),
]


@pytest.mark.parametrize(("audience", "arguments", "expected"), STORY_LISTS)
def test_stories_are_listed_for_each_audience(audience: Any, arguments: str, expected: str) -> None:
    answer = ask(STORIES, f"{{ stories({arguments}) {{ nodes {{ lead {{ slug }} }} }} }}", audience)
    assert " ".join(one["lead"]["slug"] for one in answer["stories"]["nodes"]) == expected


def test_a_story_has_the_id_of_its_smallest_slug_and_is_found_by_any() -> None:
    (slug,) = {world(STORIES).stories_by_id[encoded("Story", one)].slug for one in ("hot", "old", "new")}
    assert slug == "hot"
    assert encoded("Story", "alone") not in world(STORIES).stories_by_id


def test_providers_of_a_story_are_ordered_by_article_count() -> None:
    assert world(STORIES).story_of["hot"].domains() == [("a.example", 2), ("b.example", 1)]


GROUPS = [
    ("collapse: STORY", "alone two new twin"),
    ("collapse: STORY, orderBy: {field: HEAT}", "hot alone one twin"),
    ("collapse: URL", "alone two new one hot old"),
    ("collapse: URL, orderBy: {field: HEAT, direction: ASC, nulls: FIRST}", "alone one twin two new old"),
    ('collapse: STORY, where: {slug: {ne: "new"}}', "alone two hot twin"),
]


@pytest.mark.parametrize(("arguments", "expected"), GROUPS)
def test_collapse_returns_the_first_article_of_each_group(arguments: str, expected: str) -> None:
    assert slugs(STORIES, f"articles({arguments})") == expected


def test_backlinks_lead_to_one_article_of_a_url() -> None:
    query = "{ articles(orderBy: []) { nodes { slug referencedBy { nodes { slug } } } } }"
    found = {
        one["slug"]: [each["slug"] for each in one["referencedBy"]["nodes"]]
        for one in ask(STORIES, query)["articles"]["nodes"]
    }
    assert found["hot"] == ["old"]
    assert found["twin"] == []
    assert found["old"] == ["new", "hot", "twin"]
    assert found["alone"] == ["alone", "two"]


FACETS = """{ articles(first: 0) { facets {
  topics { topic { slug } count } providers(first: 1) { provider { domain } count } categories { value count }
  languages { value count }
  types { value count } published(by: %s) { start count } quality { min max average } heat { max average }
} } }"""
SPLIT = [
    article(
        "a", topics=("B", "b", "A"), provider="x.example", quality=1, published="2019-12-29", language="en"
    ),
    article("b", topics=("A",), provider="w.example", quality=2, category="", published="2019-12-30"),
    article("c", topics=("C",), type="video", published="2020-01-13", language="de"),
]


def test_facet_counts() -> None:
    assert ask(SPLIT, FACETS % "WEEK")["articles"]["facets"] == {
        "topics": [
            {"topic": {"slug": "a"}, "count": 2},
            {"topic": {"slug": "b"}, "count": 1},
            {"topic": {"slug": "c"}, "count": 1},
        ],
        "providers": [{"provider": {"domain": "w.example"}, "count": 1}],
        "categories": [{"value": "", "count": 1}],
        "languages": [{"value": "de", "count": 1}, {"value": "en", "count": 1}],
        "types": [{"value": "article", "count": 2}, {"value": "video", "count": 1}],
        "published": [
            {"start": "2019-12-23T00:00:00Z", "count": 1},
            {"start": "2019-12-30T00:00:00Z", "count": 1},
            {"start": "2020-01-06T00:00:00Z", "count": 0},
            {"start": "2020-01-13T00:00:00Z", "count": 1},
        ],
        "quality": {"min": 1, "max": 2, "average": 1.5},
        "heat": {"max": None, "average": None},
    }


INTERVALS = [("DAY", 16), ("MONTH", 2), ("YEAR", 2)]


@pytest.mark.parametrize(("by", "expected"), INTERVALS)
def test_intervals_span_from_the_oldest_to_the_newest_article(by: str, expected: int) -> None:
    assert len(ask(SPLIT, FACETS % by)["articles"]["facets"]["published"]) == expected


def test_at_most_a_thousand_intervals_are_served() -> None:
    days = [article("a", published="2020-01-01"), article("b", published="2022-09-26T23:59:59Z")]
    assert len(ask(days, FACETS % "DAY")["articles"]["facets"]["published"]) == 1_000
    assert ask([*days, article("c", published="2022-09-27")], FACETS % "DAY") == "TOO_MANY_INTERVALS"


COUNTED = [*SPLIT, article("d", topics=("A", "a"), provider="x.example", is_published=False)]
COUNTS = [
    ("public", 'topic(slug: "a")', 2),
    ("open", 'topic(slug: "a")', 3),
    ("public", 'provider(domain: "x.example")', 1),
    ("open", 'provider(domain: "x.example")', 2),
    ("open", 'provider(domain: "listed.example")', 0),
]


@pytest.mark.parametrize(("audience", "field", "expected"), COUNTS)
def test_a_topic_or_provider_has_the_number_of_its_visible_articles(
    audience: Any, field: str, expected: int
) -> None:
    listing = article("e", related=(entry(0, "/a", provider="listed.example"),))
    answer = ask(
        [*COUNTED, listing], f"{{ one: {field} {{ articleCount articles {{ totalCount }} }} }}", audience
    )
    assert answer["one"] == {"articleCount": expected, "articles": {"totalCount": expected}}


NAMED = [
    ("topics", "a b c"),
    ("topics(first: 2, orderBy: null)", "a b"),
    ("topics(first: 0)", ""),
    ("topics(orderBy: {field: SLUG, direction: DESC})", "c b a"),
    ("topics(orderBy: {field: COUNT})", "b c a"),
    ("topics(first: 2, orderBy: {field: COUNT, direction: DESC})", "a b"),
    ("topics(first: -1)", "BAD_PAGE"),
]


@pytest.mark.parametrize(("field", "expected"), NAMED)
def test_topics_in_order(field: str, expected: str) -> None:
    found = ask(SPLIT, f"{{ list: {field} {{ slug }} }}")
    assert (found if isinstance(found, str) else " ".join(one["slug"] for one in found["list"])) == expected


PROVIDERS = [
    ("first: null", "w.example x.example y.example"),
    ("orderBy: {field: DOMAIN, direction: DESC}", "y.example x.example w.example"),
    ("orderBy: {field: COUNT}", "w.example y.example x.example"),
    ("first: 2, orderBy: {field: COUNT, direction: DESC}", "x.example w.example"),
]


@pytest.mark.parametrize(("arguments", "expected"), PROVIDERS)
def test_providers_in_order(arguments: str, expected: str) -> None:
    articles = [*COUNTED, article("e", provider="y.example")]
    found = ask(articles, f"{{ providers({arguments}) {{ nodes {{ domain url }} }} }}", "open")
    assert " ".join(one["domain"] for one in found["providers"]["nodes"]) == expected
    assert [one["url"] for one in found["providers"]["nodes"]] == [None] * len(expected.split())


CARDS = """{ article(slug: "b") { ...Card related { id ...Card } } }
fragment Card on Coverage { title image { url } article { slug } }"""


def test_cards_have_the_first_image_and_the_stored_article() -> None:
    images = tuple(Image(url, None, None, None, None, is_cached=False) for url in ("/1", "/2"))
    listed = (entry(0, "/a", images=images), entry(1, "/hidden"), entry(2, "/nowhere"))
    articles = [
        article("a"),
        article("b", images=images[1:], related=listed),
        article("hidden", is_published=False),
    ]
    (found,) = ask(articles, CARDS).values()
    assert [(one["image"], one["article"]) for one in (found, *found["related"])] == [
        ({"url": "/2"}, {"slug": "b"}),
        ({"url": "/1"}, {"slug": "a"}),
        (None, None),
        (None, None),
    ]


def test_entries_with_one_url_have_different_ids() -> None:
    articles = [article("a", "x", "y", "x"), article("b", "x")]
    query = "{ articles { nodes { slug related { id } } } }"
    ids = [one["id"] for node in ask(articles, query)["articles"]["nodes"] for one in node["related"]]
    assert len(set(ids)) == 4


def test_drift_lists_each_differing_value_of_a_summary() -> None:
    said: dict[str, Any] = {
        "title": "A",
        "excerpt": "",
        "quality": 1,
        "published": "2020-01-01T01:00:00+01:00",
    }
    articles = [
        article("a", title="B", quality=None),
        article(
            "b", related=(entry(0, "/a", **said), entry(1, "/nowhere", **said), entry(2, "/a", title="B"))
        ),
    ]
    query = '{ article(slug: "b") { related { drift { field listed stored } } } }'
    assert [one["drift"] for one in ask(articles, query)["article"]["related"]] == [
        [
            {"field": "title", "listed": "A", "stored": "B"},
            {"field": "excerpt", "listed": "", "stored": None},
            {"field": "quality", "listed": "1", "stored": None},
        ],
        [],
        [],
    ]


CHANGES = [
    ("first: 2", [("hot", "ADDED"), ("new", "ADDED")], True),
    ("first: 0", [], True),
    ("first: 100", [(slug, "ADDED") for slug in ("hot", "new", "old", "one", "twin", "two")], False),
]


@pytest.mark.parametrize(("arguments", "expected", "more"), CHANGES)
def test_changes_of_a_fresh_store_are_by_slug(arguments: str, expected: Any, more: bool) -> None:
    articles = [one for one in STORIES if one.slug != "alone"]
    found = ask(articles, f"{{ changes({arguments}) {{ hasMore nodes {{ slug kind }} }} }}")["changes"]
    assert [(one["slug"], one["kind"]) for one in found["nodes"]] == expected
    assert found["hasMore"] == more


def test_an_unknown_version_is_rejected() -> None:
    assert ask(STORIES, '{ changes(since: "x") { version } }') == "BAD_VERSION"


def test_the_test_clock_is_after_every_article() -> None:
    assert all(one.published.nanoseconds < NOW for one in STORIES)
