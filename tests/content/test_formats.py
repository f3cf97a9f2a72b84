"""TOML, JSON and Pelican's header: the same tree as YAML, and positions of problems."""

import pytest

from gqlnews.content.formats import JSON, TOML, parse_header, parse_json, parse_toml
from gqlnews.content.front_matter import split_front_matter, split_header_lines, to_plain
from gqlnews.content.yaml_strict import FrontMatterSyntaxError, Mapping, Node, Scalar


def texts(tree: Node) -> dict[str, str]:
    assert isinstance(tree, Mapping)
    return {key: node.text for key, node in tree.items.items() if isinstance(node, Scalar)}


def error(front: str, parse: object) -> tuple[str, int]:
    with pytest.raises(FrontMatterSyntaxError) as caught:
        parse(front)  # type: ignore[operator]
    return caught.value.diagnostic.code.value, caught.value.diagnostic.offset


def test_toml_values_keep_their_source_text() -> None:
    front = (
        '\ntitle = "A \\"title\\""\nversion = 1.10\ncount = 1_000\nday = 2021-04-15 # a day\n'
        "at = 2021-04-15 13:00:00+02:00\nclock = 12:30:45\ndraft = false\nbig = 1e999\n"
    )
    assert texts(parse_toml(front)[0]) == {
        "title": 'A "title"',
        "version": "1.10",
        "count": "1000",
        "day": "2021-04-15",
        "at": "2021-04-15 13:00:00+02:00",
        "clock": "12:30:45",
        "draft": "false",
        "big": "1e999",
    }


def test_toml_tables_and_lists_are_mappings_and_sequences() -> None:
    tree, _ = parse_toml('\n[extra]\nimage = "a.png"\nwhen = 2021-04-15\n[[authors]]\nname = "A"\n')
    assert to_plain(tree) == {
        "extra": {"image": "a.png", "when": "2021-04-15"},
        "authors": [{"name": "A"}],
    }


def test_dates_in_toml_tables_and_lists_are_in_utc_with_z() -> None:
    tree, _ = parse_toml("\n[extra]\nat = 2021-04-15T13:00:00Z\ndays = [2021-04-15, 2021-04-15 13:00:00Z]\n")
    assert to_plain(tree) == {
        "extra": {"at": "2021-04-15T13:00:00Z", "days": ["2021-04-15", "2021-04-15T13:00:00Z"]}
    }


def test_toml_text_is_not_taken_for_a_boolean_or_null() -> None:
    assert to_plain(parse_toml('\na = "true"\nb = "null"\nc = "1"\n')[0]) == {
        "a": "true",
        "b": "null",
        "c": "1",
    }


def test_the_offset_of_a_toml_value_is_that_of_its_top_level_key() -> None:
    front = '\ntitle = "A"\n\n[extra]\ntitle = "B"\n["quoted key"]\nx = 1\n'
    tree, _ = parse_toml(front)
    assert [front[node.offset :].split(maxsplit=1)[0] for node in tree.items.values()] == [
        "title",
        "[extra]",
        '["quoted',
    ]


@pytest.mark.parametrize(
    ("front", "at"),
    [
        ('\ntitle = "A"\ndate = 2021-13-01\n', "-13-01"),
        ("\na = 1\na = 2\n", "\n"),
        ("\na =\n", "\n"),
        ("\na", ""),
        ("\nx = " + "9" * 5000 + "\n", None),
        ("\nx = " + "[" * 5000, None),
        ("\n" + ".".join("a" * 100) + " = 1\n", None),
        ("\nx = " + "[" * 80 + "]" * 80, "x ="),
    ],
)
def test_broken_toml_is_reported_where_it_breaks(front: str, at: str | None) -> None:
    code, offset = error(front, parse_toml)
    assert code == "broken-toml"
    assert offset == 0 if at is None else front[offset:].startswith(at)


def test_too_many_toml_values_are_too_large() -> None:
    assert error("\nx = [" + "1," * 100_001 + "]\n", parse_toml)[0] == "too-large"


def test_long_toml_text_takes_no_long_time() -> None:
    text = "x" * 900_000
    assert texts(parse_toml(f'\na = "{text}"\n')[0]) == {"a": text}


