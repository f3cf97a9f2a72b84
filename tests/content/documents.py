"""Front matter for parser tests: values that YAML 1.1 and 1.2 read differently, in every style."""

from hypothesis import strategies as st

WORDS = (
    *(
        "yes",
        "Yes",
        "no",
        "On",
        "off",
        "y",
        "true",
        "True",
        "TRUE",
        "tRue",
        "false",
        "~",
        "null",
        "Null",
        "nULL",
    ),
    *(
        "0777",
        "0",
        "-0",
        "+12",
        "007",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "12_3.4",
        "36",
        "-1",
        "36.5",
        "1.10",
        ".5",
    ),
    *(
        "1.",
        "1e3",
        "1.e3",
        ".",
        "+",
        "-",
        "1e400",
        ".inf",
        "-.Inf",
        ".nan",
        "12:30:45",
        "190:20:30.15",
        "1:2",
    ),
    *("2147483647", "2147483648", "-2147483648", "9223372036854775808", "99999999999999999999"),
    *("2024-02-30", "2021-04-15", "2021-04-15T13:00:00Z", "2021-04-15 13:00", "2001-12-14t21:59:43.10-05:00"),
    *(
        "https://a.org/x?a=1&amp;b=2",
        "https://a.org/#x",
        "a#b",
        "a #b",
        "a: b",
        "a:b",
        "- a",
        "-a",
        "?a",
        "? a",
    ),
    *(
        "a.org",
        "/x/y.jpg",
        "//b.org/c",
        "AI",
        "Computer Vision",
        "&a b",
        "*a",
        "!a b",
        "!!str 3",
        "!!int 3",
        "<<",
    ),
    *(
        "@a",
        "%a",
        "`a",
        "[a, b]",
        "{a: b}",
        "{}",
        "[]",
        "|",
        ">-",
        "'",
        '"',
        "#",
        "",
        "=",
        "a b",
        "é",
        "日本",
        "😀",
    ),
    *("\u00a0", "\u0085", "\u2028", "\ufeff", "a\tb", "\\", "\\n", "a'b", 'a"b', "Yv33P0pm==;j9RLm1bZ7g=="),
)
ESCAPED = (
    "\\0",
    "\\x41",
    "\\u263A",
    "\\ud83d\\ude00",
    "\\U0001F600",
    "\\/",
    "\\ ",
    "\\_",
    "\\N",
    "\\L",
    "\\e",
    "\\q",
    "\\\\",
)
TEXT_KEYS = ("title", "excerpt", "category", "type", "publishedDateTime", "secured", "featuredContent")
URL_KEYS = ("webUrl", "originalUrl", "ampWebUrl", "cdnAmpWebUrl", "sourceUrl", "ampUrl", "cdnAmpUrl")
OTHER_KEYS = ("author", "content", "weight", "x-y", "on", "1", "~", "'q'", '"webUrl"', "? a", "<<", "no")
IMAGE_KEYS = ("url", "width", "height", "title", "attribution", "isCached", "other")


