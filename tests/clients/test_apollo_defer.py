"""Apollo Client 4 reads incremental responses in both formats that it knows."""

import json
from pathlib import Path

import pytest

from tests.clients.programs import HERE
from tests.server.support import PUBLISHED, environment, running, serving, write_articles


@pytest.mark.parametrize("handler", ["GraphQL17Alpha9Handler", "Defer20220824Handler"])
def test_apollo_shows_the_first_part_and_then_the_whole(tmp_path: Path, handler: str) -> None:
    content = write_articles(tmp_path / "content", {"a.md": PUBLISHED})
    with serving(tmp_path / "home", content) as (base, _):
        command = ["node", str(HERE / "apollo-defer.mjs"), f"{base}/graphql", handler]
        with running(command, environment(tmp_path)) as client:
            states = [json.loads(line) for line in client.remaining_output().splitlines()]
    assert [state for state, _ in states] == ["streaming", "complete"]
    (_, first), (_, whole) = states
    assert (first["slug"], "title" in first) == ("a", False)
    assert (whole["title"], [topic["name"] for topic in whole["topics"]]) == (
        "Published",
        ["Computer Vision"],
    )
