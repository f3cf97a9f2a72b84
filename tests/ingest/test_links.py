"""The problems as read by the command line."""

import sqlite3

from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.ingest.links import read_problems
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder


def test_problems_are_sorted_by_path_line_column_and_code(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    folder.article("b.markdown", quality="36", heat="5")
    folder.article("b.md", quality="36", heat="5")
    folder.article("a.md", quality=36.5)
    run_ingest()
    found = read_problems(db)
    assert [(p.path, p.line, p.code) for p in found] == [
        ("a.md", 5, "wrong-type"),
        ("b.markdown", 5, "repaired-type"),
        ("b.markdown", 6, "repaired-type"),
        ("b.md", None, "duplicate-slug"),
        ("b.md", 5, "repaired-type"),
        ("b.md", 6, "repaired-type"),
    ]
    assert found[3] == ContentProblem(
        "b.md",
        None,
        None,
        ProblemSeverity.ERROR,
        "duplicate-slug",
        "`b.markdown` has the slug `b` already: rename one of the two",
    )
