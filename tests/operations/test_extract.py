"""Documents are found in every kind of source file, and their positions are those in the file."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.operations.extract import UncheckedSource, extract_sources
from gqlnews.operations.findings import Finding
from gqlnews.operations.sources import EmbeddedSource, FrontEndFile


def extract(text: str, suffix: str = ".ts") -> list[EmbeddedSource | Finding]:
    return list(extract_sources(FrontEndFile(f"file{suffix}", text), suffix))


def bodies(text: str, suffix: str = ".ts") -> list[str]:
    return [source.body for source in extract(text, suffix) if isinstance(source, EmbeddedSource)]


@pytest.mark.parametrize(
    "script",
    [
        "gql`D`",
        "graphql`D`",
        "Relay.graphql`D`",
        "gql `D`",
        "graphql<Data>`D`",
        "graphql<Data<Item[]>, Variables>`D`",
        "gql(`D`)",
        "gql('D')",
        'graphql("D", [Fragment])',
        "graphql<Data>(`D`)",
        "gql(/* GraphQL */ `D`)",
        "gql(\n/* any comment */ `D`)",
        "/* GraphQL */ `D`",
        "/* graphql */ 'D'",
        "f(1, /*GraphQL*/ `D`)",
        "x = { query: /* GraphQL */ `D` }",
        "`${gql`D`}`",
    ],
)
def test_a_literal_is_a_document(script: str) -> None:
    assert bodies(script) == ["D"]


def test_a_literal_that_begins_with_a_comment_is_a_document() -> None:
    assert bodies("f(`#graphql\nD`)") == ["#graphql\nD"]


@pytest.mark.parametrize(
    "script",
    [
        "// gql`D`",
        "/* gql`D` */ x",
        "'gql`D`'",
        "/gql`D`/.test(x)",
        "mygql`D`",
        "gqls`D`",
        "gql(name)",
        "gql(name, `D`)",
        "graphql.run(`D`)",
        "sql`D` // gql",
        "// uses gql\n'use client'",
        "<p>gql`D`</p>",
        "function graphql(source: 'D') {}",
        "graphql({ source: `D` })",
    ],
)
def test_other_literals_are_none(script: str) -> None:
    assert bodies(script, ".tsx") == []


def test_files_without_a_tag_are_not_parsed() -> None:
    assert extract("const broken = `") == []


def test_typescript_without_jsx_may_have_casts() -> None:
    assert bodies("const a = <number>b; gql`D`", ".ts") == ["D"]
    assert bodies("const a = <b>c</b>; gql`D`", ".tsx") == ["D"]


@pytest.mark.parametrize(
    ("suffix", "text", "expected"),
    [
        (".vue", "<template>gql`A`</template><script>gql`B`</script>", ["B"]),
        (".vue", "<SCRIPT lang='ts' setup>const a = <number>b; gql`B`</SCRIPT >", ["B"]),
        (".vue", '<script setup lang="tsx" generic="T extends A<B>">\ngql`B`</script>', ["B"]),
        (".vue", "<!-- <script>gql`A`</script> --><script>gql`B`</script>", ["B"]),
        (".vue", "<script>gql`B`", []),
        (".vue", "<!-- <script>gql`B`</script>", []),
        (".vue", "<scripts>gql`B`</scripts>", []),
        (".vue", "<script gql", []),
        (".svelte", "<script context='module'>gql`A`</script>\n<script>gql`B`</script>", ["A", "B"]),
        (".astro", "---\ngql`A`\n---\n<p>gql`B`</p><script>gql`C`</script>", ["A", "C"]),
        (".astro", "<p>no front matter</p><script>const a = <any>b; gql`C`</script>", ["C"]),
        (".astro", "---\ngql`A`", []),
    ],
)
def test_components_have_scripts(suffix: str, text: str, expected: list[str]) -> None:
    assert bodies(text, suffix) == expected


@pytest.mark.parametrize(
    ("script", "columns"),
    [
        ("gql`${A} query { a } ${B} ${C}`", []),
        ("gql`query { a } # ${A}`", []),
        ("gql`query { a ${A} } ${B} fragment F on T { a }`", [15]),
        ("gql`query ${A} { a }`", [11]),
        ("gql`fragment F on ${A} { a }`", [19]),
        ('gql`{ a(b: "${A}") }`', [13]),
        ('gql`{ a(b: """ } ${A}""", c: ${B}) }`', [18, 30]),
    ],
)
def test_interpolations_are_allowed_between_definitions(script: str, columns: list[int]) -> None:
    found = extract(script)
    assert [one.place.column for one in found if isinstance(one, Finding)] == columns
    assert [isinstance(one, UncheckedSource) for one in found if not isinstance(one, Finding)] == [
        bool(columns)
    ]


def test_a_template_of_interpolations_only_is_no_document() -> None:
    assert extract("gql`${A}\n  ${B}`") == []


def test_a_script_that_cannot_be_parsed_is_reported() -> None:
    found = extract("const a = ((;\nconst b = {{ gql`{ a }` ;;; `;\n")
    assert [one.code for one in found if isinstance(one, Finding)] == ["broken-script"]


# Positions: the place of a marker is known when the file is written.

MARK = "MARK"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)
TEMPLATES: list[tuple[str, str, str]] = [
    (".ts", "/* {} */ export const q = gql`", "`;"),
    (".tsx", "const a = <p>text</p>; /* {} */ f(graphql(`", "`));"),
    (".js", "/* {} */ f(/* GraphQL */ '", "');"),
    (".vue", "<template>{}</template>\n<script lang='ts'>\ngql`", "`</script>"),
    (".astro", "---\n/* {} */ gql`", "`\n---"),
]


@st.composite
def written(draw: st.DrawFn, character: str, is_template: bool) -> str:
    """Write a character of a document in a literal."""
    number = ord(character)
    ways: list[Callable[[], str]] = [lambda: f"\\u{{{number:x}}}"]
    if number > 0xFFFF:
        high, low = divmod(number - 0x10000, 0x400)
        ways.append(lambda: f"\\u{0xD800 + high:04X}\\u{0xDC00 + low:04x}")
    else:
        ways.append(lambda: f"\\u{number:04x}")
    if number <= 0xFF:
        ways.append(lambda: f"\\x{number:02x}")
    if character == "\n":
        ways.append(lambda: "\\n")
        if is_template:
            ways += [lambda: "\n", lambda: "\r\n"]
    elif character in "`'\\$":
        ways.append(lambda: "\\" + character)
    else:
        ways += [lambda: character] * 5
        ways.append(lambda: "\\\n" + character)
        ways.append(lambda: "\\\r\n" + character)
    return draw(st.sampled_from(ways))()


def place_of(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


@given(st.data(), st.sampled_from(TEMPLATES), TEXTS, TEXTS, TEXTS)
def test_positions_are_those_in_the_file(
    data: st.DataObject, template: tuple[str, str, str], padding: str, before: str, after: str
) -> None:
    suffix, opening, closing = template
    opening = opening.format("".join(one for one in padding if one not in "*/<>{}`'\\"))
    is_template = opening.endswith("`")
    value = f"{before}{MARK}{after}"
    parts = [data.draw(written(one, is_template)) for one in value]
    text = opening + "".join(parts) + closing
    offset = len(opening) + sum(map(len, parts[: len(before)]))
    if (first := parts[len(before)]).endswith("M"):
        offset += first.index("M")  # after a line continuation
    (source,) = extract(text, suffix)
    assert isinstance(source, EmbeddedSource)
    assert source.body == value
    place = source.place(len(before))
    assert (place.line, place.column) == place_of(text, offset)
