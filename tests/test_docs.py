"""The documentation, checked against the code."""

import json
import re
from pathlib import Path

import pytest

from gqlnews.errors import Code
from tests.product import Product

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gqlnews"
README = (ROOT / "README.md").read_text()


def test_the_readme_query_gives_the_readme_answer(examples: Product) -> None:
    request = re.search(r"--data-urlencode 'query=(\{.*?\})'\n```", README, re.DOTALL)
    answer = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert request is not None
    assert answer is not None
    assert examples.ask(request[1]) == json.loads(answer[1])


def test_every_error_code_has_its_line_and_no_line_has_another() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    assert set(rows) == set(Code)


def test_every_link_between_documents_leads_somewhere() -> None:
    for file in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text()):
            if not target.startswith("http"):
                assert (file.parent / target).exists(), f"{file.name} links to {target}"


@pytest.mark.parametrize(
    ("document", "least"), [("security.md", 50), ("operations.md", 10), ("changes.md", 2)]
)
def test_every_test_that_a_document_names_is_there(document: str, least: int) -> None:
    """A guarantee without a test is unverified."""
    table = (ROOT / "docs" / document).read_text()
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", table))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_[a-z0-9_]+)\(", file.read_text())
    }
    assert len(named) >= least
    assert named - there == set()


def test_every_code_that_security_names_is_one() -> None:
    named = re.findall(r"`([A-Z]+_[A-Z_]+)`", (ROOT / "docs" / "security.md").read_text())
    assert set(named) - set(Code) == set()


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
FILES = r"`([a-z0-9_/]+\.(?:py|sql|md))`"


def test_every_file_that_the_architecture_names_is_there() -> None:
    named = re.findall(FILES, ARCHITECTURE)
    assert len(named) > 100
    # In a list of files of one folder, only the first has the folder.
    assert [
        one for one in named if "/" in one and not any((top / one).exists() for top in (PACKAGE, ROOT))
    ] == []


def test_an_uncached_post_passes_few_files() -> None:
    journey = ARCHITECTURE.split("## Journey 1")[1].split("## Journey 2")[0]
    assert 20 < len(set(re.findall(FILES, journey))) <= 30