def test_json_values_keep_their_source_text() -> None:
    tree, _ = parse_json(
        '{"a": 1.10, "b": "1", "c": null, "d": true, "e": [1], "f": {"g": "h"}}', last_wins=True
    )
    assert texts(tree) == {"a": "1.10", "b": "1", "c": "", "d": "true"}
    assert to_plain(tree) == {"a": 1.1, "b": "1", "c": None, "d": True, "e": [1], "f": {"g": "h"}}


@pytest.mark.parametrize(("last_wins", "code"), [(True, "repeated-key"), (False, "duplicate-key")])
def test_a_key_that_occurs_twice_in_json_is_reported(last_wins: bool, code: str) -> None:
    tree, diagnostics = parse_json('{"a": 1, "a": 2}', last_wins=last_wins)
    assert [each.code.value for each in diagnostics] == [code]
    assert texts(tree) == {"a": "2"}


@pytest.mark.parametrize(
    ("front", "at"),
    [
        ('{"a": 1,, "b": 2}', ', "b"'),
        ('{"a": ', ""),
        ('{"a": NaN}', '{"a"'),
        ('{"a": ' + "[" * 100_000, '{"a"'),
        ('{"a": ' + "[" * 80 + "]" * 80 + "}", '"a"'),
        ('{"b": 1, "a": ["\\ud800"]}', '"a"'),
    ],
)
def test_broken_json_is_reported_where_it_breaks(front: str, at: str) -> None:
    code, offset = error(front, lambda text: parse_json(text, last_wins=True))
    assert code == "broken-json"
    assert front[offset:].startswith(at)


def test_a_header_has_keys_in_lower_case_and_continuation_lines() -> None:
    tree, diagnostics = parse_header("Title: A title\nTAGS: a, b\nSummary: one\n    two\nTitle: B\n")
    assert texts(tree) == {"title": "B", "tags": "a, b", "summary": "one two"}
    assert [each.code.value for each in diagnostics] == ["repeated-key"]


# Splitting a file.


def test_front_matter_in_toml_ends_at_its_own_fence() -> None:
    parts = split_front_matter('+++\ntitle = "A"\n+++\n---\nbody\n')
    assert parts is not None
    assert (parts.front, parts.body, parts.first_line, parts.format) == (
        '\ntitle = "A"\n',
        "\n---\nbody\n",
        1,
        TOML,
    )


def test_front_matter_in_json_ends_at_its_last_brace() -> None:
    parts = split_front_matter('{\n  "title": "} {"\n}\n\nbody\n')
    assert parts is not None
    assert (parts.front, parts.body, parts.format) == ('{\n  "title": "} {"\n}', "\n\nbody\n", JSON)


@pytest.mark.parametrize("text", ["{% include x %}\n", "{{< figure >}}\n", "{: .class }\n", "{ text\n"])
def test_a_body_that_begins_with_a_brace_is_no_json(text: str) -> None:
    assert split_front_matter(text) is None


@pytest.mark.parametrize("blank", ["\n", "\n\n", " \n\t\n", "\r\n"])
def test_blank_lines_before_the_fence_are_allowed(blank: str) -> None:
    parts = split_front_matter(f"{blank}---\ntitle: A\n---\nbody\n")
    assert parts is not None
    assert (parts.front.strip(), parts.body.strip()) == ("title: A", "body")
    assert parts.first_line == 1 + blank.count("\n")


@pytest.mark.parametrize(
    "text", [" ---\ntitle: A\n---\n", "++\na = 1\n++\n", "+++\na = 1\n---\n", "+++ x\n+++\n"]
)
def test_other_fences_are_none(text: str) -> None:
    assert split_front_matter(text) is None


def test_a_header_ends_at_the_first_line_that_is_none() -> None:
    parts = split_header_lines("Title: A\nDate: 2021-04-15\n\nKey: in the body\n")
    assert parts is not None
    assert (parts.front, parts.body) == ("Title: A\nDate: 2021-04-15\n", "\nKey: in the body\n")
    assert split_header_lines("No header\nTitle: A\n") is None
