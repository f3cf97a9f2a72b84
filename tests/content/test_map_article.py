"""Articles of mapped files: values in all their shapes, and problems with positions."""

import json
from typing import Any

import pytest

from gqlnews.content.models import ParsedProvider, ParseOptions
from gqlnews.content.parse_file import parse_article
from gqlnews.content.presets.site import SiteOverrides
from tests.content.sites import codes, images, parse, read, site, urls, yaml

EXAMPLE = site("hugo", {"baseURL": "https://example.org/", "title": "Example"})
POST = "content/post/launch.md"


def topics(preset: str = "generic", path: str = "2021-04-15-a.md", **keys: Any) -> list[str]:
    return [topic.name for topic in read(yaml(title="A", **keys), preset, path).topics]


# Title, date and excerpt.


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        ("# The *Launch*\n\nText.", "2021-04-15-a.md", "The Launch"),
        ("## Not this\n\n# The Launch", "2021-04-15-a.md", "The Launch"),
        ("Text.", "2021-04-15-the-big_launch.md", "The big launch"),
        ("Text.", "2021-04-15-v1.2.md", "v1.2"),
        ("Text.", "2021-04-15-the-launch/index.md", "The launch"),
        ("Text.", "2021-04-15.md", "2021-04-15"),
    ],
)
def test_without_a_title_the_heading_or_the_file_name_counts(body: str, path: str, expected: str) -> None:
    assert read(yaml(body, author="B"), path=path).title == expected


@pytest.mark.parametrize(
    ("path", "keys", "expected"),
    [
        ("2021-04-15-a.md", {}, "2021-04-15T00:00:00Z"),
        ("2021-04-15-a/index.md", {}, "2021-04-15T00:00:00Z"),
        ("2021/04/15/a.md", {}, "2021-04-15T00:00:00Z"),
        ("a.md", {"path": "2021/04/15/a"}, "2021-04-15T00:00:00Z"),
        ("a.md", {"permalink": "/2021/04/15/a/"}, "2021-04-15T00:00:00Z"),
        ("2020-01-01-a.md", {"date": "2021-04-15"}, "2021-04-15T00:00:00Z"),
        ("2020/01/01/2021-04-15-a.md", {}, "2021-04-15T00:00:00Z"),
    ],
)
def test_the_date_comes_from_a_key_the_name_or_the_path(
    path: str, keys: dict[str, str], expected: str
) -> None:
    assert read(yaml(title="A", **keys), path=path).published_date_time == expected


@pytest.mark.parametrize("path", ["about.md", "2021/04/a.md", "notes-2021-04-15.md"])
def test_a_file_without_any_date_is_a_page(path: str) -> None:
    assert parse(yaml(title="A", published=True, tags=[1]), path=path) == (None, ())


@pytest.mark.parametrize(
    "front", ["", "\n\n", "# title: x\n", "~\n", "name: x\n", "Title: A\nPublishedDateTime: 2021-04-15\n"]
)
def test_front_matter_without_known_keys_is_that_of_a_page(front: str) -> None:
    assert parse(f"---\n{front}---\n", path="a.md") == (None, ())


def test_an_ambiguous_date_is_a_warning_if_another_source_dates_the_article() -> None:
    article, problems = parse(yaml(title="A", date="04/05/2021"), path="2021-05-04-a.md")
    assert article is not None
    assert article.published_date_time == "2021-05-04T00:00:00Z"
    assert [(problem.code, problem.line, problem.severity) for problem in problems] == [
        ("ambiguous-date", 3, "WARNING")
    ]


def test_an_ambiguous_date_alone_is_an_error() -> None:
    text = yaml(title="A", date="04/05/2021")
    assert parse(text, path="a.md")[0] is None
    assert codes(text, path="a.md") == [("ambiguous-date", 3), ("bad-date", 3)]


@pytest.mark.parametrize("value", ["soon", ["2021-04-15"], {"a": 1}])
def test_a_key_that_is_no_date_is_an_error_even_with_a_date_in_the_name(value: object) -> None:
    assert codes(yaml(title="A", date=value)) == [("bad-date", 3)]


