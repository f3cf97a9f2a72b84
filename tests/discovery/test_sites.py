"""Finding sites by their configuration files, below and above the content folder."""

import json
import os
from pathlib import Path

import pytest

from gqlnews.content.models import ParseOptions
from gqlnews.content.presets.site import ContentSite, SiteOverrides
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.config_files import is_config, outside_stamp
from gqlnews.discovery.sites import Detection, find_sites
from tests.server.support import write_articles

HUGO = 'baseURL = "https://example.org/"\ntitle = "Example"\n'


def detect(folder: Path, **overrides: object) -> Detection:
    with OpenFolder.open(folder) as content:
        return find_sites(content, ParseOptions(overrides=SiteOverrides(**overrides)))  # type: ignore[arg-type]


def only(folder: Path, **overrides: object) -> ContentSite:
    detection = detect(folder, **overrides)
    assert detection.problems == ()
    (site,) = detection.sites
    return site


@pytest.mark.parametrize(
    ("files", "preset", "config"),
    [
        ({"hugo.toml": HUGO}, "hugo", "hugo.toml"),
        ({"hugo.yaml": "title: Example\n"}, "hugo", "hugo.yaml"),
        ({"config.toml": HUGO}, "hugo", "config.toml"),
        ({"config.json": json.dumps({"BaseURL": "/"})}, "hugo", "config.json"),
        ({"config.yml": "languageCode: en\n"}, "hugo", "config.yml"),
        ({"config/_default/hugo.toml": HUGO}, "hugo", "config/_default/hugo.toml"),
        ({"config/_default/params.toml": "a = 1\n"}, "hugo", "config/_default/params.toml"),
        ({"config.toml": "title = 'Another program'\n"}, "generic", ""),
        ({"config.toml": "base_url = 'https://example.org'\n"}, "zola", "config.toml"),
        ({"zola.toml": ""}, "zola", "zola.toml"),
        ({"_config.yml": "title: Example\n"}, "jekyll", "_config.yml"),
        ({"_config.yml": ""}, "jekyll", "_config.yml"),
        ({".eleventy.js": "throw 1"}, "eleventy", ".eleventy.js"),
        ({"eleventy.config.mjs": ""}, "eleventy", "eleventy.config.mjs"),
        ({"astro.config.ts": ""}, "astro", "astro.config.ts"),
        ({"docusaurus.config.js": ""}, "docusaurus", "docusaurus.config.js"),
        ({"nuxt.config.ts": ""}, "nuxt", "nuxt.config.ts"),
        ({"next.config.mjs": ""}, "next", "next.config.mjs"),
        ({"pelicanconf.py": ""}, "pelican", "pelicanconf.py"),
        ({"next.config.mjs": "", "_config.yml": ""}, "jekyll", "_config.yml"),
        ({"hugo.toml": HUGO, "config/_default/params.toml": "a = 1\n"}, "hugo", "hugo.toml"),
        ({"package.json": "{}"}, "generic", ""),
        ({"hugo.json": "[1]"}, "hugo", "hugo.json"),
        ({"config.json": "1"}, "generic", ""),
    ],
)
def test_a_site_is_recognised_by_its_files(
    tmp_path: Path, files: dict[str, str], preset: str, config: str
) -> None:
    site = only(write_articles(tmp_path, files))
    assert (site.preset, site.config, site.inside, site.outside) == (preset, config, "", "")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a/b/c/hugo.toml", "a/b/c"),
        ("a/b/c/d/hugo.toml", None),
        ("node_modules/a/hugo.toml", None),
        ("vendor/hugo.toml", None),
        ("themes/a/hugo.toml", None),
        (".hidden/hugo.toml", None),
    ],
)
def test_a_site_is_found_up_to_three_levels_below(tmp_path: Path, path: str, found: str | None) -> None:
    sites = detect(write_articles(tmp_path, {path: HUGO})).sites
    assert [(site.preset, site.inside, site.config) for site in sites] == [
        *([("hugo", found, path)] if found else []),
        ("generic", "", ""),
    ]


@pytest.mark.parametrize(
    ("below", "config", "outside"),
    [
        ("content", "../hugo.toml", "content"),
        ("content/en/post/2021", "../../../../hugo.toml", "content/en/post/2021"),
        ("content/en/post/2021/04", "", ""),
    ],
)
def test_a_site_is_found_up_to_four_levels_above(
    tmp_path: Path, below: str, config: str, outside: str
) -> None:
    folder = write_articles(tmp_path / "1/2/3/4", {"hugo.toml": HUGO}) / below
    folder.mkdir(parents=True)
    site = only(folder)
    assert (site.config, site.inside, site.outside) == (config, "", outside)


