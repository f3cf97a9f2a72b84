"""A gallery of Markdown files, each with the HTML that it becomes."""

from pathlib import Path

import pytest

from gqlnews.content.html import BodyLocation, RenderOptions, link_body, render
from gqlnews.content.models import ParseOptions

LOCATION = BodyLocation("https://example.org/2021/launch/", "gallery", "2021/launch.md")
GALLERY = Path(__file__).parent / "gallery"
SOURCES = sorted(path for path in GALLERY.iterdir() if path.suffix != ".html")


def read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def test_the_gallery_has_forty_files() -> None:
    assert len(SOURCES) >= 40
    assert len(list(GALLERY.iterdir())) == 2 * len(SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_a_body_becomes_this_html(source: Path) -> None:
    options = RenderOptions(is_mdx=source.suffix == ".mdx", iframe_hosts=ParseOptions().iframe_hosts)
    html, _ = link_body(render(read(source), options).html or "", LOCATION)
    assert html == read(source.with_suffix(".html"))
