"""What filters match, case by case."""

import pytest

from .small import article, slugs

B = {"language": "en-gb", "modified": "2020-01-09T12:00:00Z"}
C = {"language": "en", "modified": "2020-01-08T23:59:59.999999999Z"}
ARTICLES = [
    article("a", title="Straße 100%", quality=5, topics=("AI", "Computer Vision"), provider="one.example"),
    article("b", title="STRASSE", quality=-1, category="news", published="2020-01-02T12:00:00+02:00", **B),
    article(
        "c", "a", title="Ünder_score", category="", topics=("AI",), published="2020-01-09T23:59:59.5Z", **C
    ),
]
PASSED = [
    ("{}", "c b a"),
    ("{and: []}", "c b a"),
    ("{or: []}", ""),
    ("{not: {}}", ""),
    ("{not: null}", "c b a"),
    ("{title: {}}", "c b a"),
    ("{title: null, quality: {eq: null}}", "c b a"),
    ('{or: [{slug: {eq: "a"}}, {slug: {eq: "b"}}]}', "b a"),
    ('{and: [{slug: {ne: "a"}}, {slug: {ne: "b"}}]}', "c"),
    ('{slug: {in: ["b", "x", "b"]}}', "b"),
    ("{slug: {in: []}}", ""),
    ("{slug: {notIn: []}}", "c b a"),
    ('{title: {contains: "strasse"}}', "b a"),
    ('{title: {contains: "SS"}}', "b a"),
    ('{title: {contains: "%"}}', "a"),
    ('{title: {contains: "r_s"}}', "c"),
    ('{title: {contains: "under"}}', ""),
    ('{title: {contains: "üN"}}', "c"),
    ('{title: {startsWith: "S"}}', "b a"),
    ('{title: {startsWith: "s"}}', ""),
    ('{category: {ne: "news"}}', "c a"),
    ('{category: {notIn: ["news"]}}', "c a"),
    ('{category: {in: ["news", ""]}}', "c b"),
    ("{category: {isNull: true}}", "a"),
    ("{category: {isNull: false}}", "c b"),
    ('{category: {contains: ""}}', "c b"),
    ('{not: {category: {eq: "news"}}}', "c a"),
    ("{quality: {lt: 5}}", "b"),
    ("{not: {quality: {lt: 5}}}", "c a"),
    ("{quality: {ne: 5}}", "c b"),
    ("{quality: {gte: -1, lte: 4}}", "b"),
    ('{language: {eq: "en"}}', "c"),
    ('{language: {eq: "EN"}}', ""),
    ('{language: {startsWith: "en"}}', "c b"),
    ('{language: {notIn: ["en"]}}', "b a"),
    ("{language: {isNull: true}}", "a"),
    ('{not: {language: {startsWith: "en"}}}', "a"),
    ('{topic: {any: ["ai"]}}', "c a"),
    ('{topic: {any: ["AI"]}}', ""),
    ("{topic: {any: []}}", ""),
    ("{topic: {all: []}}", "c b a"),
    ('{topic: {all: ["ai", "computer-vision"]}}', "a"),
    ('{topic: {none: ["computer-vision"]}}', "c b"),
    ('{provider: {eq: "one.example"}}', "a"),
    ("{provider: {isNull: true}}", "c b"),
    ('{publishedDateTime: {eq: "2020-01-02 10:00"}}', "b"),
    ('{publishedDateTime: {gt: "2020-01-01", lt: "2020-01-09T23:59:59.500000001Z"}}', "c b"),
    ('{publishedDateTime: {withinLast: "P1D"}}', "c"),
    ('{publishedDateTime: {withinLast: "P1W"}}', "c"),
    ('{publishedDateTime: {withinLast: "P9000000W"}}', "c b a"),
    ("{modifiedDateTime: {}}", "c b a"),
    ('{modifiedDateTime: {eq: "2020-01-09T13:00+01:00"}}', "b"),
    ('{modifiedDateTime: {lt: "2020-01-09"}}', "c"),
    ('{not: {modifiedDateTime: {lt: "2020-01-09"}}}', "b a"),
    ('{modifiedDateTime: {gte: "0001-01-01"}}', "c b"),
    ('{modifiedDateTime: {withinLast: "P1D"}}', "b"),
    ('{updatedAt: {lte: "2020-01-01"}}', "c b a"),
    ("{published: false}", ""),
    ("{hasRelated: true}", "c"),
    ("{hasImage: false}", "c b a"),
    ('{matches: "strasse OR under"}', "c b"),
    ('{matches: ""}', ""),
    ('{not: {matches: "-x"}}', "c b a"),
    ('{publishedDateTime: {gt: "2020-02-30"}}', "BAD_DATE"),
    ('{not: {modifiedDateTime: {lte: "soon"}}}', "BAD_DATE"),
    ('{modifiedDateTime: {withinLast: "P1Y"}}', "BAD_DURATION"),
    ('{or: [{not: {updatedAt: {withinLast: "P1M"}}}]}', "BAD_DURATION"),
    (f"{'{not: ' * 32}{{}}{'}' * 32}", "TOO_DEEP"),
    (f"{{or: [{'{heat: {eq: 1}} ' * 201}]}}", "TOO_WIDE"),
]


@pytest.mark.parametrize(("where", "expected"), PASSED)
def test_articles_that_match_a_filter(where: str, expected: str) -> None:
    assert slugs(ARTICLES, f"articles(where: {where})") == expected
