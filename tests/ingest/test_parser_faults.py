"""Parser processes that die during an ingest: manual, while watching, and before serving."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from gqlnews.database.sqlite.writer import open_writer, transaction
from gqlnews.ingest.worker_pool import marker_path
from tests.ingest.folder import Folder
from tests.ingest.test_watch_ingest_faults import fill_up, small_disk
from tests.ingest.watch_process import command, until
from tests.server.support import DEADLINE, close_input, environment, run_cli, running, serving

__all__ = ["small_disk"]

MANY = 1200
HARM = Path(__file__).parent / "harm"
WATCHED = {"GQLNEWS_WATCH": "1"}


def fill(folder: Folder, count: int = MANY) -> None:
    for number in range(count):
        folder.article(f"{number}.md", f"https://example.com/{number}", title=f"Title {number}")


def parsers_of(pid: int) -> list[int]:
    """Return the parser processes that a process has started."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                with suppress(OSError):
                    if "ingest.pool_worker" in Path(f"/proc/{child}/cmdline").read_text():
                        found.append(int(child))
    return found


@contextmanager
def killing(process: subprocess.Popen[str], most: int) -> Iterator[list[int]]:
    """Kill up to `most` parser processes as soon as they appear; yield the killed ones."""
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        while process.poll() is None and len(killed) < most and not ended.wait(0.001):
            for pid in parsers_of(process.pid)[: most - len(killed)]:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        ended.set()
        killer.join()


def run_and_kill(home: Path, most: int, *arguments: str | Path) -> tuple[int, str, list[int]]:
    """Return the exit code, the output, and the killed processes."""
    line = [sys.executable, "-m", "gqlnews", *map(str, arguments), "--ingest-workers", "2"]
    with running(line, environment(home), subprocess.Popen.kill) as run:
        with killing(run.process, most) as killed:
            said = run.remaining_output()
        return run.process.wait(DEADLINE), said, killed


@pytest.mark.parametrize("most", [1, 2])
def test_an_ingest_replaces_parser_processes_that_are_killed(
    folder: Folder, database: Path, tmp_path: Path, most: int
) -> None:
    fill(folder)
    code, said, killed = run_and_kill(tmp_path, most, "ingest", folder.root, "--db", database)
    assert (code, len(killed)) == (0, most)
    assert said.startswith(f"{MANY} added, 0 changed, 0 removed, 0 unchanged, 0 problems; ")
    for number in range(400):
        folder.article(f"{number}.md", f"https://example.com/{number}", title="Changed")
    code, said, killed = run_and_kill(tmp_path, most, "ingest", folder.root, "--db", database)
    assert (code, len(killed)) == (0, most)
    assert said.startswith("0 added, 400 changed, 0 removed, 800 unchanged, 0 problems; ")


def test_a_check_replaces_parser_processes_that_are_killed(folder: Folder, tmp_path: Path) -> None:
    fill(folder)
    code, said, killed = run_and_kill(tmp_path, 2, "check", folder.root)
    assert (code, said, len(killed)) == (0, f"0 errors, 0 warnings in {folder.root}", 2)


@pytest.mark.parametrize("name", ["ingest", "check"])
def test_if_parser_processes_always_die_the_command_exits_with_one_line_and_status_2(
    folder: Folder, tmp_path: Path, name: str
) -> None:
    fill(folder)
    code, said, _ = run_and_kill(tmp_path, MANY, name, folder.root)
    assert code == 2
    assert said.startswith("gqlnews: the parser processes keep exiting (killed by signal 9)")
    assert "\n" not in said
    assert "run the command again" not in said