@pytest.mark.parametrize("value", ["Last Modified", "git Created"])
def test_eleventys_words_for_the_time_of_the_file_are_no_dates(value: str) -> None:
    assert read(yaml(title="A", date=value), "eleventy").published_date_time == "2021-04-15T00:00:00Z"
    assert parse(yaml(title="A", date=value), "eleventy", "a.md") == (None, ())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("One *two*.\n\nThree.\n\n<!--more-->\n\nFour.", "One two. Three."),
        ("One.\n\n<!-- truncate -->\n\nTwo.", "One."),
        ("One.\n\n{/* truncate */}\n\nTwo.", "One."),
        ("<!--more-->\n\nTwo.", "Two."),
        (
            "# Heading\n\n- item\n\n> quote\n\nThe first &amp; only\nparagraph.\n\nTwo.",
            "The first & only paragraph.",
        ),
        ("> Only a quote.", "Only a quote."),
        ("![alone](a.png)\n\nText.", "Text."),
        ("```\ncode\n```", None),
        ("", None),
    ],
)
def test_without_an_excerpt_the_body_has_one(body: str, expected: str | None) -> None:
    assert read(yaml(body, title="A")).excerpt == expected


def test_an_excerpt_from_the_body_is_cut_at_a_word() -> None:
    words = " ".join(f"word{number:03}" for number in range(100))
    excerpt = read(yaml(words, title="A")).excerpt
    assert excerpt is not None
    assert len(excerpt) <= 300
    assert words.startswith(f"{excerpt} ")
    assert read(yaml("x" * 400, title="A")).excerpt == "x" * 300
    assert read(yaml("y" * 300 + " more", title="A")).excerpt == "y" * 300
    assert read(yaml("y" * 299 + " more", title="A")).excerpt == "y" * 299


def test_module_code_of_mdx_is_no_excerpt() -> None:
    body = "import A from './a';\nexport const b = 1;\n\nImport duties rise.\n"
    assert read(yaml(body, title="A"), path="2021-04-15-a.mdx").excerpt == "Import duties rise."
    assert read(yaml(body, title="A")).excerpt == "import A from './a'; export const b = 1;"


# Images.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cover.jpg", ["https://example.org/post/launch/cover.jpg"]),
        ("/images/cover.jpg", ["https://example.org/images/cover.jpg"]),
        ("https://cdn.org/cover", ["https://cdn.org/cover"]),
        ("//cdn.org/cover", ["https://cdn.org/cover"]),
        ("../cover.jpg?v=1", ["https://example.org/post/cover.jpg?v=1"]),
        (["a.png", "b.png"], [f"https://example.org/post/launch/{name}.png" for name in "ab"]),
        ({"image": "a.png", "alt": "An a"}, ["https://example.org/post/launch/a.png"]),
        (
            [{"src": "/a.png"}, {"url": {"path": "/b.png"}}],
            ["https://example.org/a.png", "https://example.org/b.png"],
        ),
    ],
)
def test_images_have_many_shapes(value: object, expected: list[str]) -> None:
    assert urls(read(yaml(title="A", date="2021-04-15", image=value), EXAMPLE, POST)) == expected


@pytest.mark.parametrize(
    "value", ["an-id", {"uid": "an-id", "alt": "x"}, "~/assets/a.png", "{{ x }}.png", "http://[.png", [None]]
)
def test_an_image_without_an_address_is_left_out_silently(value: object) -> None:
    article = read(yaml("![body](/body.png)", title="A", date="2021-04-15", image=value), EXAMPLE, POST)
    assert urls(article) == ["https://example.org/body.png"]


def test_an_image_has_its_size_texts_and_attribution() -> None:
    value = {
        "url": "/a.png",
        "width": 640,
        "height": "x",
        "alt": "An a",
        "caption": "A caption",
        "credit": "B",
    }
    (image,) = images(read(yaml(title="A", image=value)))
    texts = {"title": "A caption", "alt": "An a", "caption": "A caption", "attribution": "B"}
    assert image == {"url": "/a.png", "width": 640, **texts}


def test_the_first_image_of_the_body_keeps_its_texts() -> None:
    article = read(yaml('Text <img alt="" src=""> ![An a](a.png "A title") ![b](b.png)', title="A"))
    assert images(article) == [{"url": "/2021-04-15-launch/a.png", "title": "A title", "alt": "An a"}]
    assert images(read(yaml("![An a](a.png)", title="A")))[0]["title"] == "An a"