def test_a_site_above_the_git_repository_does_not_count(tmp_path: Path) -> None:
    folder = write_articles(
        tmp_path, {"hugo.toml": HUGO, "repository/.git/HEAD": "", "repository/content/a.md": ""}
    )
    assert only(folder / "repository/content").preset == "generic"
    assert only(folder / "repository").preset == "generic"
    write_articles(tmp_path, {"repository/zola.toml": ""})
    assert only(folder / "repository/content").preset == "zola"


def test_the_nearest_site_above_counts(tmp_path: Path) -> None:
    write_articles(tmp_path, {"hugo.toml": HUGO, "site/_config.yml": "", "site/news/_posts/a.md": ""})
    assert only(tmp_path / "site/news").config == "../_config.yml"
    assert [site.inside for site in detect(tmp_path).sites] == ["", "site"]


def test_a_given_folder_outside_the_roots_of_the_site_above_is_a_root(tmp_path: Path) -> None:
    write_articles(tmp_path, {"next.config.js": "", "news/a.md": "", "pages/blog/a.md": ""})
    assert only(tmp_path / "news").roots[-1] == "news"
    assert "pages/blog" not in only(tmp_path / "pages/blog").roots
    write_articles(tmp_path, {"hugo.toml": HUGO, "content/en/a.md": ""})
    assert only(tmp_path / "content").roots == ("content",)


def test_the_parts_of_hugos_configuration_folder_are_one_configuration(tmp_path: Path) -> None:
    files = {
        "config/_default/config.yaml": "baseURL: https://example.org/\nparams: {a: 1}\n",
        "config/_default/languages.toml": "[en]\ntitle = 'English'\n",
        "config/_default/languages.fr.toml": "contentDir = 'content/fr'\n",
        "config/_default/permalinks.json": '{"post": "/:year/:slug/"}',
        "config/_default/notes.txt": "not read",
    }
    site = only(write_articles(tmp_path, files))
    assert (site.base_url, site.title) == ("https://example.org/", "English")
    assert site.languages == (("fr", "content/fr"), ("en", "content"))
    assert site.permalinks == (("post", "/:year/:slug/"),)


def test_astrowinds_settings_are_read(tmp_path: Path) -> None:
    text = (
        "site: {name: Example, site: 'https://example.org'}\napps: {blog: {post: {permalink: '/%slug%'}}}\n"
    )
    site = only(write_articles(tmp_path, {"astro.config.ts": "", "src/config.yaml": text}))
    assert (site.base_url, site.title, site.config) == ("https://example.org", "Example", "astro.config.ts")
    assert site.permalinks == (("post", "/:slugorfilename"),)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/", "https://example.org/"),
        ("//example.org/a/", "https://example.org/a/"),
        ("/a/", "/a"),
        ("/", None),
        ("example.org", None),
        ("$BASE_URL", None),
        ("https://", None),
        ("http://[", None),
    ],
)
def test_a_base_url_may_have_no_host(tmp_path: Path, url: str, expected: str | None) -> None:
    assert only(write_articles(tmp_path, {"hugo.toml": f"baseURL = '{url}'\n"})).base_url == expected


# Files that cannot be read.


UNKNOWN = -1


