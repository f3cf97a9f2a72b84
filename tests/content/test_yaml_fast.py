"""Both YAML parsers agree: what the fast one returns, the strict one returns too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gqlnews.content.front_matter import FrontMatter, split_front_matter
from gqlnews.content.html import render
from gqlnews.content.models import ParseOptions
from gqlnews.content.parse_tree import parse_with_positions
from gqlnews.content.yaml_fast import parse_fast
from tests.content.documents import fronts
from tests.content.test_yaml_positions import FRONT

OPTIONS = ParseOptions()
PLAIN = "title: A\npublishedDateTime: 2021-04-15\nwebUrl: https://a.org/1\n"
TOKENS = (
    *(
        "\n",
        "\n  ",
        "\n    ",
        '"',
        "'",
        ":",
        ": ",
        "- ",
        "#",
        " #",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a ",
        "! ",
        "|",
        ">-\n",
    ),
    *(
        "%",
        "@",
        ",",
        "? ",
        "\t",
        "\\",
        "~",
        "yes",
        "0777",
        "1_000",
        "1.5",
        "&amp;",
        "<<: ",
        "...\n",
        "\u2028",
        "\x7f",
    ),
    *("title: x\n", "  title: x\n", "webUrl: /x\n", "- title: y\n", "  - webUrl: /x\n", "published: no\n"),
)
damages = st.lists(st.tuples(st.integers(0, 1_000), st.sampled_from(TOKENS), st.integers(0, 5)), max_size=3)


def fenced(front: str) -> FrontMatter:
    parts = split_front_matter(f"---\n{front}---\n")
    assert parts is not None
    return parts


@given(fronts)
@settings(max_examples=400)
def test_both_parsers_return_the_same(front: str) -> None:
    parts = fenced(front.replace("\n---", "\n--"))
    fast = parse_fast("a.md", parts, render(""), OPTIONS)
    if fast is not None:
        assert fast == parse_with_positions("a.md", parts, render(""), OPTIONS)


@given(damages)
@settings(max_examples=400)
def test_both_parsers_agree_on_corrupted_documents(damages: list[tuple[int, str, int]]) -> None:
    text = PLAIN + FRONT.replace("\ntitle: A\n", "") + "heat: 5\nexcerpt: 'it''s'\n"
    for place, token, gone in damages:
        text = text[: place % len(text)] + token + text[place % len(text) + gone :]
    parts = split_front_matter(f"---\n{text}\n---\n")
    fast = parts and parse_fast("a.md", parts, render(""), OPTIONS)
    if parts and fast:
        assert fast == parse_with_positions("a.md", parts, render(""), OPTIONS)


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "# note\n\nexcerpt: 'it''s' # note\n",
        "weight: 10\nauthor: x\ndraft: false\ntags: [one, two]\ntree:\n  a: 3\n",
        "topics: [Computer Vision, AI]\nquality: 36\nheat: -1\npublished: false\n",
        'topics:\n- AI\n- "ML"\nprovider:\n  name: A\n  images:\n    - url: /1.jpg?a&amp;b\n',
        "excerpt: >-\n  one\n  two: three\n",
        "ampUrl: https://a.org/?a=1&amp;b=2\n",
        "related:\n  - webUrl: https://a.org/1\n    title: A\n\n  # note\n  - title: B\n",
        "related:\n- title: A\n  images:\n  - width: 3\n  - url: /?a&amp;b\n  webUrl: 'https://b.org/1'\n",
    ],
)
def test_a_plain_file_does_not_need_the_strict_parser(lines: str) -> None:
    parts = fenced(PLAIN + lines)
    fast = parse_fast("a.md", parts, render(""), OPTIONS)
    assert fast is not None
    assert fast == parse_with_positions("a.md", parts, render(""), OPTIONS)