# Topics.


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"tags": ["a", "b"], "topics": ["c", "a"]}, ["c", "a", "b"]),
        ({"category": "Big News", "keywords": "x, y,, z"}, ["Big News", "x", "y", "z"]),
        ({"tags": "one two"}, ["one two"]),
        ({"tags": [{"label": "A"}, {"name": "B"}, {"x": 1}, None, "", 2024]}, ["A", "B", "2024"]),
        ({"taxonomies": {"tags": ["a"], "series": ["b"]}}, ["a", "b"]),
        ({"tags": {"label": "A"}}, ["A"]),
        ({"tags": None}, []),
    ],
)
def test_topics_are_the_union_of_all_keys(keys: dict[str, Any], expected: list[str]) -> None:
    assert topics(**keys) == expected


def test_only_in_jekyll_spaces_divide_tags_and_categories() -> None:
    keys = {"tags": "a b", "categories": "c d", "category": "e f", "keywords": "g h"}
    assert topics("jekyll", "_posts/2021-04-15-a.md", **keys) == ["a", "b", "c", "d", "e f", "g h"]
    assert topics("jekyll", "_posts/2021-04-15-a.md", tags="a b, c") == ["a b", "c"]
    assert topics(**keys) == ["a b", "c d", "e f", "g h"]


def test_a_category_is_also_the_category_of_the_article() -> None:
    assert read(yaml(title="A", category="News")).key_values["category"] == "News"
    assert read(yaml(title="A", category=["News"])).key_values["category"] is None


# Provider and links.


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ("example.org", "Example")),
        ({"provider": "Other News"}, ("example.org", "Other News")),
        ({"provider": {"name": "B", "domain": "b.org"}}, ("b.org", "B")),
        ({"link": "https://Else.org/x"}, ("else.org", "else.org")),
        ({"external_url": "https://else.org/x", "source": "Else"}, ("else.org", "Else")),
        ({"external_url": "https://else.org/x", "publisher": "Else"}, ("else.org", "Else")),
        ({"link": "not a URL", "source": "Else"}, ("example.org", "Example")),
    ],
)
def test_the_provider_is_the_site_or_the_host_of_the_link(
    keys: dict[str, Any], expected: tuple[str, str]
) -> None:
    article = read(yaml(title="A", date="2021-04-15", **keys), EXAMPLE, POST)
    assert article.provider == ParsedProvider(*expected, images="[]")
    assert article.web_url == "https://example.org/post/launch/"


def test_without_a_host_there_is_no_provider_and_addresses_are_root_relative() -> None:
    article = read(yaml(title="A", provider="B", image="a.png"))
    assert (article.provider, article.web_url, urls(article)) == (
        None,
        "/2021-04-15-launch/",
        ["/2021-04-15-launch/a.png"],
    )


def test_an_address_elsewhere_stays_as_it_is() -> None:
    text = yaml(title="A", date="2021-04-15", permalink="https://other.org/x")
    assert read(text, EXAMPLE, POST).web_url == "https://other.org/x"


@pytest.mark.parametrize(
    ("base", "expected"),
    [("https://example.org/", "/post/launch/"), (None, None), ("/news", None)],
)
def test_an_article_of_the_site_has_a_root_relative_address_too(
    base: str | None, expected: str | None
) -> None:
    own = site("hugo", {} if base is None else {"baseURL": base})
    assert read(yaml(title="A", date="2021-04-15"), own, POST).root_relative_url == expected


# Visibility, authors and language.


@pytest.mark.parametrize(
    ("keys", "published"),
    [
        *(({"draft": True}, False), ({"draft": "yes"}, False), ({"draft": "false"}, True)),
        *(({"published": False}, False), ({"published": "off"}, False), ({"published": True}, True)),
        *(({"published": "2021-04-15"}, True), ({"draft": True, "published": True}, False)),
        *(({"status": "draft"}, False), ({"status": "Hidden"}, False), ({"status": "published"}, True)),
    ],
)
def test_a_file_says_whether_it_is_published(keys: dict[str, Any], published: bool) -> None:
    assert read(yaml(title="A", **keys)).published is published