@pytest.mark.parametrize(
    ("name", "text", "line", "preset"),
    [
        ("hugo.toml", "title = 'A'\nbaseURL =\n", 2, "hugo"),
        ("config.toml", "baseURL =\n", 1, "generic"),
        ("_config.yml", "title: A\nurl: [\n", 3, "jekyll"),
        ("_config.yml", "title: A\nb: &b 1\nc: *b\nd: *b\n", 3, "jekyll"),
        ("config.json", '{"baseURL": "/",\n}', 2, "generic"),
        ("zola.toml", "a = " + "[" * 100, 1, "zola"),
        ("hugo.yaml", "- a\n", None, "hugo"),
        ("_config.yml", "permalink: /:year/:nothing/\n", 1, "jekyll"),
        ("hugo.toml", "title = 'A'\n[permalinks]\npost = '/:nothing/'\n", 3, "hugo"),
        ("_config.yml", "title: A\ntimezone: Mars/Olympus\n", 2, "jekyll"),
        ("_config.yml", 'permalink: "/:y\\u0061/"\n', UNKNOWN, "jekyll"),  # its text is not in the file
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem_with_its_line(
    tmp_path: Path, name: str, text: str, line: int | None, preset: str
) -> None:
    detection = detect(write_articles(tmp_path, {name: text}))
    assert detection.sites[0].preset == preset
    problems = [
        (problem.path, problem.line, problem.code, problem.severity) for problem in detection.problems
    ]
    expected = None if line == UNKNOWN else line
    assert problems == ([] if line is None else [(name, expected, "bad-config", "ERROR")])


def test_a_file_of_another_program_is_no_problem(tmp_path: Path) -> None:
    assert (
        only(write_articles(tmp_path, {"config.yml": "a: !include x\nb: &b 1\nc: *b\n"})).preset == "generic"
    )


def test_the_rest_of_a_file_with_an_alias_is_read(tmp_path: Path) -> None:
    site = detect(write_articles(tmp_path, {"_config.yml": "a: &a 1\nb: *a\ntitle: Example\n"})).sites[0]
    assert site.title == "Example"


def test_a_repeated_key_is_no_problem_of_a_configuration(tmp_path: Path) -> None:
    assert only(write_articles(tmp_path, {"_config.yml": "title: A\ntitle: B\n"})).title == "B"


def test_the_path_of_a_file_above_leads_up(tmp_path: Path) -> None:
    folder = write_articles(tmp_path, {"hugo.toml": "baseURL =\n"}) / "content/post"
    folder.mkdir(parents=True)
    assert [problem.path for problem in detect(folder).problems] == ["../../hugo.toml"]


def test_files_that_are_no_text_too_large_or_links_elsewhere_are_problems(tmp_path: Path) -> None:
    outside = write_articles(tmp_path / "outside", {"secret.yml": "title: Secret\n"})
    folder = tmp_path / "folder"
    for number in range(4):
        (folder / str(number)).mkdir(parents=True)
    (folder / "0/_config.yml").write_bytes(b"title: Caf\xe9\n")
    (folder / "1/_config.yml").write_bytes(b"a: 1\n" * 250_000)
    (folder / "2/_config.yml").symlink_to(outside / "secret.yml")
    os.mkfifo(folder / "3/_config.yml")
    detection = detect(folder)
    assert [(problem.path, problem.code) for problem in detection.problems] == [
        (f"{number}/_config.yml", "bad-config") for number in range(4)
    ]
    assert "Secret" not in [site.title for site in detection.sites]
    assert {site.preset for site in detection.sites} == {"jekyll", "generic"}


def test_folders_that_cannot_be_listed_are_left_to_the_scan(tmp_path: Path) -> None:
    write_articles(tmp_path, {"elsewhere/hugo.toml": HUGO, "site/config/a.md": ""})
    (tmp_path / "site/config/_default").symlink_to(tmp_path / "elsewhere")
    assert only(tmp_path / "site").preset == "generic"


# The caller's options.


def test_the_caller_overrides_the_configuration(tmp_path: Path) -> None:
    write_articles(tmp_path, {"hugo.toml": HUGO})
    site = only(
        tmp_path,
        permalink="/:year/",
        provider_name="Other",
        provider_domain="other.org",
        hides_future=False,
        hides_expired=False,
    )
    assert (site.permalink, site.title, site.provider_domain) == ("/:year/", "Other", "other.org")
    assert (site.hides_future, site.hides_expired) == (False, False)
    with OpenFolder.open(tmp_path) as content:
        (site,) = find_sites(content, ParseOptions(base_url="https://mine.org/")).sites
    assert site.base_url == "https://mine.org/"


def test_the_callers_preset_ignores_the_configuration_of_others(tmp_path: Path) -> None:
    write_articles(tmp_path, {"_config.yml": "", "content/post/a.md": ""})
    site = only(tmp_path, preset="hugo")
    assert (site.preset, site.config, site.roots) == ("hugo", "", ("content",))
    write_articles(tmp_path, {"site/hugo.toml": HUGO})
    assert [each.inside for each in detect(tmp_path, preset="hugo").sites] == ["site", ""]


def test_the_callers_preset_finds_its_configuration_above_others(tmp_path: Path) -> None:
    write_articles(tmp_path, {"hugo.toml": HUGO, "content/_config.yml": "", "content/post/a.md": ""})
    assert only(tmp_path / "content/post", preset="hugo").config == "../../hugo.toml"


def test_without_its_roots_the_folder_itself_is_the_root_of_the_callers_preset(tmp_path: Path) -> None:
    write_articles(tmp_path, {"post/a.md": ""})
    assert only(tmp_path, preset="hugo").roots == ("",)
    write_articles(tmp_path, {"en/_posts/a.md": ""})
    assert only(tmp_path, preset="jekyll").roots == ("**/_posts", "**/_drafts")


# Changes.


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("hugo.toml", True),
        ("a/_config.yml", True),
        ("config/_default/params.fr.toml", True),
        ("src/config.yaml", True),
        ("a.md", False),
        ("src/settings.yaml", False),
    ],
)
def test_a_configuration_is_known_by_its_path(path: str, expected: bool) -> None:
    assert is_config(path) is expected


def test_the_stamp_of_the_folders_above_changes_with_their_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "site/content"
    folder.mkdir(parents=True)
    stamps = [outside_stamp(folder, None)]
    write_articles(tmp_path / "site", {"notes.txt": "", "content/hugo.toml": HUGO})
    assert outside_stamp(folder, None) == stamps[0]
    for files in (
        {"hugo.toml": HUGO},
        {"hugo.toml": HUGO + "a = 1\n"},
        {"config/_default/params.toml": "a = 1\n"},
    ):
        write_articles(tmp_path / "site", files)
        stamps.append(outside_stamp(folder, None))
    assert len(set(stamps)) == 4
