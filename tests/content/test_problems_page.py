"""`docs/problems.md` names every code, and each example yields the code of its heading."""

import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from gqlnews.content.diagnostics import ProblemCode, get_severity
from tests.product import run_ingest

PAGE = (Path(__file__).parents[2] / "docs" / "problems.md").read_text()
SECTION = re.compile(r"^## (\S+)\n\n(\w+)\..*?^```(\w+)\n(.*?)^```\n\nFix: ", re.DOTALL | re.MULTILINE)
SECTIONS = {name: (severity, kind, example) for name, severity, kind, example in SECTION.findall(PAGE)}
ROW = re.compile(r"^\| \[`(\S+)`\]\(#(\S+)\) \| (\w+) \|", re.MULTILINE)
COMES_WITH = {ProblemCode.PUBLISHED_DISAGREES: {ProblemCode.PUBLISHED_DISAGREES, ProblemCode.DUPLICATE_URL}}


def test_the_page_lists_exactly_the_codes() -> None:
    assert list(SECTIONS) == [name for name, _, _ in ROW.findall(PAGE)]
    assert sorted(SECTIONS) == sorted(ProblemCode)


@pytest.mark.parametrize("code", ProblemCode)
def test_the_page_states_the_severity(code: ProblemCode) -> None:
    in_table = {name: severity for name, _, severity in ROW.findall(PAGE)}
    assert SECTIONS[code][0].upper() == in_table[code].upper() == get_severity(code)


@pytest.mark.parametrize("code", ProblemCode)
def test_each_example_produces_its_code(code: ProblemCode, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    folder.mkdir()
    _, kind, example = SECTIONS[code]
    if kind == "sh":
        subprocess.run(["/bin/sh", "-ec", example], cwd=folder, check=True)  # noqa: S603  # the page's own example
    else:
        (folder / "launch.md").write_text(example)
    run_ingest(folder, tmp_path / "store.db")
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        codes = {row[0] for row in db.execute("SELECT code FROM problem")}
    assert codes == COMES_WITH.get(code, {code})
