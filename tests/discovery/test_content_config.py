"""The file `gqlnews.toml`: where it is found, what it says, and each mistake with its line."""

import os
from pathlib import Path

import pytest

from gqlnews.content.models import NO_CONFIG, ContentConfig
from gqlnews.content.parse_file import MAX_BYTES
from gqlnews.content.presets.site import SiteOverrides
from gqlnews.content.safe_open import OpenFolder
from gqlnews.custom_fields import CustomField, FieldType
from gqlnews.discovery.config_files import outside_stamp
from gqlnews.discovery.find_config import FoundConfig, find_config


def find(folder: Path, path: str | None = None) -> FoundConfig:
    with OpenFolder.open(folder) as content:
        return find_config(content, path)


def read(folder: Path, text: str | bytes) -> FoundConfig:
    """Write the file, and find it."""
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "gqlnews.toml").write_bytes(data)
    return find(folder)


def accepted(folder: Path, text: str) -> ContentConfig:
    found = read(folder, text)
    assert found.problems == ()
    assert found.config is not None
    return found.config


def mistakes(folder: Path, text: str | bytes) -> list[tuple[int | None, str]]:
    """Return line and message of each problem."""
    found = read(folder, text)
    assert found.config is None
    assert {(problem.path, problem.code, problem.severity) for problem in found.problems} == {
        ("gqlnews.toml", "bad-config", "ERROR")
    }
    return [(problem.line, problem.message) for problem in found.problems]


# What it says.


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """\
preset = "hugo"
base-url = "https://news.example"
permalink = "/:year/:month/:slug/"
time-zone = "Europe/Berlin"
language = "EN"
provider = { name = "The Example", domain = "News.example" }
[keys]
title = ["headline", "params.title"]
excerpt = "deck"
[fields.sponsor]
type = ["String"]
key = "params.sponsor"
description = "Who paid for it."
filter = true
facet = true
visible-to = "editors"
required = true
[fields.plain]
"""
    assert accepted(tmp_path, text) == ContentConfig(
        "https://news.example",
        SiteOverrides(
            preset="hugo",
            permalink="/:year/:month/:slug/",
            provider_name="The Example",
            provider_domain="news.example",
            time_zone="Europe/Berlin",
            language="en",
            keys=(("title", ("headline", "params.title")), ("excerpt", ("deck",))),
        ),
        (
            CustomField(
                "sponsor",
                FieldType.STRING,
                is_list=True,
                key=("params", "sponsor"),
                description="Who paid for it.",
                filter=True,
                facet=True,
                editor_only=True,
                required=True,
            ),
            CustomField("plain", key=("plain",)),
        ),
    )


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "\ufeff# with a byte order mark\r\n", "[fields]\n[keys]\n"]
)
def test_everything_is_optional(tmp_path: Path, text: str) -> None:
    assert accepted(tmp_path, text) == ContentConfig()


@pytest.mark.parametrize("kind", FieldType)
def test_every_type_may_be_a_list(tmp_path: Path, kind: FieldType) -> None:
    (field,) = accepted(tmp_path, f'[fields.a]\ntype = ["{kind}"]\n').fields
    assert (field.type, field.is_list) == (kind, True)


@pytest.mark.parametrize("name", ["_", "a1", "readingLevel", "reading_level", "topicX", "Sponsor"])
def test_a_field_may_have_any_free_name(tmp_path: Path, name: str) -> None:
    assert accepted(tmp_path, f"[fields.{name}]\n").fields[0].name == name


def test_a_hundred_fields_are_allowed(tmp_path: Path) -> None:
    fields = "".join(f"[fields.a{number}]\n" for number in range(100))
    assert len(accepted(tmp_path, fields).fields) == 100


