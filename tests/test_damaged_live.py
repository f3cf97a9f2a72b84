"""A database that is damaged while it is served, or before, is replaced by a new store."""

import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from gqlnews.database.sqlite.leader_lock import leader_lock_path
from tests.ingest.damaged import GARBAGE, KINDS, Damage, damage_first_page, damage_root_page
from tests.ingest.folder import Folder
from tests.ingest.watch_process import until
from tests.server.support import Running, environment, run_cli, running, serving
from tests.test_live import children, watching

ARTICLES = 150
LIVE = {"GQLNEWS_WATCH": "1", "GQLNEWS_RESPONSE_CACHE_MB": "0", "GQLNEWS_FIELD_CACHE_MB": "0"}
WHILE_SERVING = {name: KINDS[name] for name in ("a table", "a leaf of a table", "full text")}
AT_THE_START = {name: KINDS[name] for name in ("a leaf of a table", "the schema", "cut off")}
QUERY = """{
  articles(first: 100, where: {matches: "word"}) { totalCount nodes { title body } }
  others: articles(last: 100) { nodes { title body } }
}"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "content")
    for number in range(ARTICLES):
        folder.article(
            f"{number}.md", f"https://x.example/{number}", title=f"T {number}", excerpt="word " * 200
        )
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


def ask(url: str, query: str = QUERY) -> httpx2.Response:
    return httpx2.post(f"{url}/graphql", json={"query": query})


def is_whole(url: str) -> bool:
    answer = ask(url).json()
    return "errors" not in answer and answer["data"]["articles"]["totalCount"] == ARTICLES


def is_ready(url: str) -> bool:
    return httpx2.get(f"{url}/health/ready").status_code == 200


def metric(url: str, name: str) -> float:
    lines = httpx2.get(f"{url}/metrics").text.splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith(f"{name} ")]
    return float(value)


@pytest.mark.parametrize("damage", WHILE_SERVING.values(), ids=WHILE_SERVING)
def test_a_database_that_is_damaged_while_it_is_served_is_rebuilt(
    damage: Damage, folder: Folder, database: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, folder.root, "--db", str(database), "--metrics", env=LIVE) as (url, run):
        run.wait_for("watching")
        assert is_ready(url)
        assert metric(url, "gqlnews_database_damaged") == 0
        with watching(url, raw=True) as answers:
            damage(database)
            ask_until_an_error(url)
            run.wait_for("is damaged .*gqlnews ingest FOLDER --rebuild")
            run.wait_for("warning database damaged")
            run.wait_for("info database rebuilt")
            run.wait_for("was replaced; reading the new file")
            assert next(answers)["errors"][0]["extensions"] == {"code": "VERSION_TOO_OLD"}
        assert is_whole(url)
        assert is_ready(url)
        assert metric(url, "gqlnews_database_damaged") == 0
        assert metric(url, "gqlnews_database_replacements_total") == 1
        edit(folder, 0, "Edited")
        until(lambda: title_of(url) == "Edited", "the edit is not served")
        assert "Traceback" not in "\n".join(run.output_so_far())


def test_a_log_that_is_damaged_while_it_is_in_use_is_replaced_with_its_database(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, folder.root, "--db", str(database), env=LIVE) as (url, run):
        run.wait_for("watching")
        for number in range(ARTICLES):
            edit(folder, number, "In the log")
        until(lambda: title_of(url, ARTICLES - 1) == "In the log", "the edits are not served")
        log = database.with_name("news.db-wal")
        with log.open("r+b") as file:
            file.seek(100)
            file.write(GARBAGE * (log.stat().st_size - 100))
        edit(folder, 0, "Edited")  # until then every page is cached
        ask_until_an_error(url)
        run.wait_for("info database rebuilt")
        run.wait_for("was replaced; reading the new file")
        assert is_whole(url)
        assert title_of(url) == "Edited"


def edit(folder: Folder, number: int, title: str) -> None:
    folder.article(f"{number}.md", f"https://x.example/{number}", title=title, excerpt="word " * 200)


def ask_until_an_error(url: str) -> None:
    until(lambda: "errors" in ask(url).json(), "no query fails")


def title_of(url: str, slug: int = 0) -> object:
    return ask(url, f'{{ article(slug: "{slug}") {{ title }} }}').json()["data"]["article"]["title"]


def test_without_a_watcher_it_is_not_ready_until_it_is_rebuilt_by_hand(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    arguments = ("--db", str(database), "--metrics", "--no-watch")
    with serving(tmp_path, folder.root, *arguments, env=LIVE | {"GQLNEWS_WATCH": ""}) as (url, run):
        damage_root_page("article")(database)
        ask_until_an_error(url)
        run.wait_for(f"error database .*is damaged .*`gqlnews ingest FOLDER --rebuild --db {database}`")
        assert not is_ready(url)
        assert httpx2.get(f"{url}/health/live").status_code == 200
        assert metric(url, "gqlnews_database_damaged") == 1
        refused = run_cli(tmp_path, "ingest", folder.root, "--db", database)
        assert (refused.returncode, "--rebuild" in refused.stderr) == (2, True)
        assert run_cli(tmp_path, "ingest", folder.root, "--db", database, "--rebuild").returncode == 0
        run.wait_for("was replaced; reading the new file")
        assert is_whole(url)
        assert is_ready(url)


def test_all_servers_of_a_damaged_database_are_not_ready(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    arguments = ("--db", str(database), "--no-watch")
    env = LIVE | {"GQLNEWS_WATCH": ""}
    with serving(tmp_path, folder.root, *arguments, env=env) as (one, _):
        with serving(tmp_path, folder.root, *arguments, env=env) as (other, run):
            damage_root_page("article")(database)
            ask_until_an_error(one)
            until(lambda: not is_ready(one) and not is_ready(other), "one is ready")
            assert json.dumps(run.output_so_far()).count("is damaged") == 1


@pytest.mark.parametrize("damage", AT_THE_START.values(), ids=AT_THE_START)
def test_a_server_rebuilds_a_database_that_is_damaged_at_its_start(
    damage: Damage, folder: Folder, database: Path, tmp_path: Path
) -> None:
    assert run_cli(tmp_path, "ingest", folder.root, "--db", database).returncode == 0
    damage(database)
    line = [sys.executable, "-m", "gqlnews", "serve", str(folder.root), "--port", "0", "--db", str(database)]
    with running(line, environment(tmp_path, LIVE)) as run:
        run.wait_for("warning database damaged database=.* reason=")
        run.wait_for(f"info database rebuilt database=.* articles={ARTICLES} ms=")
        url = run.wait_for(r"http://[^\s\"]+/graphql").removesuffix("/graphql")
        assert is_whole(url)
        assert is_ready(url)


def test_a_worker_that_cannot_open_the_damaged_database_is_started_again(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, folder.root, "--db", str(database), "--workers", "2", env=LIVE) as (url, run):
        run.wait_for("Ctrl-C stops it")
        until(lambda: leader_lock_path(database).read_text() != "", "nothing is recorded")
        damage_first_page(database)
        subprocess.run(["kill", "-9", str(children(run.process, "gqlnews.cli.worker")[0])], check=True)  # noqa: S603, S607
        run.wait_for("info database rebuilt")
        wait_for_workers(run)
        until(lambda: is_whole(url), "a worker still reads the damaged file")


def wait_for_workers(run: Running) -> None:
    until(lambda: len(children(run.process, "gqlnews.cli.worker")) == 2, "there are not two workers")