@pytest.mark.parametrize("limit", [6, 8, 9])
def test_without_file_descriptors_an_ingest_exits_with_one_line_and_status_2(
    folder: Folder, database: Path, tmp_path: Path, limit: int
) -> None:
    fill(folder, 300)
    line = [
        sys.executable,
        "-m",
        "gqlnews",
        "ingest",
        str(folder.root),
        "--db",
        str(database),
        "--ingest-workers",
        "2",
    ]
    shell = ["/bin/sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *line]
    done = subprocess.run(  # noqa: S603 - our own program
        shell, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert done.returncode == 2
    assert re.fullmatch(r"gqlnews: .*\(Too many open files\).*raise the limits of .*\n", done.stderr)
    assert run_cli(tmp_path, "ingest", folder.root, "--db", database).stdout.startswith("300 added")


def test_a_deadly_file_among_many_becomes_a_problem(folder: Folder, database: Path, tmp_path: Path) -> None:
    fill(folder, 300)
    folder.article("deadly.md", "https://example.com/deadly")
    harm = {
        "PYTHONPATH": f"{HARM}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "GQLNEWS_INGEST_WORKERS": "2",
    }
    done = run_cli(tmp_path, "ingest", folder.root, "--db", database, **harm)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("300 added, 0 changed, 0 removed, 0 unchanged, 1 problems; ")
    assert problems(database) == [("deadly.md", "unreadable")]
    again = run_cli(
        tmp_path, "ingest", folder.root, "--db", database, **harm
    )  # it is tried again, and survived
    assert again.stdout.startswith("0 added, 0 changed, 0 removed, 300 unchanged, 1 problems; ")
    healed = run_cli(tmp_path, "ingest", folder.root, "--db", database)
    assert healed.stdout.startswith("1 added, 0 changed, 0 removed, 300 unchanged, 0 problems; ")


def problems(database: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(database)) as db:
        return db.execute("SELECT path, code FROM problem").fetchall()


def test_a_deadly_file_parsed_in_process_kills_only_one_ingest(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    fill(folder, 5)
    folder.article("deadly.md", "https://example.com/deadly")
    harm = {"PYTHONPATH": f"{HARM}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    first = run_cli(tmp_path, "ingest", folder.root, "--db", database, **harm)
    assert first.returncode == -signal.SIGKILL
    second = run_cli(tmp_path, "ingest", folder.root, "--db", database, **harm)
    assert second.stdout.startswith("5 added, 0 changed, 0 removed, 0 unchanged, 1 problems; ")
    assert not marker_path(str(database)).exists()


def test_a_deadly_file_saved_while_serving_affects_no_other_edit(folder: Folder, tmp_path: Path) -> None:
    fill(folder, 5)
    harm = {"PYTHONPATH": f"{HARM}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with serving(tmp_path, folder.root, env=WATCHED | harm) as (url, run):
        run.wait_for("watching")
        folder.article("deadly.md", "https://example.com/deadly")
        run.wait_for("watcher exited status=-9")
        run.wait_for("ingested .*problems=1")
        folder.article("0.md", "https://example.com/0", title="Edited")
        until(lambda: title_at(url, "0") == "Edited", "the edit is not served")
        assert "\n".join(run.output_so_far()).count("watcher exited") == 1


def title_at(url: str, slug: str) -> object:
    answer = httpx2.post(
        f"{url}/graphql", json={"query": f'{{ article(slug: "{slug}") {{ title }} }}'}
    ).json()
    return (answer["data"]["article"] or {}).get("title")


def test_a_server_whose_parser_processes_die_at_startup_retries(folder: Folder, tmp_path: Path) -> None:
    fill(folder, 400)
    line = [
        sys.executable,
        "-m",
        "gqlnews",
        "serve",
        str(folder.root),
        "--port",
        "0",
        "--ingest-workers",
        "2",
    ]
    with running(line, environment(tmp_path)) as run:
        with killing(run.process, MANY):
            run.wait_for(r'warning ingest failed reason="the parser processes keep exiting')
        run.wait_for("info ingest recovered")
        url = run.wait_for(r"http://[^\s\"]+/graphql").removesuffix("/graphql")
        assert title_at(url, "0") == "Title 0"
    said = run.remaining_output()
    assert said.count("ingest failed") == 1
    assert "Traceback" not in said
    assert "run the command again" not in said


def test_a_server_whose_disk_is_full_at_startup_retries(
    folder: Folder, small_disk: Path, tmp_path: Path
) -> None:
    fill(folder, 60)
    ballast = small_disk / "ballast"
    fill_up(ballast)
    line = [sys.executable, "-m", "gqlnews", "serve", str(folder.root), "--port", "0"]
    with running([*line, "--db", str(small_disk / "news.db")], environment(tmp_path)) as run:
        run.wait_for("warning ingest failed .*(full|opened)")
        ballast.unlink()
        url = run.wait_for(r"http://[^\s\"]+/graphql").removesuffix("/graphql")
        assert title_at(url, "0") == "Title 0"


def test_a_server_that_cannot_ingest_at_startup_serves_the_existing_store(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    fill(folder, 5)
    assert run_cli(tmp_path, "ingest", folder.root, "--db", database).returncode == 0
    folder.article("0.md", "https://example.com/0", title="Edited")
    with closing(open_writer(database)) as other, transaction(other):
        line = [
            sys.executable,
            "-m",
            "gqlnews",
            "serve",
            str(folder.root),
            "--port",
            "0",
            "--db",
            str(database),
        ]
        with running(line, environment(tmp_path, WATCHED)) as run:
            run.wait_for("warning ingest failed .*in use by another process")
            url = run.wait_for(r"http://[^\s\"]+/graphql").removesuffix("/graphql")
            assert title_at(url, "0") == "Title 0"
            other.execute("COMMIT")
            other.execute("BEGIN")  # what `transaction` ends
            until(lambda: title_at(url, "0") == "Edited", "the edit is not served")


def test_a_watch_ingest_retries_its_first_ingest(folder: Folder, database: Path, tmp_path: Path) -> None:
    fill(folder, 5)
    line = [part for part in command(folder, database) if part != "--until-eof"]
    with closing(open_writer(database)) as other:
        other.execute("BEGIN IMMEDIATE")
        with running(line, environment(tmp_path)) as run:
            run.wait_for("warning ingest failed .*in use by another process")
            other.execute("ROLLBACK")
            run.wait_for("info ingested added=5")


def test_parser_processes_that_always_die_are_reported_by_watch_ingest(
    folder: Folder, database: Path, tmp_path: Path
) -> None:
    line = command(folder, database, "--ingest-workers", "2")
    with running(line, environment(tmp_path), close_input) as run:
        run.wait_for("watching")
        with killing(run.process, MANY):
            fill(folder)
            run.wait_for("warning ingest failed .*keep exiting")
        run.wait_for("ingest recovered")
        until(lambda: count(database) == MANY, "not all were ingested")
    assert "run the command again" not in run.remaining_output()


def count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        (number,) = db.execute("SELECT count(*) FROM article").fetchone()
        return int(number)
