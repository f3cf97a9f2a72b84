"""Values of a front matter, tested by parsing whole files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.content.models import ParsedArticle, ParseOptions, Position
from gqlnews.content.parse_file import parse_article
from tests.content.bad_files import NEEDED, fenced

BASE = "https://site.org/news/"


def read(lines: str, options: ParseOptions | None = None, needed: str = NEEDED) -> ParsedArticle:
    article, problems = parse_article("2021/a.md", fenced(needed + lines + "\n"), options or ParseOptions())
    assert article is not None, problems
    return article


def codes(lines: str) -> list[str]:
    return [
        problem.code for problem in parse_article("a.md", fenced(NEEDED + lines + "\n"), ParseOptions())[1]
    ]


def test_absent_keys_have_defaults() -> None:
    article = read("")
    assert (article.slug, article.type, article.published, article.related) == ("2021/a", "article", True, ())
    assert (article.images, article.extra, article.table_of_contents) == ("[]", "{}", "[]")
    assert (article.excerpt, article.quality, article.provider) == (None,) * 3
    assert article.key_values == {"category": None, "heat": None}
    assert (article.body, article.html, article.word_count, article.reading_minutes) == (None, None, 0, None)
    assert (article.url_position, article.published_position) == (Position(4, 9), None)


@pytest.mark.parametrize(
    "word", ["2024", "1.10", "on", "No", "12:30:45", "0777", "2021-04-15", "1_000", "~x", "nULL"]
)
def test_text_values_are_not_interpreted(word: str) -> None:
    article = read(f"excerpt: {word}\ntopics: [{word}]")
    assert article.excerpt == article.topics[0].name == word


def test_a_quoted_null_is_text_and_an_empty_excerpt_is_kept() -> None:
    assert read("excerpt: 'null'").excerpt == "null"
    assert read("excerpt: ''").excerpt == ""
    assert read("excerpt:\ncategory: ~").excerpt is None


@pytest.mark.parametrize(
    ("word", "published"),
    [
        (word, True)
        for word in ("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "", "~", '"yes"')
    ]
    + [(word, False) for word in ("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "'off'")],
)
def test_published(word: str, published: bool) -> None:
    article = read(f"published: {word}")
    assert article.published is published
    assert article.published_position == (Position(5, 12) if word.strip("~") else None)


@pytest.mark.parametrize(
    ("word", "number"), [("36", 36), ("-1", -1), ("+7", 7), ("-0", 0), ("'36'", 36), ("~", None)]
)
def test_integers(word: str, number: int | None) -> None:
    assert read(f"quality: {word}").quality == number
    assert read(f"heat: {word}").key_values["heat"] == number


@pytest.mark.parametrize("number", [2**31 - 1, -(2**31)])
def test_the_limits_of_32_bit_integers(number: int) -> None:
    assert read(f"heat: {number}").key_values["heat"] == number


def test_legacy_keys_are_accepted_and_current_ones_take_precedence() -> None:
    old = read(
        "sourceUrl: https://b.org/\nampUrl: /amp\ncdnAmpUrl: /cdn", needed=NEEDED.replace("webUrl", "x")
    )
    assert (old.url, old.web_url, old.original_url) == ("https://b.org/",) * 3
    assert (old.amp_web_url, old.cdn_amp_web_url, old.url_position) == ("/amp", "/cdn", Position(5, 12))
    both = read("sourceUrl: /b\nampUrl: /c\nampWebUrl: /d\noriginalUrl: ''")
    assert (both.url, both.original_url) == ("https://a.org/1", "https://a.org/b")
    assert both.amp_web_url == "https://a.org/d"
    only = read("originalUrl: /o", needed=NEEDED.replace("webUrl", "x"))
    assert (only.url, only.web_url, only.url_position) == ("/o", None, Position(5, 14))


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("/a?b=1&amp;c=2", "https://a.org/a?b=1&c=2"),
        ("a", "https://a.org/a"),
        ("//cdn.org/a", "https://cdn.org/a"),
        ("HTTPS://b.org/a/../b", "HTTPS://b.org/a/../b"),
        ("mailto:x@b.org", "mailto:x@b.org"),
        ("//[", "//["),
        ("/a?b&amp;amp;c", "https://a.org/a?b&amp;c"),
        ("/a?b&#038;c&quot;&copy=1&x;", 'https://a.org/a?b&c"&copy=1&x;'),
    ],
)
def test_urls_are_unescaped_once_and_resolved(written: str, served: str) -> None:
    provider = f"provider: {{domain: a.org, images: [url: '{written}']}}"
    lines = f"ampUrl: '{written}'\nimages:\n- url: '{written}'\n{provider}"
    article = read(f"{lines}\nrelated:\n- title: x\n  webUrl: '{written}'", ParseOptions(base_url=BASE))
    assert article.provider is not None
    assert article.amp_web_url == article.related[0].url == served
    assert json.loads(article.images)[0]["url"] == json.loads(article.provider.images)[0]["url"] == served


@pytest.mark.parametrize(
    ("web_url", "base_url", "page", "image"),
    [
        ("https://a.org/2021/a/", None, "https://a.org/2021/a/", "https://a.org/2021/a/1.jpg"),
        ("https://a.org/2021/a/", BASE, "https://a.org/2021/a/", "https://a.org/2021/a/1.jpg"),
        ("/2021/a/", BASE, "https://site.org/2021/a/", "https://site.org/2021/a/1.jpg"),
        ("2021/a/", BASE, "https://site.org/news/2021/a/", "https://site.org/news/2021/a/1.jpg"),
        ("/2021/a/", None, "/2021/a/", "/2021/a/1.jpg"),
    ],
)
def test_relative_urls_are_resolved_against_the_url_of_the_article(
    web_url: str, base_url: str | None, page: str, image: str
) -> None:
    lines = "images: [url: 1.jpg]\nrelated: [{title: x, webUrl: 1.jpg, images: [url: 1.jpg]}]"
    front = NEEDED.replace("https://a.org/1", web_url)
    article = read(lines, ParseOptions(base_url=base_url), needed=front)
    assert (article.url, article.related[0].url) == (page, image)
    assert json.loads(article.images)[0]["url"] == image
    assert json.loads(article.related[0].images)[0]["url"] == image


@pytest.mark.parametrize("key", ["sourceUrl", "originalUrl"])
@pytest.mark.parametrize(("base_url", "image"), [(None, "/1.jpg"), (BASE, "https://site.org/1.jpg")])
def test_relative_urls_are_not_resolved_against_the_url_of_another_site(
    key: str, base_url: str | None, image: str
) -> None:
    front = NEEDED.replace("webUrl", key)
    article = read("images: [url: /1.jpg]", ParseOptions(base_url=base_url), needed=front)
    assert (article.url, json.loads(article.images)[0]["url"]) == ("https://a.org/1", image)


UNSAFE = "javascript:alert(1)"


@pytest.mark.parametrize(
    "written",
    [UNSAFE, "JavaScript:x", "'java\tscript:x'", '"\\u0001javascript:x"', "data:text/html,x", "ftp://a.org/"],
)
def test_an_unsafe_url_is_left_out_with_a_warning(written: str) -> None:
    lines = f"ampUrl: {written}\nimages:\n- url: {written}\nrelated:\n- title: A\n  webUrl: {written}"
    article = read(lines)
    assert (article.amp_web_url, article.images, article.related) == (None, "[]", ())
    assert codes(lines) == ["unsafe-url", "unsafe-url", "left-out", "unsafe-url"]


@pytest.mark.parametrize("written", ["mailto:a@b.org", "tel:+1", "x/a:b", "2021:a", "#a", "?a:b"])
def test_other_urls_are_safe(written: str) -> None:
    assert codes(f"ampUrl: '{written}'") == []


def test_an_article_whose_only_url_is_unsafe_has_an_error() -> None:
    front = NEEDED.replace("https://a.org/1", UNSAFE)
    article, problems = parse_article("a.md", fenced(front), ParseOptions())
    assert article is None
    assert [(each.code, each.line) for each in problems] == [("missing-key", 1), ("unsafe-url", 4)]


def test_entities_in_texts_are_decoded_once_and_blanks_are_trimmed() -> None:
    article = read(
        "excerpt: ' A&nbsp;&amp;amp; B&#8217;s&nbsp;'\ntopics: [' R&amp;D ']\n"
        "provider: {name: ' A&amp;B ', domain: a.org}\n"
        "images: [{url: /1.jpg, title: ' &lt;b&gt; ', attribution: ' &copy; C '}]\n"
        "related: [{title: ' X &amp; Y ', excerpt: ' &#x263A; ', webUrl: /x}]",
        needed=NEEDED.replace("title: A title", "title: ' Caf&eacute; '"),
    )
    assert (article.title, article.excerpt) == ("Café", "A\u00a0&amp; B\u2019s")
    assert (article.topics[0].name, article.topics[0].slug) == ("R&D", "r-d")
    assert article.provider is not None
    assert article.provider.name == "A&B"
    (image,) = json.loads(article.images)
    assert (image["title"], image["attribution"]) == ("<b>", "© C")
    assert (article.related[0].title, article.related[0].excerpt) == ("X & Y", "\u263a")


@pytest.mark.parametrize("text", ["R&D", "AT&T;", "&nosuch;", "&copy 2020", "a & b;", "&;", "&#;", "&#x;"])
def test_a_text_without_an_entity_is_unchanged(text: str) -> None:
    assert read(f"excerpt: '{text}'").excerpt == text
    assert codes(f"excerpt: '{text}'") == []


def test_a_decoded_entity_is_a_warning_at_its_value() -> None:
    lines = (
        "excerpt: a &lt; b\nrelated:\n- title: x\n  excerpt: 'c &amp; d'\n  webUrl: /x\ntopics:\n- R&amp;D"
    )
    _, problems = parse_article("a.md", fenced(f"{NEEDED}{lines}\n"), ParseOptions())
    assert [(each.code, each.line, each.column) for each in problems] == [
        ("html-entity", 5, 10),
        ("html-entity", 8, 12),
        ("html-entity", 11, 3),
    ]


def test_a_title_of_blanks_only_is_missing() -> None:
    front = NEEDED.replace("title: A title", "title: ' &nbsp; '")
    article, problems = parse_article("a.md", fenced(front), ParseOptions())
    assert article is None
    assert [(each.code, each.line) for each in problems] == [("missing-key", 1), ("html-entity", 2)]
    assert codes("related:\n- title: '&nbsp;'\n  webUrl: /x") == ["left-out", "html-entity"]


def test_images_and_provider() -> None:
    article = read(
        "images:\n- url: https://a.org/1.jpg\n  width: 400\n  title: 1.10\n  isCached: yes\n- ~\n"
        "- {url: https://a.org/2.jpg, attribution: b}\nprovider:\n  domain: a.org\n  images: []"
    )
    empty = {"width": None, "height": None, "title": None, "attribution": None, "isCached": False}
    assert json.loads(article.images) == [
        empty | {"url": "https://a.org/1.jpg", "width": 400, "title": "1.10", "isCached": True},
        empty | {"url": "https://a.org/2.jpg", "attribution": "b"},
    ]
    assert list(json.loads(article.images)[0]) == [
        "url",
        "width",
        "height",
        "title",
        "attribution",
        "isCached",
    ]
    assert article.provider is not None
    assert (article.provider.name, article.provider.images) == ("a.org", "[]")


def test_topics_with_the_same_slug_are_merged() -> None:
    article = read("topics: [Computer Vision, AI, computer vision, ~, C++]")
    assert [topic.name for topic in article.topics] == ["Computer Vision", "AI", "C++"]
    assert [topic.slug for topic in article.topics] == ["computer-vision", "ai", "c-plus-plus"]


def test_different_names_of_one_topic_are_a_warning() -> None:
    assert codes("topics: [AI, AI, Économie, economie, C, C++, 'C#']") == ["topic-collision"]


def test_an_invalid_related_entry_does_not_affect_the_others() -> None:
    entries = "".join(
        f"- title: {n}\n  webUrl: /{n}\n  quality: {q}\n" for n, q in enumerate(("1", "x", "3"))
    )
    article = read(f"related:\n{entries}- title: 3\n  webUrl: /0\n- title: 4\n  webUrl: https://a.org/1\n")
    assert [entry.title for entry in article.related] == ["0", "2", "3", "4"]
    assert codes(f"related:\n{entries}- title: 3\n  webUrl: /0\n") == ["left-out", "related-twice"]


def test_positions_are_right_after_skipped_entries() -> None:
    lines = "related:\n- ~\n- title: A\n  webUrl: /?a&amp;b\n- [x]\n- title: B\n  webUrl: /?c&amp;d"
    _, problems = parse_article("a.md", fenced(f"{NEEDED}{lines}\n"), ParseOptions())
    found = [(problem.code, problem.line, problem.column) for problem in problems]
    assert found == [("left-out", 6, 3), ("escaped-url", 8, 11), ("left-out", 9, 3), ("escaped-url", 11, 11)]


def test_dates_in_related_are_served_in_utc() -> None:
    article = read(
        "related:\n- title: x\n  webUrl: /x\n  publishedDateTime: 2021-04-15 13:00+01:00\n"
        "- {title: y, webUrl: /y}"
    )
    assert [entry.published_date_time for entry in article.related] == ["2021-04-15T12:00:00Z", None]


def test_unknown_keys_keep_their_order() -> None:
    lines = (
        "content: x\nb: yes\na: [1, 1.50, .5, 1e3, 0777, 0x1F, 1_000, ~, no, 2021-04-15, '1', .inf, 1e999]\n"
        "c: {z: 9223372036854775807, y: 9223372036854775808, x: -1}\n1: one\n~: null\nd: |\n  text\ne:"
    )
    assert read(lines).extra == (
        '{"content":"x","b":true,'
        '"a":[1,1.5,0.5,1000.0,"0777","0x1F","1_000",null,false,"2021-04-15","1",".inf","1e999"],'
        '"c":{"z":9223372036854775807,"y":"9223372036854775808","x":-1},"1":"one","~":null,"d":"text\\n","e":null}'
    )


def test_the_encrypted_payload_is_stored_unchanged() -> None:
    assert read("secured: Zm9v;YmE=").secured == "Zm9v;YmE="
    assert codes("secured: Zm9v;YmE=") == []
    assert read("secured: ' not sealed '").secured == " not sealed "


def test_the_embed_is_sanitized_with_the_allowed_hosts() -> None:
    lines = 'featuredContent: <iframe src="https://video.org/1"></iframe>'
    assert read(lines).featured_content is None
    assert "video.org" in (read(lines, ParseOptions(iframe_hosts=("video.org",))).featured_content or "")


@given(
    st.binary(max_size=300) | st.binary(max_size=200).map(lambda data: b"---\n" + data + b"\n---\n" + data)
)
def test_arbitrary_bytes_raise_no_exception(data: bytes) -> None:
    article, problems = parse_article("a.md", data, ParseOptions())
    has_error = any(problem.severity == "ERROR" for problem in problems)
    assert (article is None) == has_error or (article, problems) == (None, ())  # a page
