"""The explorer below the path at which FastAPI mounts the application."""

from pathlib import Path

from playwright.sync_api import Page

from tests.server.graphiql.support import content_folder, execute, expect_result, open_example, open_explorer
from tests.server.graphiql.test_page import trouble_on
from tests.server.mounted import mounted


def test_the_explorer_works_below_a_path_and_needs_nothing_outside(page: Page, tmp_path: Path) -> None:
    content = content_folder(tmp_path, "robots-read", "Robots learn to read").rename(tmp_path / "content")
    with mounted(tmp_path) as (url, run):
        trouble = trouble_on(page, url)
        open_explorer(page, f"{url}/")
        execute(page)
        expect_result(page, "Robots learn to read")
        run.wait_for(" watching ")
        open_example(page, "A subscription to changes")
        with page.expect_response(f"{url}/graphql"):
            execute(page)
        article = content / "robots-read.md"
        article.write_text(article.read_text().replace("learn to read", "read aloud"))
        expect_result(page, "Robots read aloud")
        assert trouble == []