@pytest.mark.parametrize("key", ["draft", "published"])
def test_a_flag_that_is_neither_true_nor_false_is_an_error(key: str) -> None:
    assert codes(yaml(title="A", **{key: "perhaps"})) == [("wrong-type", 3)]
    assert codes(yaml(title="A", **{key: [True]})) == [("wrong-type", 3)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ann Smith", ("Ann Smith",)),
        ("Ann Smith, Bob Jones and Carl O'Neill", ("Ann Smith", "Bob Jones", "Carl O'Neill")),
        ("Ann Smith & Bob Jones", ("Ann Smith", "Bob Jones")),
        ("Smith, Ann", ("Smith, Ann",)),
        ("Research and Development", ("Research and Development",)),
        (["ann", {"name": "Bob", "avatar": {"src": "x"}}, {"x": 1}], ("ann", "Bob")),
        ({"name": "Ann Smith"}, ("Ann Smith",)),
        ("Ann Smith" + " " * 100_000 + "x", ("Ann Smith x",)),
    ],
)
def test_authors_have_many_shapes(value: object, expected: tuple[str, ...]) -> None:
    assert tuple(author.name for author in read(yaml(title="A", author=value)).authors) == expected


def test_a_text_with_a_nul_counts_as_blank() -> None:
    front = {"title": "A", "date": "2021-04-15", "author": "A\0B", "lang": "e\0n"}
    article = read(json.dumps(front))
    assert (article.authors, article.language) == ((), None)


def test_the_language_is_a_key() -> None:
    assert read(yaml(title="A", lang="fr")).language == "fr"
    assert read(yaml(title="A")).language is None


# Keys of gqlnews, unknown keys, and problems.


def test_keys_of_gqlnews_mean_the_same_in_a_mapped_file() -> None:
    keys = {"quality": 36, "heat": 7, "type": "video", "secured": "QQ==;QQ==", "ampWebUrl": "/amp"}
    related = [{"title": "B", "webUrl": "https://b.org/1"}]
    article = read(yaml(title="A", webUrl="/w", date="2021-04-15", related=related, **keys), EXAMPLE, POST)
    assert (article.quality, article.key_values["heat"]) == (36, 7)
    assert (article.type, article.secured) == ("video", "QQ==;QQ==")
    assert (article.web_url, article.amp_web_url) == ("https://example.org/w", "https://example.org/amp")
    assert [entry.title for entry in article.related] == ["B"]


def test_a_key_of_gqlnews_with_another_type_is_left_out() -> None:
    text = yaml(title="A", quality="high", related=["a", "b"], type="post")
    article, problems = parse(text)
    assert article is not None
    assert (article.quality, article.related, article.type) == (None, (), "post")
    assert [(problem.code, problem.line) for problem in problems] == [
        ("left-out", 3),
        *[("left-out", 4)] * 2,
    ]


def test_an_empty_key_is_no_other_key() -> None:
    article = read('---\n"": X\ntitle: A\n---\nBody.\n')
    assert (article.title, article.excerpt, article.topics, article.extra) == ("A", "Body.", (), '{"":"X"}')


def test_only_keys_that_were_not_read_are_unknown() -> None:
    keys = {
        "description": "D",
        "layout": "post",
        "author": "B",
        "params": {"image": "/a.png", "x": 1},
        "slug": "s",
    }
    article = read(yaml(title="A", date="2021-04-15", excerpt="E", tags=["t"], draft=False, **keys))
    assert article.extra == '{"description":"D","layout":"post"}'


