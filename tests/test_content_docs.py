"""docs/content.md: its table is that of the code, and each example gives the article that it shows."""

import json
import re
from pathlib import Path

import pytest

from gqlnews.content.mapping import to_markdown_table
from gqlnews.content.presets.generators import PRESETS
from tests.product import Product, run_ingest

PAGE = (Path(__file__).parent.parent / "docs" / "content.md").read_text()
TABLE = re.search(r"<!-- table of content/mapping.py -->\n(.*?)\n<!-- end of the table -->", PAGE, re.DOTALL)
FILE = re.compile(r"^`([^`]+)`:\n\n```\w+\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
ARTICLE = re.compile(r"^The article:\n\n```json\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
SECTIONS = {section.partition("\n")[0]: section for section in PAGE.split("\n## ") if ARTICLE.search(section)}
QUERY = """
query ($slug: String!) {
  article(slug: $slug) {
    slug title webUrl publishedDateTime excerpt provider { name domain } topics { name } images { url }
  }
}
"""


def test_the_table_of_sources_is_that_of_the_code() -> None:
    assert TABLE is not None
    assert TABLE[1] == to_markdown_table()


def test_every_preset_has_an_example() -> None:
    named = re.findall(r"^\| \[`(\w+)`\]\(#([\w-]+)\)", PAGE, re.MULTILINE)
    assert [name for name, _ in named] == list(PRESETS)
    anchors = {title.lower().replace(" ", "-").replace(".", "") for title in SECTIONS}
    assert {anchor for _, anchor in named} == anchors


@pytest.mark.parametrize("title", SECTIONS)
def test_an_example_gives_the_article_that_is_shown(title: str, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    for name, text in FILE.findall(SECTIONS[title]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shown = ARTICLE.search(SECTIONS[title])
    assert shown is not None
    expected = json.loads(shown[1])
    report = run_ingest(folder, tmp_path / "store.db")
    assert (report.articles, report.problems) == (1, 0)
    with Product(tmp_path / "store.db") as product:
        answer = product.ask(QUERY, {"slug": expected["slug"]})
    assert answer == {"data": {"article": expected}}
