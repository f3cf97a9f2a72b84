"""Bytes of content files: almost articles, almost YAML, and neither."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.values import changed

KEYS = (
    *(
        "title",
        "publishedDateTime",
        "webUrl",
        "ampUrl",
        "related",
        "provider",
        "topics",
        "images",
        "heat",
        "quality",
    ),
    *(
        "published",
        "secured",
        "type",
        "excerpt",
        "featuredContent",
        "author",
        "<<",
        "? a",
        "",
        "é",
        "'q'",
        '"',
    ),
)
VALUES = (
    *(
        "x",
        "1",
        "true",
        "~",
        "",
        "2021-01-01",
        "https://x.example/bad",
        "[a, b]",
        "{a: b}",
        "*a",
        "&a b",
        "!!set {}",
    ),
    *(
        "|\n  a\n  b",
        ">-\n  a",
        "[" * 80,
        "{a: " * 80,
        "'",
        '"',
        "@",
        "`",
        "- a",
        "!!python/object:a",
        "\t",
        "#",
        "%",
    ),
    *(
        "&a [*a, *a]",
        "9" * 400,
        ".inf",
        "0x7fffffffffffffff",
        "0o17",
        "1:2:3",
        '"\\ud800"',
        "\x07",
        "\u2028",
        "\ufeff",
    ),
    *(
        "<script>",
        "<b>" * 50,
        "<iframe src='javascript:1'>",
        "a" * 3_000,
        "\n  - title: a\n    webUrl: b",
        "\n" + "- " * 90,
    ),
)
NEEDED = "title: T\npublishedDateTime: 2021-01-01\nwebUrl: https://x.example/bad"
FENCES = ("---\n", "---\r\n", "----\n", "+++\n", "\ufeff---\n", "", "--- \n")

_line = st.builds(
    lambda indent, key, value: f"{' ' * indent}{key}: {value}",
    st.sampled_from([0, 0, 0, 1, 2, 4]),
    st.sampled_from(KEYS) | st.text(max_size=5),
    st.sampled_from(VALUES) | st.text(max_size=20),
)
_lines = st.lists(_line | st.sampled_from(VALUES), max_size=12).map("\n".join)
_nearly: SearchStrategy[str] = st.builds(
    lambda opens, needed, lines, closes, body: f"{opens}{needed}\n{lines}\n{closes}{body}",
    st.sampled_from(FENCES[:1] * 4 + FENCES),
    st.sampled_from([NEEDED, NEEDED, ""]),
    _lines,
    st.sampled_from(FENCES[:1] * 4 + FENCES),
    st.sampled_from(["", "# H\n\nText", "> " * 200, "[^1]" * 50, "<div>" * 100, "\0"]) | st.text(max_size=50),
)


_bytes = _nearly.map(lambda text: text.encode(errors="surrogatepass"))
files: SearchStrategy[bytes] = st.one_of(
    _bytes,
    _bytes,
    st.builds(changed, _bytes, st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=4)),
    st.binary(max_size=200),
)
