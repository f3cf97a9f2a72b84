"""Bodies → HTML, headings and counts."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.content.html import RenderedBody, render

PIECES = (
    *(
        "# ",
        "## ",
        "a",
        "A b",
        "`c`",
        "*d*",
        "\n",
        "\n\n",
        "[x](#a)",
        "<h2>",
        "</h2>",
        "<b>",
        "</h3>",
        "<!--",
        "-->",
    ),
    *(
        "é!",
        "a-1",
        "<a title='",
        "'>",
        '"',
        "====",
        "![i](j)",
        "&amp;",
        "<script>",
        "<p id=a>",
        "a\n===\n",
        "> ",
    ),
    *("- ", "[^1]"),
)
pieces = st.sampled_from(PIECES)


class Tags(HTMLParser):
    """Collects start tags with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def headings(body: str) -> list[tuple[int, str, str]]:
    return [(each.level, each.text, each.anchor) for each in render(body).headings]


@pytest.mark.parametrize("written", ["", "\n\n", "  \n\t\n", "\r\n"])
def test_a_blank_body_is_none(written: str) -> None:
    assert render(written) == RenderedBody(None, None, None, [], 0, None)


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("\n\none\n\n", "one"),
        ("\n    code\n", "    code"),
        ("one\n\ntwo  \n", "one\n\ntwo  "),
        ("\r\n\r\none\r\ntwo\r\n\r\n", "one\r\ntwo"),
        (" \n\t\n one", " one"),
        ("one", "one"),
    ],
)
def test_blank_lines_around_a_body_are_stripped(written: str, body: str) -> None:
    assert render(written).body == body


@pytest.mark.parametrize(("words", "minutes"), [(1, 1), (240, 1), (241, 2), (480, 2), (481, 3)])
def test_words_and_minutes(words: int, minutes: int) -> None:
    rendered = render("word\n" * words)
    assert (rendered.words, rendered.minutes) == (words, minutes)


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("one *two*", "<p>one <em>two</em></p>\n"),
        ("~~old~~ ---", "<p><del>old</del> ---</p>\n"),
        ('"quoted" ...', '<p>"quoted" ...</p>\n'),
        ("a <script>alert(1)</script> b", "<p>a  b</p>\n"),
        ("<img src=x onerror=alert(1)>", '<img src="x">'),
        ("[a](javascript:alert(1))", '<p><a rel="noopener noreferrer">a</a></p>\n'),
        ("<iframe src='https://www.youtube.com/embed/x'></iframe>", ""),
        (
            "<iframe src='https://www.youtube.com/embed/x' allow='camera'><b>x</b></iframe>",
            "",
        ),
        ("# One", '<h1 id="one">One</h1>\n'),
    ],
)
def test_html_is_rendered_and_sanitized(body: str, html: str) -> None:
    assert render(body).html == html


def test_tables_and_footnotes_are_rendered() -> None:
    html = render("a|b\n-|-\n1|2\n\nword[^1]\n\n[^1]: note\n").html or ""
    assert "<td>1</td>" in html
    assert "<p>note</p>" in html


def test_headings_have_anchors_as_on_github() -> None:
    body = "# Hello, *World*!\n\n## `a_b` & C++\n\nÉté\n---\n\n### Hello World\n\n#### 日本\n\n##### !\n"
    assert headings(body) == [
        (1, "Hello, World!", "hello-world"),
        (2, "a_b & C++", "a_b--c"),
        (2, "Été", "été"),
        (3, "Hello World", "hello-world-1"),
        (4, "日本", "日本"),
        (5, "!", "section"),
    ]


def test_anchors_are_unique_even_if_a_heading_looks_numbered() -> None:
    anchors = [anchor for _, _, anchor in headings("# a\n# a-1\n# a\n# a\n# a-1\n")]
    assert len(set(anchors)) == len(anchors) == 5


@given(st.lists(pieces, max_size=30).map("".join))
def test_the_table_of_contents_matches_the_html(body: str) -> None:
    rendered = render(body)
    tags = Tags(rendered.html or "").found
    shown = [
        (int(tag[1]), attributes["id"])
        for tag, attributes in tags
        if re.fullmatch("h[1-6]", tag) and "id" in attributes
    ]
    assert shown == [(heading.level, heading.anchor) for heading in rendered.headings]
    anchors = [anchor for _, anchor in shown]
    assert len(set(anchors)) == len(anchors)
    names = {name for _, attributes in tags for name in attributes}
    assert not any(name.startswith("on") for name in names)
    assert "script" not in {tag for tag, _ in tags}


def test_a_title_that_looks_like_a_heading_gets_no_anchor() -> None:
    rendered = render('<a title="<h2>onmouseover=alert(1) </h2>">x</a>\n\n# Real\n')
    assert [heading.text for heading in rendered.headings] == ["Real"]
    assert [set(attributes) for tag, attributes in Tags(rendered.html or "").found if tag == "a"] == [
        {"title", "rel"}
    ]


def test_too_complex_html_is_shown_as_text() -> None:
    rendered = render("<b>" * 60_000 + "&")
    assert rendered.degraded_to_text
    assert rendered.html == "<pre>" + "&lt;b&gt;" * 60_000 + "&amp;</pre>"
    assert rendered.headings == []


def test_a_long_article_with_much_html_is_rendered() -> None:
    paragraph = '<div class="x"><p>One <b>bold</b> <a href="/x">link</a><br><ul><li>a<li>b</ul></p></div>\n\n'
    assert not render(paragraph * 2_000).degraded_to_text
    assert not render("> quoted *words* and `code`\n\n" * 5_000).degraded_to_text
