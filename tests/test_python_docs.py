"""The code of docs/python.md runs, and the page has every setting."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gqlnews.python_api import Settings
from tests.conftest import EXAMPLES
from tests.server.support import DEADLINE, environment, write_articles

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text("utf-8")
MOUNTED, WITH_LIFESPAN, PYTEST, TYPED = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ASKS = """
from starlette.testclient import TestClient
with TestClient(app) as client:
    response = client.post("/news/graphql", json={"query": "{ site { articleCount } }"})
    assert response.json() == {"data": {"site": {"articleCount": 1}}}
"""


def run(home: Path, *arguments: str) -> None:
    write_articles(home / "content")
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *arguments], env=environment(home), cwd=home, timeout=DEADLINE, check=True
    )


def test_the_mounted_application_is_that_of_the_examples() -> None:
    example = (EXAMPLES.parent / "mounted.py").read_text("utf-8")
    assert example.rpartition('"""\n\n')[2] == MOUNTED


@pytest.mark.parametrize("code", [MOUNTED, WITH_LIFESPAN], ids=["mounted", "with a lifespan"])
def test_the_applications_serve_the_folder(tmp_path: Path, code: str) -> None:
    run(tmp_path, "-c", code + ASKS)


def test_the_settings_are_accepted(tmp_path: Path) -> None:
    run(tmp_path, "-c", TYPED)


def test_the_test_passes(tmp_path: Path) -> None:
    (tmp_path / "test_news.py").write_text(PYTEST)
    run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_news.py")


def test_the_page_has_every_setting() -> None:
    lists = PAGE.partition("are lists of texts.")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", lists)) == set(Settings.__annotations__)
