"""Which file of the content folder an image's URL stands for, and what the article gets from it."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gqlnews.content.local_images import MAX_IMAGES
from gqlnews.content.models import ParsedArticle, ParseOptions, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.presets.generators import DEFAULT_SITES
from gqlnews.content.presets.site import ContentSite
from tests.images import HTML, SVG, png

HUGO = DEFAULT_SITES["hugo"]
NATIVE = {"title": "A", "publishedDateTime": "2024-01-01", "webUrl": "https://news.example/2024/a/"}
MAPPED = {"title": "A", "date": "2024-01-01"}


def parse(
    folder: Path, path: str, keys: dict[str, Any], body: str = "", options: ParseOptions | None = None
) -> ParsedArticle:
    """Write and parse a file; JSON values are valid YAML."""
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in keys.items())
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\n{lines}---\n{body}")
    article = parse_file(folder, SourceFile(path, 1, 0, 0), options or ParseOptions()).article
    assert article is not None
    return article


def write(folder: Path, path: str, data: bytes | None = None) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(png() if data is None else data)


def sites(*sites: ContentSite) -> ParseOptions:
    return ParseOptions(sites=sites)


def images(article: ParsedArticle) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(article.images)
    return found


def url(article: ParsedArticle) -> str:
    return str(images(article)[0]["url"])


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("cover.png", "2024/cover.png"),
        ("./cover.png?size=2#top", "2024/cover.png"),
        ("../img/a%20b&#233;.png", "img/a b\u00e9.png"),
        ("/img/a.png", "img/a.png"),
        ("/img/a.png", "static/img/a.png"),
        ("/img/a.png", "public/img/a.png"),
        ("cover.png", "2024/a/cover.png"),
        ("without-extension", "2024/without-extension"),
    ],
)
def test_an_image_of_a_native_file_is_beside_it_or_below_the_root(
    tmp_path: Path, written: str, file: str
) -> None:
    write(tmp_path, file)
    article = parse(tmp_path, "2024/a.md", {**NATIVE, "images": [{"url": written}]})
    expected = file.replace(" ", "%20").replace("\u00e9", "%C3%A9")
    assert images(article) == [
        {
            "url": f"/media/{expected}",
            "width": 3,
            "height": 2,
            "title": None,
            "attribution": None,
            "isCached": False,
            "mimeType": "image/png",
        }
    ]


@pytest.mark.parametrize(
    ("preset", "path", "written", "file"),
    [
        ("hugo", "content/post/a/index.md", "cover.png", "content/post/a/cover.png"),
        ("hugo", "content/post/a.md", "/images/a.png", "static/images/a.png"),
        ("hugo", "content/post/a.md", "/post/b/a.png", "content/post/b/a.png"),
        ("jekyll", "_posts/2024-01-01-a.md", "/assets/a.png", "assets/a.png"),
        ("zola", "content/a.md", "/a.png", "static/a.png"),
        ("eleventy", "posts/a.md", "/img/a.png", "public/img/a.png"),
        ("astro", "src/content/post/a.md", "/a.png", "public/a.png"),
        ("docusaurus", "blog/2024-01-01-a.md", "./a.png", "blog/a.png"),
        ("docusaurus", "blog/2024-01-01-a.md", "/img/a.png", "static/img/a.png"),
        ("nuxt", "content/1.a.md", "/a.png", "public/a.png"),
        ("next", "pages/a.md", "/a.png", "public/a.png"),
        ("generic", "news/a.md", "/img/a.png", "img/a.png"),
    ],
)
@pytest.mark.parametrize("inside", ["", "apps/site/"])
def test_an_image_of_a_site_is_where_its_generator_takes_it_from(
    tmp_path: Path, preset: str, path: str, written: str, file: str, inside: str
) -> None:
    site = msgspec.structs.replace(DEFAULT_SITES[preset], inside=inside.rstrip("/"))
    write(tmp_path, inside + file)
    article = parse(tmp_path, inside + path, {**MAPPED, "image": written}, options=sites(site))
    assert url(article) == f"/media/{inside}{file}"


def test_of_a_site_above_the_folder_only_the_files_in_the_folder_count(tmp_path: Path) -> None:
    site = msgspec.structs.replace(HUGO, outside="content")
    write(tmp_path, "post/b/cover.png")
    write(tmp_path, "static/other.png")
    keys = {**MAPPED, "images": ["/post/b/cover.png", "/other.png"]}
    article = parse(tmp_path, "post/a.md", keys, options=sites(site))
    assert [each["url"] for each in images(article)] == ["/media/post/b/cover.png", "/other.png"]


def test_the_path_of_the_base_url_is_no_part_of_the_file_s_path(tmp_path: Path) -> None:
    site = msgspec.structs.replace(HUGO, base_url="/blog")
    write(tmp_path, "static/a.png")
    keys = {**MAPPED, "images": ["/blog/a.png", "/a.png"]}
    article = parse(tmp_path, "content/a.md", keys, options=sites(site))
    assert [each["url"] for each in images(article)] == ["/media/static/a.png"] * 2


def test_with_a_base_url_the_url_is_that_of_the_site(tmp_path: Path) -> None:
    site = msgspec.structs.replace(HUGO, base_url="https://example.org/blog/")
    write(tmp_path, "static/a.png")
    article = parse(tmp_path, "content/a.md", {**MAPPED, "image": "/blog/a.png"}, options=sites(site))
    assert url(article) == "https://example.org/blog/a.png"
    assert images(article)[0]["mimeType"] == "image/png"
    assert [each.path for each in article.image_files if each.is_image] == ["static/a.png"]


def test_a_native_file_has_the_base_url_of_the_options(tmp_path: Path) -> None:
    write(tmp_path, "a.png")
    options = ParseOptions(base_url="https://example.org/")
    article = parse(tmp_path, "a.md", {**NATIVE, "images": [{"url": "a.png"}]}, options=options)
    assert (url(article), images(article)[0]["width"]) == ("https://news.example/2024/a/a.png", 3)


def test_what_the_front_matter_says_wins(tmp_path: Path) -> None:
    write(tmp_path, "a.png")
    image = {"url": "a.png", "width": 640, "alt": " An &amp; a", "caption": "C", "title": "T"}
    (found,) = images(parse(tmp_path, "a.md", {**NATIVE, "images": [image]}))
    assert (found["width"], found["height"]) == (640, 2)
    assert (found["alt"], found["caption"], found["title"]) == ("An & a", "C", "T")


def test_images_of_bodies_related_entries_and_providers_are_found_too(tmp_path: Path) -> None:
    for name in ("body", "related", "provider"):
        write(tmp_path, f"{name}.png")
    related = {"title": "B", "webUrl": "https://b.example", "images": [{"url": "related.png"}]}
    provider = {"domain": "a.example", "images": [{"url": "/provider.png"}]}
    keys = {**NATIVE, "related": [related], "provider": provider}
    body = '![x](body.png) ![y](https://c.example/body.png) <q cite="body.png">q</q>'
    article = parse(tmp_path, "a.md", keys, body)
    assert article.html is not None
    assert article.html.count('src="/media/body.png"') == 1
    assert '"/media/related.png"' in article.related[0].images
    assert article.provider is not None
    assert '"/media/provider.png"' in article.provider.images


def test_the_first_image_of_the_body_is_the_image_of_a_mapped_file(tmp_path: Path) -> None:
    write(tmp_path, "content/post/a/cover.png")
    article = parse(tmp_path, "content/post/a/index.md", MAPPED, "![An a](cover.png)", sites(HUGO))
    assert (url(article), images(article)[0]["alt"]) == ("/media/content/post/a/cover.png", "An a")


@pytest.mark.parametrize(
    "written",
    [
        *("../../outside.png", "/../outside.png", "..%2f..%2foutside.png", "/%2e%2e/outside.png"),
        *(
            "link.png",
            "folder-link/a.png",
            ".hidden.png",
            ".git/a.png",
            "page.png",
            "drawing.svg",
            "pipe.png",
        ),
        *(
            "a.md",
            "",
            "a.png%00",
            "http:a.png",
            "//a.png",
            "https://news.example/2024/a/ok.png",
        ),
    ],
)
def test_nothing_else_is_an_image(tmp_path: Path, written: str) -> None:
    folder = tmp_path / "content"
    write(tmp_path, "outside.png")
    hidden = {".hidden.png": png(), ".git/a.png": png()}
    for path, data in {**hidden, "page.png": HTML, "drawing.svg": SVG}.items():
        write(folder, path, data)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "folder-link").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.png")
    write(folder, "ok.png")
    image = {"images": [{"url": written}]}
    with_folder = parse(folder, "a.md", NATIVE | image)
    without = parse(folder, "a.md", NATIVE | image, options=ParseOptions(media=False))
    assert with_folder.images == without.images
    assert [each.path for each in with_folder.image_files if each.is_image] == []


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "img/a.png")
    (tmp_path / "link.png").symlink_to("img/a.png")
    assert url(parse(tmp_path, "a.md", {**NATIVE, "images": [{"url": "link.png"}]})) == "/media/link.png"


def test_a_root_relative_url_does_not_leave_the_static_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.png")
    write(tmp_path, "static/b.png")
    keys = {**NATIVE, "images": [{"url": "/../a.png"}, {"url": "/../b.png"}]}
    article = parse(tmp_path, "content/post/a.md", keys, options=sites(HUGO))
    urls = [each["url"] for each in images(article)]
    assert urls == ["https://news.example/a.png", "/media/static/b.png"]


def test_the_number_of_images_that_are_looked_up_is_limited(tmp_path: Path) -> None:
    write(tmp_path, "a.png")
    body = "".join(f"![]({number}.png)\n" for number in range(MAX_IMAGES))
    article = parse(tmp_path, "a.md", NATIVE, f"{body}![](a.png)")
    assert article.html is not None
    assert "/media/" not in article.html
    assert len(article.image_files) <= 4 * MAX_IMAGES


def test_the_files_that_were_tried_are_known(tmp_path: Path) -> None:
    write(tmp_path, "static/a.png")
    article = parse(tmp_path, "2024/a.md", {**NATIVE, "images": [{"url": "/a.png"}]})
    found = {each.path: (each.is_image, each.size) for each in article.image_files}
    assert found == {"a.png": (False, -1), "static/a.png": (True, len(png()))}