def test_a_repeated_key_is_a_warning_and_the_last_one_counts() -> None:
    article, problems = parse("---\ntitle: A\ntitle: B\n---\n")
    assert article is not None
    assert article.title == "B"
    assert [(problem.code, problem.line, problem.severity) for problem in problems] == [
        ("repeated-key", 3, "WARNING")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\ntitle: [\n---\n", [("broken-yaml", 3)]),
        ("---\n- a\n---\n", [("wrong-type", 2)]),
        ("---\ntitle: &a A\nname: *a\n---\n", [("alias", 3)]),
        ('+++\ntitle = "A"\ndate = 2021-13-01\n+++\n', [("broken-toml", 3)]),
        ('+++\ntitle = "A"\n\n[extra]\n[extra]\n+++\n', [("broken-toml", 5)]),
        ('+++\ntitle = "A"\ndate = "soon"\n+++\n', [("bad-date", 3)]),
        ('\n\n+++\ntitle = "A"\ndate = "soon"\n+++\n', [("bad-date", 5)]),
        ('{\n  "title": "A",\n  "date" "2021"\n}\n', [("broken-json", 3)]),
        ('{\n  "title": "A",\n  "date": "soon"\n}\n', [("bad-date", 3)]),
        ("---\ntitle: A\n", [("no-front-matter", 1)]),
        ("+++\ntitle = 1\n", [("no-front-matter", 1)]),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_with_its_line(
    text: str, expected: list[tuple[str, int]]
) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    "text", ["---\ntitle: [\n---\n", "+++\na\n+++\n", "---\ntitle: A\n", "no front matter"]
)
@pytest.mark.parametrize(
    "path", ["README.md", "static/a.md", "content/post/_index.md", "content/CHANGELOG.fr.md"]
)
def test_what_is_no_article_by_its_name_or_place_has_no_problem(text: str, path: str) -> None:
    assert parse(text, "hugo", path) == (None, ())


def test_broken_front_matter_with_keys_of_gqlnews_is_a_problem_anywhere() -> None:
    text = "---\nwebUrl: https://a.org/1\ntitle: [\n---\n"
    assert codes(text, "hugo", "static/a.md") == [("broken-yaml", 4)]
    assert codes("---\nwebUrl: https://a.org/1\n", "hugo", "static/a.md") == [("no-front-matter", 1)]


def test_a_file_without_front_matter_is_an_article_if_its_name_has_a_date() -> None:
    article = read("# The Launch\n\nText.\n", "jekyll", "_posts/2021-04-15-launch.md")
    assert (article.title, article.published_date_time, article.excerpt) == (
        "The Launch",
        "2021-04-15T00:00:00Z",
        "Text.",
    )


def test_a_file_without_front_matter_and_date_is_a_page_of_a_site_but_a_problem_without_one() -> None:
    assert parse("Text.\n", site("hugo", config="hugo.toml"), POST) == (None, ())
    assert codes("Text.\n", path="a.md") == [("no-front-matter", 1)]


def test_pelicans_header_is_read_only_in_its_sites() -> None:
    text = "Title: A\nDate: 2021-04-15 10:20\nTags: a, b\nStatus: hidden\nSummary: An\n    excerpt\n\nBody.\n"
    article = read(text, "pelican", "content/a.md")
    assert (article.title, article.published, article.excerpt, article.body) == (
        "A",
        False,
        "An excerpt",
        "Body.",
    )
    assert [topic.name for topic in article.topics] == ["a", "b"]
    assert codes(text, "generic", "a.md") == [("no-front-matter", 1)]
    assert codes("Title: A\nDate: soon\n\nBody.\n", "pelican", "content/a.md") == [("bad-date", 2)]


def test_a_body_that_is_too_complex_is_no_problem_of_a_page() -> None:
    body = "<p>" * 60_000
    assert [code for code, _ in codes(yaml(body, title="A"))] == ["left-out"]
    assert parse(yaml(body, title="A"), path="a.md") == (None, ())


def test_the_caller_may_hide_native_articles_of_the_future() -> None:
    text = yaml(title="A", publishedDateTime="2030-01-01", webUrl="https://a.org/1").encode()
    shown, _ = parse_article("a.md", text, ParseOptions(now_ns=0))
    hidden, _ = parse_article(
        "a.md", text, ParseOptions(overrides=SiteOverrides(hides_future=True), now_ns=0)
    )
    assert shown is not None
    assert hidden is not None
    assert (shown.published, shown.due) == (True, None)
    assert (hidden.published, hidden.due) == (False, "2030-01-01T00:00:00")


def test_a_native_article_below_the_base_url_has_a_root_relative_address() -> None:
    text = yaml(title="A", publishedDateTime="2021-04-15", webUrl="/x").encode()
    article, _ = parse_article("a.md", text, ParseOptions(base_url="https://a.org/"))
    assert article is not None
    assert (article.web_url, article.root_relative_url) == ("https://a.org/x", "/x")


def test_without_sites_a_mapped_file_has_the_base_url_of_the_caller() -> None:
    article, _ = parse_article(
        "2021-04-15-a.md", yaml(title="A").encode(), ParseOptions(base_url="https://a.org")
    )
    assert article is not None
    assert article.web_url == "https://a.org/2021-04-15-a/"


def test_an_unsafe_image_is_reported_and_the_next_one_counts() -> None:
    text = yaml("![](b.png)", title="A", date="2021-04-15", image="javascript:alert(1)")
    article, problems = parse(text, path="a.md")
    assert [(problem.code, problem.line) for problem in problems] == [("unsafe-url", 4)]
    assert article is not None
    assert '"url":"/a/b.png"' in article.images
