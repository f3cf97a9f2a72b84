"""The configuration that `gqlnews init` suggests for a folder."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from gqlnews.content.safe_open import OpenFolder
from gqlnews.custom_fields import CustomField, FieldType
from gqlnews.discovery.content_config import ConfigReader
from gqlnews.discovery.suggest_config import SuggestedConfig, suggest_config
from tests.server.support import write_articles


def suggest(folder: Path, files: Mapping[str, str]) -> SuggestedConfig:
    """Return the suggestion, after checking that it is accepted with and without the comments."""
    with OpenFolder.open(write_articles(folder, files)) as content:
        suggested = suggest_config(content, lambda _done, _total: None)
    accepted = ConfigReader(suggested.text()).read()
    assert accepted is not None
    assert accepted.fields == ()
    uncommented = ConfigReader(re.sub("^# ", "", suggested.text(), flags=re.MULTILINE)).read()
    assert uncommented is not None
    assert uncommented.fields == tuple(guessed.field for guessed in suggested.fields)
    return suggested


def guess(folder: Path, *front_matters: str, **files: str) -> dict[str, CustomField]:
    """Return the fields by name, for one file with each front matter."""
    articles = {
        f"{number}.md": f"---\ntitle: A\ndate: 2021-04-15\n{front}\n---\n"
        for number, front in enumerate(front_matters)
    }
    fields = suggest(folder, articles | files).fields
    return {guessed.field.name: guessed.field for guessed in fields}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("true", "no"), FieldType.BOOLEAN),
        (("1", "-20"), FieldType.INT),
        (("1", "2.5"), FieldType.FLOAT),
        (("1", "4294967296"), FieldType.FLOAT),
        (("1", "12345678901234567890"), FieldType.STRING),
        (("2021-04-15", "April 16, 2021"), FieldType.DATE),
        (("2021-04-15", "2021-04-16T13:00:00Z"), FieldType.DATE_TIME),
        (("https://a.example/b", "/c"), FieldType.URL),
        (("https://a.example/b", "c d"), FieldType.STRING),
        (("true", "1"), FieldType.STRING),
        (("1", "'2'"), FieldType.STRING),
        (("007",), FieldType.STRING),
        (("04/05/2021",), FieldType.STRING),
        (("{a: 1}", "b"), FieldType.JSON),
        (("[{a: 1}]",), FieldType.JSON),
        (("[[1]]",), FieldType.JSON),
    ],
)
def test_the_type_is_the_narrowest_that_fits_every_value(
    tmp_path: Path, values: tuple[str, ...], kind: FieldType
) -> None:
    field = guess(tmp_path, *(f"key: {value}" for value in values))["key"]
    assert (field.type, field.is_list) == (kind, False)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("[1, 2]", "[]"), FieldType.INT),
        (("[1, null]", "2.5"), FieldType.FLOAT),
        (("[a, b]", "c"), FieldType.STRING),
        (("[https://a.example]",), FieldType.URL),
    ],
)
def test_a_list_has_the_type_of_its_items(tmp_path: Path, values: tuple[str, ...], kind: FieldType) -> None:
    field = guess(tmp_path, *(f"key: {value}" for value in values))["key"]
    assert (field.type, field.is_list, field.order) == (kind, True, False)


def test_a_key_of_a_twentieth_of_the_articles_is_suggested(tmp_path: Path) -> None:
    front_matters = ["often: a", *["empty:"] * 19]
    assert list(guess(tmp_path, *front_matters)) == ["often"]
    assert guess(tmp_path, *front_matters, "") == {}  # one of 21


def test_files_that_are_no_articles_do_not_count(tmp_path: Path) -> None:
    pages = {f"page{number}.md": "---\nkey: a\n---\n" for number in range(30)}
    suggested = suggest(tmp_path, {"a.md": "---\ndate: 2021-04-15\nother: b\n---\n", **pages})
    assert suggested.articles == 1
    assert [(guessed.field.name, guessed.articles) for guessed in suggested.fields] == [("other", 1)]


def test_keys_that_articles_are_read_from_are_not_suggested(tmp_path: Path) -> None:
    assert guess(tmp_path, "tags: [a]\nslug: b\ndescription: c\nquality: 3\nparams: {image: d.png}") == {}
    native = {"n.md": "---\npublishedDateTime: 2021-04-15\ncategory: a\nwebUrl: https://a.example/\n---\n"}
    assert suggest(tmp_path / "native", native).fields == []


def test_keys_in_a_mapping_are_fields_of_their_own(tmp_path: Path) -> None:
    fields = guess(tmp_path, "params: {sponsor: ACME, image: a.png, deep: {er: 1}}\nsponsor: other")
    assert {name: (field.key, field.type) for name, field in fields.items()} == {
        "sponsor": (("sponsor",), FieldType.STRING),
        "paramsSponsor": (("params", "sponsor"), FieldType.STRING),
        "er": (("params", "deep", "er"), FieldType.INT),
    }


def test_a_mapping_with_other_keys_in_each_file_is_one_field(tmp_path: Path) -> None:
    front_matters = [f"scores: {{key{number}: 1}}" for number in range(30)]
    fields = guess(tmp_path, *front_matters)
    assert {name: field.type for name, field in fields.items()} == {"scores": FieldType.JSON}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("reading_level", "reading_level"),
        ("front-page", "frontPage"),
        ("'2nd title'", "_2ndTitle"),
        ("Überschrift", "Uberschrift"),
        ("日本", "field2"),
        ("__typename", "customTypename"),
        ("_", "_"),
        ("section", "customSection"),
        ("heat_", "heat_"),
    ],
)
def test_a_field_has_a_valid_name(tmp_path: Path, key: str, name: str) -> None:
    fields = guess(tmp_path, f"{key}: a")
    assert [field.key for field in fields.values()] == [(key.strip("'"),)]
    assert list(fields) == [name]


def test_names_that_are_equal_in_upper_snake_case_differ(tmp_path: Path) -> None:
    fields = guess(tmp_path, "readingLevel: a\nreading_level: b\nreading-level: c")
    assert len({field.order_value for field in fields.values()}) == 3


@pytest.mark.parametrize("key", ['"a.b"', '" a"', '"a\\nb"', '""'])
def test_a_key_that_no_path_can_name_is_not_suggested(tmp_path: Path, key: str) -> None:
    assert guess(tmp_path, f"{key}: a") == {}


def test_a_key_with_quotes_is_escaped(tmp_path: Path) -> None:
    fields = guess(tmp_path, "'say \"hi\" \\ #1': a")
    assert [field.key for field in fields.values()] == [('say "hi" \\ #1',)]


def test_at_most_100_fields_are_suggested(tmp_path: Path) -> None:
    assert len(guess(tmp_path, "\n".join(f"key{number}: a" for number in range(150)))) == 100


def test_few_distinct_values_are_a_facet(tmp_path: Path) -> None:
    lines = [f"few: {number % 3}\nmany: {number}\nreal: {number % 3}.5" for number in range(12)]
    fields = guess(tmp_path, *lines)
    assert {name: field.facet for name, field in fields.items()} == {
        "few": True,
        "many": False,
        "real": False,
    }
    assert all(field.filter and field.order for field in fields.values())


def test_the_case_of_hugos_keys_does_not_matter(tmp_path: Path) -> None:
    front = "---\ntitle: A\ndate: 2021-04-15\nSponsor: {}\n---\n"
    files = {
        "hugo.toml": "title = 'A'\n",
        "content/a.md": front.format("a"),
        "content/b.md": front.lower().format("b"),
    }
    (guessed,) = suggest(tmp_path, files).fields
    assert (guessed.field.key, guessed.articles) == (("Sponsor",), 2)


def test_what_the_site_says_is_written(tmp_path: Path) -> None:
    config = "url: https://a.example\ntitle: 'A \"B\"'\ntimezone: Europe/Paris\npermalink: /:year/:title/\n"
    files = {"_config.yml": config, "_posts/2021-04-15-a.md": "---\ntitle: A\n---\n"}
    assert suggest(tmp_path, files).values == {
        "preset": '"jekyll"',
        "base-url": '"https://a.example"',
        "permalink": '"/:year/:title/"',
        "time-zone": '"Europe/Paris"',
        "provider": '{ name = "A \\"B\\"", domain = "a.example" }',
    }


def test_what_serve_would_refuse_is_not_written(tmp_path: Path) -> None:
    config = "baseURL = '/blog/'\ntitle = ' '\n"
    assert suggest(tmp_path, {"hugo.toml": config, "content/a.md": ""}).values == {"preset": '"hugo"'}


def test_what_differs_between_sites_is_not_written(tmp_path: Path) -> None:
    front = "---\ntitle: A\ndate: 2021-04-15\n---\n"
    files = {
        "a/hugo.toml": "baseURL = 'https://a.example/'\n",
        "a/content/a.md": front,
        "b/hugo.toml": "baseURL = 'https://b.example/'\n",
        "b/content/b.md": front,
    }
    assert suggest(tmp_path, files).values == {"preset": '"hugo"'}
    assert suggest(tmp_path, {"c.md": front}).values == {}


def test_a_permalink_that_would_change_an_address_is_not_written(tmp_path: Path) -> None:
    front = "---\ntitle: A\ndate: 2021-04-15\n---\n"
    files = {"hugo.toml": "permalinks = {post = '/:year/:slug/'}\n", "content/post/a.md": front}
    assert suggest(tmp_path, files).values["permalink"] == '"/:year/:slug/"'
    assert "permalink" not in suggest(tmp_path, {"content/news/a.md": front}).values


def test_broken_files_are_passed_over(tmp_path: Path) -> None:
    folder = write_articles(
        tmp_path, {"a.md": "---\ndate: 2021-04-15\nkey: a\n---\n", "b.md": "---\nkey: [\n---\n"}
    )
    (folder / "c.md").write_bytes(b"---\nkey: \xff\n---\n")
    (folder / "d.md").symlink_to(folder / "missing.md")
    (folder / "e.md").write_bytes(b" " * 1_100_000)
    assert suggest(folder, {}).articles == 1
