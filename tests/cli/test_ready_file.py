"""`gqlnews serve --ready-file`: when it is written, what it contains, and when it is removed."""

import json
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from gqlnews.cli.ready_file import MAX_PROBLEMS, open_ready_file
from gqlnews.errors import BindError, CommandError
from tests.ingest.watch_process import until
from tests.server.support import BROKEN, DEADLINE, environment, run_cli, running, serving, write_articles


def read(path: Path) -> Any:
    return json.loads(path.read_text("ascii"))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_is_there_while_the_server_serves(tmp_path: Path, workers: str) -> None:
    folder, path = write_articles(tmp_path / "content"), tmp_path / "ready.json"
    with serving(tmp_path, folder, "--workers", workers, "--ready-file", str(path)) as (url, run):
        ready = read(path)
        with urlopen(ready["health"], timeout=DEADLINE) as response:  # noqa: S310 - http
            assert response.status == 200
        pid = run.process.pid
        run.stop(signal.SIGTERM)
        assert run.process.returncode == 0
    (problem,) = ready.pop("problems")
    assert problem | {"message": ""} == {
        "path": "broken.md",
        "line": 3,
        "column": 20,
        "severity": "ERROR",
        "code": "bad-date",
        "message": "",
    }
    assert ready == {
        "pid": pid,
        "url": url,
        "endpoint": f"{url}/graphql",
        "websocket": f"{url.replace('http:', 'ws:')}/graphql",
        "explorer": f"{url}/graphql",
        "reader": f"{url}/",
        "health": f"{url}/health/ready",
        "folder": str(folder),
        "articles": 1,
        "errors": 1,
        "warnings": 0,
    }
    assert not path.exists()


def test_its_problems_are_those_of_check_and_bounded(tmp_path: Path) -> None:
    files = {f"{number:03}.md": BROKEN for number in range(MAX_PROBLEMS + 1)}
    warned = "---\ntitle: A &amp; B\npublishedDateTime: 2021-01-01\nwebUrl: https://e.example/\n---\n"
    folder = write_articles(tmp_path / "content", {"000-warned.md": warned, **files})
    path = tmp_path / "ready.json"
    checked = json.loads(run_cli(tmp_path, "check", folder, "--format", "json").stdout)
    with serving(tmp_path, folder, "--ready-file", str(path), "--no-explorer"):
        ready = read(path)
    errors = [problem for problem in checked if problem["severity"] == "ERROR"]
    assert (ready["errors"], ready["warnings"]) == (MAX_PROBLEMS + 1, len(checked) - len(errors))
    assert ready["problems"] == errors[:MAX_PROBLEMS]
    assert ready["explorer"] is None


def test_a_folder_that_is_absent_is_an_error_before_the_start(tmp_path: Path) -> None:
    folder, path = write_articles(tmp_path / "content"), tmp_path / "absent" / "ready.json"
    done = run_cli(tmp_path, "serve", folder, "--port", "0", "--ready-file", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"gqlnews: --ready-file {path} cannot be written (No such file or directory): "
        "pass the path of a file in a folder that exists and may be written\n"
    )


def test_a_file_that_cannot_be_written_later_ends_the_server(tmp_path: Path) -> None:
    """The folder of the file goes while the articles are ingested."""
    folder = write_articles(tmp_path / "content", {f"{n}.md": BROKEN for n in range(2000)})
    path, database = tmp_path / "ready" / "ready.json", tmp_path / "n.db"
    path.parent.mkdir()
    command = ["-m", "gqlnews", "serve", str(folder), "--port", "0", "--db", str(database)]

    with running([sys.executable, *command, "--ready-file", str(path)], environment(tmp_path)) as run:
        until((tmp_path / "n.db-journal").exists, "it does not begin")
        for file in path.parent.iterdir():
            file.unlink()
        path.parent.rmdir()
        assert run.process.wait(DEADLINE) == 2
        assert "cannot be written (No such file or directory)" in run.remaining_output()


# Without a server.


def test_the_file_of_an_earlier_server_is_removed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text("{}")
    with open_ready_file(path) as write:
        assert not path.exists()
        write({"pid": 1})
        assert read(path) == {"pid": 1}
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_start_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text("of an earlier server")
    with pytest.raises(BindError), open_ready_file(path):
        raise BindError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"is not a regular file: pass the path of a new file"):
        with open_ready_file(tmp_path):
            raise AssertionError


def test_the_file_of_a_later_server_stays(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    with open_ready_file(path) as write:
        write({"pid": 1})
        with open_ready_file(path) as write_again:
            write_again({"pid": 2})
            (tmp_path / "other.json").write_text("{}")
            (tmp_path / "other.json").replace(path)
    assert read(path) == {}


def test_a_folder_that_goes_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ready" / "ready.json"
    path.parent.mkdir()
    with open_ready_file(path) as write:
        for file in path.parent.iterdir():
            file.unlink()
        path.parent.rmdir()
        with pytest.raises(CommandError, match="cannot be written"):
            write({})