# Mistakes.


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        # the file
        ("a = 1\nb =\n", 2, "The file is not valid TOML"),
        ("preset = 'hugo'\npreset = 'zola'\n", 2, "The file is not valid TOML"),
        # unknown keys
        ("\nprest = 'hugo'\n", 2, "`prest` is not a key of gqlnews.toml: did you mean `preset`?"),
        (
            "zzzz = 1\n",
            1,
            "known are preset, base-url, permalink, time-zone, language, provider, keys, fields.",
        ),
        ("[feilds.a]\n", 1, "did you mean `fields`?"),
        ("# a\n[provider]\nname = 'A'\ndomian = 'a.example'\n", 4, "did you mean `domain`?"),
        ("provider = { nmae = 'A' }\n", 1, "did you mean `name`?"),
        ("[keys]\n\nheadline = 'a'\n", 3, "`keys.headline` is not a key"),
        ("[keys]\npublished = 'a'\n", 2, "`keys.published` is not a key"),
        ("[fields.a]\nfliter = true\n", 2, "did you mean `filter`?"),
        ("[fields.a]\n[fields.a.b]\n", 2, "`fields.a.b` is not a key"),
        # values
        ("preset = 'huggo'\n", 1, "`preset` cannot be 'huggo': write 'hugo'."),
        ("preset = 1\n", 1, "`preset` cannot be 1: it is one of hugo, "),
        ("base-url = 'news.example'\n", 1, "`base-url` is not an http or https URL"),
        ("base-url = 'https://'\n", 1, "`base-url` is not an http or https URL"),
        ("base-url = 'https://['\n", 1, "`base-url` is not an http or https URL"),
        ("base-url = ''\n", 1, "`base-url` must be a text."),
        ("permalink = '/:year/:nothing/'\n", 1, "`permalink` contains :nothing, which is not one of :"),
        ("time-zone = 'Mars/Olympus'\n", 1, "`time-zone` is not a time zone such as 'Europe/Berlin'."),
        ("time-zone = '/etc/passwd'\n", 1, "`time-zone` is not a time zone"),
        ("time-zone = '../UTC'\n", 1, "`time-zone` is not a time zone"),
        ("time-zone = 2021-04-15\n", 1, "`time-zone` is not a time zone"),
        ("language = 'en us'\n", 1, "`language` is not a language tag such as 'en' or 'pt-BR'."),
        ("language = ['en']\n", 1, "`language` must be a text."),
        ("provider = 'A'\n", 1, "`provider` must be a table: write `[provider]`"),
        ("[provider]\ndomain = 'https://a.example'\n", 2, "`domain` is not a domain such as"),
        ("keys = 1\n", 1, "`keys` must be a table"),
        ("[keys]\ntitle = []\n", 2, "`title` must have a key."),
        ("[keys]\ntitle = ['a', 'b..c']\n", 2, "`title` is not a key such as 'sponsor'"),
        ("[keys]\ntitle = [1]\n", 2, "`title` must be a text."),
        ("fields = []\n", 1, "`fields` must be a table"),
        ("[[fields]]\nname = 'a'\n", 1, "`fields` must be a table"),
        ("[fields]\na = 'String'\n", 2, "`a` must be a table: write `[fields.a]`"),
        ("[fields.a]\ntype = 'Strng'\n", 2, "`type` cannot be 'Strng': write 'String'."),
        ("[fields.a]\ntype = ['Int', 'String']\n", 2, '`type` of a list has one type, such as ["String"].'),
        ("[fields.a]\ntype = []\n", 2, "`type` of a list has one type"),
        ("[fields.a]\ntype = [['Int']]\n", 2, "`type` cannot be ['Int']"),
        ("[fields.a]\nkey = 'params.'\n", 2, "`key` is not a key such as 'sponsor' or 'params.sponsor'."),
        ("[fields.a]\nkey = ['a']\n", 2, "`key` must be a text."),
        ("[fields.a]\ndescription = 1\n", 2, "`description` must be a text."),
        ("[fields.a]\nfilter = 'yes'\n", 2, "`filter` must be true or false."),
        ("[fields.a]\nrequired = 1\n", 2, "`required` must be true or false."),
        ("[fields.a]\nvisible-to = 'editor'\n", 2, "`visible-to` cannot be 'editor': write 'editors'."),
        # uses
        ("[fields.a]\ntype = 'JSON'\nfilter = true\n", 1, "`a` cannot have `filter`, because it is `JSON`."),
        ("[fields.a]\ntype = 'JSON'\norder = true\n", 1, "cannot have `order`"),
        ("[fields.a]\ntype = ['Int']\norder = true\n", 1, "because it is a list of `Int`."),
        ("[fields.a]\ntype = 'JSON'\nfacet = true\n", 1, "cannot have `facet`"),
        ("[fields.a]\ntype = 'Float'\nfacet = true\n", 1, "cannot have `facet`"),
        ("[fields.a]\ntype = ['DateTime']\nfacet = true\n", 1, "cannot have `facet`"),
        # names
        ("[fields.ok]\n[fields.front-page]\n", 2, "`front-page` cannot be a field's name"),
        ("[fields.1st]\n", 1, "cannot be a field's name"),
        ("[fields.'überschrift']\n", 1, "cannot be a field's name"),
        ("[fields.__typename]\n", 1, "`__typename` cannot be a field's name"),
        ("[fields.title]\n", 1, "`title` is a name of Article: choose another"),
        ("[fields.hasImage]\n", 1, "`hasImage` is a name of ArticleFilter"),
        ("[fields.and]\n", 1, "`and` is a name of ArticleFilter"),
        ("[fields.categories]\n", 1, "`categories` is a name of ArticleFacets"),
        ("[fields.updated_at]\n", 1, "`updated_at` is a name of ArticleOrderField"),
        ("[fields.parent]\n", 1, "`parent` is a name of a version to come"),
        (
            "[fields.readingLevel]\n[fields.reading_level]\n",
            2,
            "`reading_level` and `readingLevel` would both be `READING_LEVEL` in `ArticleOrderField`",
        ),
    ],
)
def test_a_mistake_is_reported_at_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    ((at, reported),) = mistakes(tmp_path, text)
    assert message in reported
    assert at == line


def test_all_mistakes_are_reported_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "prest = 'hugo'\nlanguage = 1\n[fields.title]\nfliter = true\n"
    assert [line for line, _ in mistakes(tmp_path, text)] == [1, 2, 3, 4]


