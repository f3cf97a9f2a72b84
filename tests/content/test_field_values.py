"""Values of own fields: the same in every format and from both YAML parsers, with the same problems."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gqlnews.content.front_matter import split_front_matter
from gqlnews.content.html import render
from gqlnews.content.models import ContentProblem, ParsedArticle, ParseOptions, ProblemSeverity
from gqlnews.content.parse_file import parse_article
from gqlnews.content.parse_tree import parse_with_positions
from gqlnews.content.yaml_fast import parse_fast
from gqlnews.custom_fields import CustomField, FieldType, Storage

KEYS = {"title": "A", "publishedDateTime": "2021-04-15", "webUrl": "https://a.example/x/1"}
YAML = "".join(f"{key}: {value}\n" for key, value in KEYS.items())
TOML = "".join(f"{key} = {json.dumps(value)}\n" for key, value in KEYS.items())
BAD, REPAIRED = "bad-field", "repaired-type"

# Type, and the value as YAML, TOML and JSON; the value that is served and the problem.
# `plain`: as YAML and as TOML and JSON have it; `text`: with quotes in each of them.
PLAIN = (
    ("String", "7", "7", None),
    ("String", "-1", "-1", None),
    ("String", "true", "true", None),
    ("String", "[1]", None, BAD),
    ("Int", "7", 7, None),
    ("Int", "-0", 0, None),
    ("Int", "-2147483648", -2147483648, None),
    ("Int", "2147483648", None, BAD),
    ("Int", "1.5", None, BAD),
    ("Int", "true", None, BAD),
    ("Int", "[7]", None, BAD),
    ("Float", "7", 7.0, None),
    ("Float", "1.10", 1.1, None),
    ("Float", "-0.5", -0.5, None),
    ("Float", "-0.0", 0.0, None),
    ("Float", "1e3", 1000.0, None),
    ("Float", "1e400", None, BAD),
    ("Float", "false", None, BAD),
    ("Boolean", "true", True, None),
    ("Boolean", "false", False, None),
    ("Boolean", "1", None, BAD),
    ("Date", "20210415", None, BAD),
    ("DateTime", "5", None, BAD),
    ("URL", "5", "https://a.example/x/5", None),
    ("JSON", "7", 7, None),
    ("JSON", "1.5", 1.5, None),
    ("JSON", "true", True, None),
    ("JSON", "[1, true, [1.5]]", [1, True, [1.5]], None),
)
TEXTS = (
    ("String", "gold", "gold", None),
    ("String", " Fish &amp; chips ", " Fish & chips ", None),
    ("String", "yes", "yes", None),
    ("String", "2021-04-15", "2021-04-15", None),
    ("String", "", None, None),
    ("String", " ", None, None),
    ("Int", "36", 36, REPAIRED),
    ("Int", "+5", 5, REPAIRED),
    ("Int", " 36", None, BAD),
    ("Int", "007", None, BAD),
    ("Int", "0x1F", None, BAD),
    ("Int", "1_000", None, BAD),
    ("Int", "many", None, BAD),
    ("Int", "\u0663", None, BAD),
    ("Float", "2.5", 2.5, REPAIRED),
    ("Float", ".5", 0.5, REPAIRED),
    ("Float", "nan", None, BAD),
    ("Float", "inf", None, BAD),
    ("Float", "-Infinity", None, BAD),
    ("Boolean", "true", True, REPAIRED),
    ("Boolean", "Yes", True, REPAIRED),
    ("Boolean", "off", False, REPAIRED),
    ("Boolean", "y", None, BAD),
    ("Date", "2021-04-15", "2021-04-15", None),
    ("Date", "2021-04-15T23:00:00-05:00", "2021-04-15", None),
    ("Date", "2021-02-30", None, BAD),
    ("Date", "soon", None, BAD),
    ("DateTime", "2021-04-15", "2021-04-14T22:00:00Z", None),
    ("DateTime", "2021-04-15 13:00", "2021-04-15T11:00:00Z", None),
    ("DateTime", "2021-04-15T13:00:00.250Z", "2021-04-15T13:00:00.250Z", None),
    ("DateTime", "0001-01-01", None, BAD),
    ("URL", "https://b.example/?a=1&amp;b", "https://b.example/?a=1&b", None),
    ("URL", "/y", "https://a.example/y", None),
    ("URL", " z ", "https://a.example/x/z", None),
    ("URL", "//b.example/c", "https://b.example/c", None),
    ("URL", "mailto:a@b.example", "mailto:a@b.example", None),
    ("URL", "java&#115;cript:x", None, BAD),
    ("URL", "data:text/html,x", None, BAD),
    ("JSON", "true", "true", None),
    ("JSON", "&amp;", "&amp;", None),
)
FORMATS = ("block", "flow", "toml", "json")
ALL = [(*case, False) for case in PLAIN] + [(*case, True) for case in TEXTS]

# Values that YAML 1.1 and 1.2 read differently, or that have several spellings.
SPELLED = (
    *("007", "0o17", "0x1F", "0b11", "1_000", "+12", "-0", "0.", ".5", "1e3", "1E+2", "1e400", "12:30:45"),
    *(".inf", "-.INF", ".nan", "yes", "No", "ON", "y", "TRUE", "tRue", "~", "null", "''", "' '", "[]", "{}"),
    *(
        "2021-04-15",
        "2021-04-15 13:00",
        "2021-4-5",
        "'36'",
        '"1.5"',
        "'true'",
        "a &amp; b",
        "a\\b",
        "'it''s'",
    ),
    *(
        "9223372036854775808",
        "99999999999999999999",
        "1.0",
        "100000000000000000000.5",
        "0.1e-9",
        "-7",
        "x: y",
    ),
    *(
        "[a, b]",
        "[1, 2.5, yes]",
        "{a: 1}",
        "{a: 007}",
        "|\n  text",
        ">-\n  a\n  b",
        "&a b",
        "!!str 3",
        "# no",
    ),
)


def declared(kind: str, *, is_list: bool = False, required: bool = False, key: str = "v") -> CustomField:
    path = tuple(key.split("."))
    return CustomField("v", FieldType(kind), is_list, path, filter=kind != "JSON", required=required)


def options_for(field: CustomField) -> ParseOptions:
    return ParseOptions(fields=(field,), time_zone="Europe/Berlin")


def parse(text: str, field: CustomField) -> tuple[ParsedArticle | None, tuple[ContentProblem, ...]]:
    return parse_article("a.md", text.encode(), options_for(field))


def served(article: ParsedArticle | None, field: CustomField) -> Any:
    assert article is not None
    found = article.field_values[0]
    if found is None or field.rendered.storage not in {Storage.JSON, Storage.FLAG}:
        return found
    return bool(found) if field.rendered.storage is Storage.FLAG else json.loads(found)


def document(format_: str, value: str, *, is_text: bool) -> tuple[str, int, int]:
    """Return a file with the value, and the line and the column of its problems."""
    written = json.dumps(value, ensure_ascii=False) if is_text else value
    match format_:
        case "block":
            return f"---\n{YAML}v: {written}\n---\n", 5, 4
        case "flow":
            front = f"{{{', '.join(f'{key}: {json.dumps(each)}' for key, each in KEYS.items())}, v: "
            return f"---\n{front}{written}}}\n---\n", 2, len(front) + 1
        case "toml":
            return f"+++\n{TOML}v = {written}\n+++\n", 5, 1
    keys = "".join(f'  "{key}": {json.dumps(each)},\n' for key, each in KEYS.items())
    return f'{{\n{keys}  "v": {written}\n}}\n', 5, 3


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("kind", "written", "expected", "code", "is_text"), ALL)
def test_a_value_is_the_same_in_every_format(
    format_: str, kind: str, written: str, expected: Any, code: str | None, is_text: bool
) -> None:
    field = declared(kind)
    text, line, column = document(format_, written, is_text=is_text)
    article, problems = parse(text, field)
    value = served(article, field)
    assert (value, type(value)) == (expected, type(expected))
    found = [(each.code, each.line, each.column) for each in problems]
    assert found == ([(code, line, column)] if code else [])


def spelled_documents() -> Iterator[str]:
    """Yield front matter with each value alone, in lists and below another key."""
    for value in SPELLED:
        yield f"{YAML}v: {value}\n"
        if "\n" not in value:
            yield f"{YAML}v:\n- {value}\n"
            yield f"{YAML}v:\n  - x\n  - {value}\n"
            yield f"{YAML}v: [{value}]\n"
            yield f"{YAML}v:\n- - {value}\n"
            yield f"{YAML}v:\n  a: {value}\n"
            yield f"{YAML}v:\n  a:\n  - {value}\n  b: 1\n"


@pytest.mark.parametrize("key", ["v", "v.a"])
@pytest.mark.parametrize("is_list", [False, True])
@pytest.mark.parametrize("kind", list(FieldType))
def test_both_parsers_return_the_same_values(kind: str, is_list: bool, key: str) -> None:
    options = options_for(declared(kind, is_list=is_list, key=key))
    different = []
    for front in spelled_documents():
        parts = split_front_matter(f"---\n{front}---\n")
        assert parts is not None
        fast = parse_fast("a.md", parts, render(""), options)
        if fast is not None and fast != parse_with_positions("a.md", parts, render(""), options):
            different.append(front.removeprefix(YAML))
    assert not different


def test_plain_values_do_not_need_the_parser_with_positions() -> None:
    values = ("gold", "36", "1.5", "true", "2021-04-15", "2021-04-15T13:00:00Z", "/x", "text")
    for kind, value in zip(FieldType, values, strict=True):
        parts = split_front_matter(f"---\n{YAML}v: {value}\n---\n")
        assert parts is not None
        assert parse_fast("a.md", parts, render(""), options_for(declared(kind))) is not None, kind


@pytest.mark.parametrize(
    ("kind", "written", "expected", "problems"),
    [
        ("String", "gold", ["gold"], []),
        ("String", "[gold, ~, gold, '']", ["gold", "gold", ""], []),
        ("Int", "[1, many, '3']", [1, 3], [(BAD, 8), (REPAIRED, 14)]),
        ("Int", "[many, [1], {a: 1}]", None, [(BAD, 5), (BAD, 11), (BAD, 16)]),
        ("Boolean", "[yes, off]", [True, False], []),
        ("JSON", "[{a: [1]}, ~, text]", [{"a": [1]}, "text"], []),
        ("JSON", "{a: 1}", [{"a": 1}], []),
        ("Date", "[]", None, []),
        ("Date", "[~]", None, []),
    ],
)
def test_items_of_a_list_are_read_one_by_one(
    kind: str, written: str, expected: Any, problems: list[tuple[str, int]]
) -> None:
    field = declared(kind, is_list=True)
    article, found = parse(f"---\n{YAML}v: {written}\n---\n", field)
    assert served(article, field) == expected
    assert [(each.code, each.line, each.column) for each in found] == [(code, 5, at) for code, at in problems]


@pytest.mark.parametrize(
    ("kind", "is_list", "lines", "code"),
    [
        ("Int", False, "", "missing-key"),
        ("Int", False, "v:\n", "missing-key"),
        ("String", False, "v: ''\n", "missing-key"),
        ("Int", False, "v: many\n", BAD),
        ("Int", True, "v: []\n", "missing-key"),
        ("Int", True, "v: [~]\n", "missing-key"),
        ("Int", True, "v:\n- ~\n", "missing-key"),
        ("Int", True, "v: [1, many]\n", BAD),
    ],
)
def test_an_article_without_a_required_value_is_not_served(
    kind: str, is_list: bool, lines: str, code: str
) -> None:
    field = declared(kind, is_list=is_list, required=True)
    article, problems = parse(f"---\n{YAML}{lines}---\n", field)
    assert article is None
    assert [each.code for each in problems if each.severity is ProblemSeverity.ERROR] == [code]
