"""Both YAML parsers agree on native and mapped files: what the fast one returns, the strict one returns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.content.front_matter import FrontMatter, split_front_matter
from gqlnews.content.html import render
from gqlnews.content.models import ParseOptions
from gqlnews.content.parse_mapped import Parsed
from gqlnews.content.parse_tree import parse_with_positions
from gqlnews.content.yaml_fast import parse_fast
from gqlnews.custom_fields import CustomField, FieldType
from tests.content.documents import fronts, mapped_fronts
from tests.content.sites import site
from tests.content.test_yaml_positions import FRONT
from tests.effort import examples

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


def parse_both(path: str, front: str, options: ParseOptions, body: str = "") -> tuple[Parsed | None, Parsed]:
    parts, rendered = fenced(front), render(body)
    return parse_fast(path, parts, rendered, options), parse_with_positions(path, parts, rendered, options)


@examples(400)
@given(fronts)
def test_both_parsers_return_the_same(front: str) -> None:
    parts = fenced(front.replace("\n---", "\n--"))
    fast = parse_fast("a.md", parts, render(""), OPTIONS)
    if fast is not None:
        assert fast == parse_with_positions("a.md", parts, render(""), OPTIONS)


@examples(400)
@given(damages)
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


# Mapped files.

DEFAULTS = {"values": {"author": "Ann", "image": "/d.png", "draft": False, "category": "A", "weight": 1.5}}
SITES = {
    "post.md": site("hugo", {"baseURL": "https://example.org/"}, roots=("",)),
    "_posts/2021-04-15-a.md": site("jekyll", {"url": "https://example.org", "defaults": [DEFAULTS]}),
    "2021-04-15-a.mdx": site("generic"),
}
FIELDS = (
    CustomField("weight", FieldType.INT, key=("weight",)),
    CustomField("other", FieldType.BOOLEAN, key=("params", "other")),
    CustomField("extras", FieldType.JSON, key=("extras",)),
    CustomField("status", FieldType.STRING, is_list=True, key=("status",)),
)


@examples(600)
@given(mapped_fronts, st.sampled_from(sorted(SITES)), st.sampled_from([(), FIELDS]))
def test_both_parsers_return_the_same_for_a_mapped_file(
    front: str, path: str, fields: tuple[CustomField, ...]
) -> None:
    front = f"date: 2021-04-15\n{front}" if path == "post.md" else front
    options = ParseOptions(sites=(SITES[path],), fields=fields, now_ns=0)
    fast, strict = parse_both(path, front.replace("\n---", "\n--"), options)
    assert fast is None or fast == strict


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "# note\n\nsummary: 'it''s' # note\n",
        "weight: 10\nauthor: Ann and Bob\ndraft: false\ntags: [one, two]\nparams:\n  a: 3\n  image: a.png\n",
        "draft: true\nlastmod: 2021-04-16\nslug: b\nDescription: True colours\n",
        "link: https://a.org/?a=1&amp;b=2\n",
        "images:\n- url: /a.png?a&amp;b\n  width: 3\n- javascript:1\n",
        "provider:\n  name: A\n  domain: a.org\nrelated:\n- title: A\n  webUrl: https://a.org/?a&amp;b\n",
        "tags:\n- A&amp;B\n",
        "expiryDate: 2020-01-01\npublishDate: 2020-01-01\n",
    ],
)
def test_a_plain_mapped_file_does_not_need_the_strict_parser(lines: str) -> None:
    front = "title: A\ndate: 2021-04-15\n" + lines
    fast, strict = parse_both("post.md", front, ParseOptions(sites=(SITES["post.md"],), now_ns=0))
    assert fast is not None
    assert fast == strict


def test_a_page_does_not_need_the_strict_parser() -> None:
    assert parse_both("post.md", "title: A\n", ParseOptions(sites=(SITES["post.md"],))) == ((None, ()),) * 2


@pytest.mark.parametrize(
    "lines",
    [
        *("title: True\n", "title: 1.10\n", "title: +5\n", "title: -0\n", "title: no\n", "title: 007\n"),
        *("title: A\ntags:\n- 0x1F\n", "title: A\ntags:\n- True\n", "title: A\ndraft: False # note\n"),
        *("title: A\nlink: &amp;\n'url': /a/\n", "title: A\nweight: 99999999999999999999\n"),
        "title: A\nparams:\n" + "".join(f"{' ' * depth}a:\n" for depth in range(1, 70)),
    ],
)
def test_a_value_whose_source_text_matters_needs_the_strict_parser(lines: str) -> None:
    front = "date: 2021-04-15\n" + lines
    fast, _ = parse_both("post.md", front, ParseOptions(sites=(SITES["post.md"],)))
    assert fast is None