def test_more_than_100_fields_are_refused(tmp_path: Path) -> None:
    fields = "[fields]\n" + "".join(f"[fields.a{number}]\n" for number in range(101))
    assert mistakes(tmp_path, fields) == [(1, "There are 101 fields, and 100 are allowed: remove some.")]


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    assert mistakes(tmp_path, b"# caf\xe9\n") == [(None, "The file cannot be read: it is not UTF-8.")]
    ((_, message),) = mistakes(tmp_path, "#" * (MAX_BYTES + 1))
    assert message == "The file cannot be read: it has more than 1,048,576 bytes."
    assert read(tmp_path, "#" * MAX_BYTES).problems == ()


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gqlnews.toml").write_text("preset = 'hugo'\n")
    assert find(tmp_path).problems == ()
    owner = os.stat(tmp_path / "gqlnews.toml").st_uid
    fstat = os.fstat

    def of_another(descriptor: int) -> os.stat_result:
        status = list(fstat(descriptor))
        status[4] = owner + 4321
        return os.stat_result(status)

    monkeypatch.setattr("gqlnews.discovery.find_config.os.fstat", of_another)
    (problem,) = find(tmp_path).problems
    assert problem.message == (
        "The file cannot be read: it belongs to another user, who could change what is served."
    )


@pytest.mark.parametrize("kind", ["outside", "loop", "dangling", "folder", "pipe"])
def test_what_is_no_file_of_the_folder_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "content"
    folder.mkdir()
    (tmp_path / "outside.toml").write_text("preset = 'hugo'\n")
    file = folder / "gqlnews.toml"
    match kind:
        case "outside":
            file.symlink_to(tmp_path / "outside.toml")
        case "loop":
            file.symlink_to(file)
        case "dangling":
            file.symlink_to(folder / "missing.toml")
        case "folder":
            file.mkdir()
        case _:
            os.mkfifo(file)
    found = find(folder)
    assert found.config is None
    assert [problem.line for problem in found.problems] == [None]


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("preset = 'hugo'\n")
    (tmp_path / "gqlnews.toml").symlink_to("own.toml")
    found = find(tmp_path)
    assert found.config is not None
    assert found.config.overrides.preset == "hugo"


# Where it is found.


def test_without_a_file_the_configuration_is_empty(tmp_path: Path) -> None:
    assert find(tmp_path) == FoundConfig(NO_CONFIG)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A content folder seven levels below the root of a git repository."""
    (tmp_path / "repository/.git").mkdir(parents=True)
    folder = tmp_path / "repository/1/2/3/4/5/6/7"
    folder.mkdir(parents=True)
    return folder


def test_the_nearest_file_up_to_the_root_of_the_repository_counts(tmp_path: Path, deep: Path) -> None:
    (tmp_path / "gqlnews.toml").write_text("language = 'a-beyond'\n")
    assert find(deep).path is None
    for place in (tmp_path / "repository", tmp_path / "repository/1/2", deep):
        (place / "gqlnews.toml").write_text("language = 'en'\n")
        assert find(deep).path == place / "gqlnews.toml"


def test_outside_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    folder.mkdir()
    (tmp_path / "gqlnews.toml").write_text("language = 'en'\n")
    if not any((parent / ".git").exists() for parent in tmp_path.parents):
        assert find(folder).path is None
    assert find(tmp_path).path == tmp_path / "gqlnews.toml"


def test_the_mistakes_of_a_file_above_have_a_path_that_leads_up(tmp_path: Path, deep: Path) -> None:
    (deep.parent.parent / "gqlnews.toml").write_text("prest = 1\n")
    assert [problem.path for problem in find(deep).problems] == ["../../gqlnews.toml"]


def test_a_file_with_mistakes_hides_those_above(tmp_path: Path, deep: Path) -> None:
    (tmp_path / "repository/gqlnews.toml").write_text("language = 'en'\n")
    (deep / "gqlnews.toml").write_text("prest = 1\n")
    assert find(deep).config is None


def test_the_given_file_wins(tmp_path: Path, deep: Path) -> None:
    (deep / "gqlnews.toml").write_text("language = 'en'\n")
    given = tmp_path / "given.toml"
    given.write_text("language = 'fr'\n")
    found = find(deep, str(given))
    assert found.config is not None
    assert (found.config.overrides.language, found.path) == ("fr", given)
    (problem,) = find(deep, str(tmp_path / "missing.toml")).problems
    assert "No such file" in problem.message


def test_the_stamp_changes_with_a_file_above_or_the_given_one(tmp_path: Path, deep: Path) -> None:
    given = tmp_path / "given.toml"
    stamps = [outside_stamp(deep, None), outside_stamp(deep, str(given))]
    (tmp_path / "repository/gqlnews.toml").write_text("")
    given.write_text("")
    stamps += [outside_stamp(deep, None), outside_stamp(deep, str(given))]
    given.write_text("#")
    stamps.append(outside_stamp(deep, str(given)))
    assert len(set(stamps)) == 4  # two are empty


def test_the_first_hundred_mistakes_are_reported(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "".join(f"k{number} = 1\n" for number in range(150)))
    assert [line for line, _ in found] == list(range(1, 101))