def doubled(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


words = st.sampled_from(WORDS) | st.text(
    st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=8
)
scalars = st.one_of(
    words,
    words,
    words.map(doubled),
    words.map(single),
    st.sampled_from(ESCAPED).map(lambda escaped: f'"a{escaped}b"'),
    words.map(lambda word: f"{word} # note"),
)


@st.composite
def values(draw: st.DrawFn, indent: int) -> str:
    """A scalar as it follows `key:`, on one or several lines."""
    space = " " * (indent + 2)
    text = draw(scalars)
    style = draw(st.integers(0, 19))
    return {
        0: f" |\n{space}{text}\n{space}more",
        1: f" >-\n{space}{text}\n\n{space}more",
        2: f"\n{space}{text}",
        3: f" {text}\n{space}title: x",
        4: f' "one\n{space}title: x"',
        5: f" {text}\n{space}- more",
        6: f"  {text}  ",
        7: f" &a {text}",
        8: ' "one\ntitle: x"',
        9: f" [{text}, b]",
        10: f' {{"a":{text}}}',
        11: f" # note\n{space}{text}",
        12: f"\t{text}",
    }.get(style, f" {text}")


def mapping(keys: tuple[str, ...], indent: int, most: int) -> st.SearchStrategy[str]:
    """The lines of a block mapping."""

    @st.composite
    def lines(draw: st.DrawFn) -> str:
        chosen = draw(
            st.lists(st.sampled_from(keys), min_size=1, max_size=most, unique=draw(st.integers(0, 9)) > 0)
        )
        return "".join(f"{' ' * indent}{key}:{draw(values(indent))}\n" for key in chosen)

    return lines()


def listed(block: str, indent: int) -> str:
    """Turn a block mapping into a list item."""
    return " " * indent + "- " + block[indent + 2 :]


def items(block: st.SearchStrategy[str], indent: int) -> st.SearchStrategy[str]:
    return st.lists(block, max_size=3).map(lambda blocks: "".join(listed(each, indent) for each in blocks))


def nested(key: str, indent: int, block: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return block.map(lambda lines: f"{' ' * indent}{key}:\n{lines}")


sure_entries = st.sampled_from(
    (
        "    title: A title\n    webUrl: https://a.org/?a=1&amp;b=2\n",
        '    sourceUrl: "https://a.org/1"\n    title: x\n    publishedDateTime: 2021-04-15\n',
        "    title: A title\n",
    )
)
entries = st.builds(
    lambda first, *rest: first + "".join(rest),
    sure_entries,
    st.just("") | mapping(("excerpt", "quality", "ampUrl", "type"), 4, 2),
    st.just("") | nested("provider", 4, mapping(("name", "domain"), 6, 2)),
    st.just("") | nested("images", 4, items(mapping(IMAGE_KEYS, 8, 3), 6)),
)
needed = st.tuples(
    st.sampled_from(("title: A title\n", "title: 'it''s'\n", 'title: "x: \\"y\\""\n'))
    | mapping(("title",), 0, 1),
    st.sampled_from(
        ("publishedDateTime: 2021-04-15T13:00:00Z\n", 'publishedDateTime: "2021-04-15" # note\n')
    ),
    st.sampled_from(("webUrl: https://a.org/?a=1&amp;b=2\n", "\n# note\nsourceUrl: 'https://a.org/1'\n"))
    | mapping(("originalUrl",), 0, 1),
).flatmap(st.permutations)
topics = st.lists(scalars, max_size=3).map(
    lambda names: "topics:\n" + "".join(f"- {name}\n" for name in names)
)
parts = st.one_of(
    mapping(("excerpt", "category", "type", "secured", "featuredContent"), 0, 2),
    mapping(("ampWebUrl", "cdnAmpWebUrl", "ampUrl", "cdnAmpUrl"), 0, 2),
    mapping(("quality", "heat", "published"), 0, 1),
    nested("provider", 0, mapping(("name", "domain"), 2, 2)),
    topics,
    nested("images", 0, items(mapping(IMAGE_KEYS, 4, 3), 2)),
    nested("related", 0, items(entries, 2)),
    mapping(OTHER_KEYS, 0, 3),
    nested("extras", 0, mapping(OTHER_KEYS, 2, 3)),
)
fronts = st.builds(
    lambda first, last: "".join([*first, *last]),
    needed,
    st.lists(parts, max_size=3, unique_by=lambda part: part[:5]),
)


# Front matter of mapped files.


MAPPED_KEYS = (
    *("title", "headline", "Title", "date", "lastmod", "updated", "summary", "link", "source_url", "webUrl"),
    *("url", "permalink", "path", "slug", "image", "cover", "tags", "category", "draft", "published"),
    *("status", "author", "lang", "expiryDate", "source", "provider", "type", "quality", "heat", "related"),
    *("sourceUrl", "params", "weight", "'summary'", "taxonomies"),
)
listed_texts = st.lists(scalars, max_size=3).map(lambda texts: "".join(f"- {text}\n" for text in texts))
listed_images = items(mapping((*IMAGE_KEYS, "src", "alt", "credit"), 4, 3), 2)
sure_parts = st.sampled_from(
    (
        *("draft: False\n", "Draft: true\n", "published: false\n", "status: hidden\n", "weight: 5\n"),
        *("tags: [AI, Computer Vision]\n", "tags:\n- A\n- B&amp;C\n", "category: A, B\n", "slug: b-c\n"),
        *("image: /a.png?a=1&amp;b=2\n", "cover:\n  src: a.png\n  alt: A\n", "permalink: /x/:title/\n"),
        *("link: https://b.org/x?a=1&amp;b=2\n", "summary: A&amp;B\n", "url: javascript:1\n", "lang: en\n"),
        *("images:\n- https://a.org/1.png\n- javascript:1\n", "authors:\n- name: Ann\n- Bob and Cy Dee\n"),
        *("lastmod: 2021-04-16\n", "expiryDate: 2020-01-01\n", "updated: soon\n", "description:\n"),
        *("params:\n  image: /b.png\n  other: true\n", "extras:\n  a: [x, y]\n  b: 3\n", "quality: 36\n"),
        *("provider:\n  name: A\n  domain: a.org\n", "provider: A\n", "taxonomies:\n  tags:\n  - A\n"),
        "related:\n- title: A\n  webUrl: https://a.org/?a&amp;b\n",
        "related:\n- title: A\n  webUrl: https://a.org/\n- title: B\n  sourceUrl: https://a.org/\n",
    )
)
mapped_parts = st.one_of(
    mapping(MAPPED_KEYS, 0, 3),
    nested("tags", 0, listed_texts),
    nested("authors", 0, listed_texts),
    nested("images", 0, listed_images),
    nested("provider", 0, mapping(("name", "domain"), 2, 2)),
    nested("related", 0, items(entries, 2)),
    nested("params", 0, mapping(("image", "author", "other", "True"), 2, 2)),
    nested("extras", 0, mapping(OTHER_KEYS, 2, 3)),
)
mapped_fronts = st.tuples(
    st.lists(sure_parts, max_size=4), st.lists(mapped_parts, max_size=1) | st.lists(mapped_parts, max_size=3)
).map(
    lambda chosen: "".join(
        {part.partition(":")[0]: part for part in ("title: A title\n", *chosen[0], *chosen[1])}.values()
    )
)
