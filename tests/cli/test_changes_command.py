"""`gqlnews changes`: lines, pipes, signals, and a consumer that is killed."""

import itertools
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gqlnews.cli.app import run
from tests.cli.killed_changes import kill_repeatedly
from tests.ingest.folder import Folder
from tests.ingest.model import open_careless, run_ingest
from tests.server.support import DEADLINE, Running, environment, run_cli, running

DOCUMENT = Path(__file__).parents[2] / "docs" / "changes.md"


class Store:
    """A content folder with its database."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.folder, self.database = root, Folder(root / "content"), root / "news.db"
        self._capsys = capsys

    def write(self, slug: str, **keys: Any) -> None:
        self.folder.article(f"{slug}.md", url=f"https://example.com/{slug}", **keys)

    def ingest(self) -> None:
        with closing(open_careless(self.database)) as db:
            run_ingest(db, self.folder)

    def changes(self, *arguments: str) -> list[dict[str, Any]]:
        code = run(["changes", "--db", str(self.database), *arguments])
        printed = self._capsys.readouterr()
        assert (code, printed.err) == (0, "")
        return [json.loads(line) for line in printed.out.splitlines()]

    @contextmanager
    def following(self, *arguments: str) -> Iterator[Running]:
        command = [sys.executable, "-m", "gqlnews", "changes", "--follow", "--db", str(self.database)]
        with running([*command, *arguments], environment(self.root)) as process:
            yield process


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Store:
    """A public article and a hidden one."""
    store = Store(tmp_path, capsys)
    store.write("a", title="old", topics=["AI"])
    store.write("b", published=False)
    store.ingest()
    return store


def test_a_line_has_version_slug_kind_and_the_states(store: Store) -> None:
    (line,) = store.changes("--fields", "title,topic", "--fields", "published")
    version = line.pop("version")
    after = {"title": "old", "topic": ["ai"], "published": True}
    assert line == {"slug": "a", "kind": "ADDED", "before": None, "after": after}
    store.write("a", title="new")
    store.ingest()
    (line,) = store.changes("--since", version, "--fields", "title")
    assert line.pop("version") > version
    assert line == {"slug": "a", "kind": "UPDATED", "before": {"title": "old"}, "after": {"title": "new"}}


def test_without_fields_a_line_has_no_states(store: Store) -> None:
    (line,) = store.changes()
    assert line.keys() == {"version", "slug", "kind"}


def test_all_articles_are_printed_on_request(store: Store) -> None:
    lines = store.changes("--unpublished", "--fields", "published")
    assert {line["slug"]: line["after"]["published"] for line in lines} == {"a": True, "b": False}


def test_changes_are_followed_until_ctrl_c(store: Store) -> None:
    with store.following() as process:
        assert json.loads(process.next() or "")["slug"] == "a"
        store.write("c")
        store.ingest()
        line = json.loads(process.next() or "")
        assert (line["slug"], line["kind"]) == ("c", "ADDED")
        store.folder.remove("a.md")
        store.ingest()
        assert json.loads(process.next() or "")["kind"] == "REMOVED"
        process.stop(signal.SIGINT)
        assert "stopped by Ctrl-C; to resume, pass the `version`" in process.remaining_output()
    assert process.process.returncode == 0
    assert [line["slug"] for line in store.changes("--since", line["version"])] == ["a"]


def test_following_ends_when_the_reader_is_gone(store: Store) -> None:
    """Even if no change is to be printed."""
    arguments = ["changes", "--follow", "--db", str(store.database)]
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "gqlnews", *arguments],
        env=environment(store.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == b""


def test_a_reader_that_is_gone_is_no_error(store: Store) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "gqlnews", "changes", "--db", str(store.database)],
        env=environment(store.root),
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=DEADLINE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_rebuild_ends_following_with_an_error(store: Store) -> None:
    with store.following() as process:
        process.next()
        run_cli(store.root, "ingest", store.folder.root, "--db", store.database, "--rebuild")
        message = process.remaining_output()
        assert process.process.wait(DEADLINE) == 2
    assert "gqlnews: VERSION_TOO_OLD: version " in message
    assert "start again without --since" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--db", "none.db", "--follow"], "database none.db does not exist: run `gqlnews ingest FOLDER"),
        ([], "Missing option '--db'"),
        (["--db", "news.db", "--since", "yesterday"], "BAD_VERSION: --since: 'yesterday' is not a version"),
        (["--db", "news.db", "--since", "abc0-1"], "VERSION_TOO_OLD: version abc0-1 is from before"),
        (["--db", "news.db", "--fields", "body"], "--fields: 'body' is not a field that filters read"),
    ],
)
def test_an_error_is_one_line_and_code_2(
    store: Store,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(store.root)
    assert run(["changes", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"gqlnews: {message}")
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert not (store.root / "none.db-swap").exists()


def test_a_consumer_that_is_killed_misses_nothing(tmp_path: Path) -> None:
    """`make fuzz` kills it 200 times."""
    assert kill_repeatedly(tmp_path, kills=8, seed=1) > 0


# The example of the documentation.


class Webhook:
    """A local HTTP server that queues the lines it receives, and rejects those at the given indexes."""

    def __init__(self, rejected: set[int]) -> None:
        self.received: queue.Queue[dict[str, Any]] = queue.Queue()
        count = itertools.count()
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                line = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                is_rejected = next(count) in rejected
                self.send_response(503 if is_rejected else 204)
                self.end_headers()
                if not is_rejected:
                    received.put(line)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> "Webhook":
        threading.Thread(target=self._server.serve_forever).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next(self) -> tuple[str, str]:
        line = self.received.get(timeout=DEADLINE)
        return line["kind"], line["slug"]


def test_the_webhook_of_the_documentation_delivers_every_change(store: Store) -> None:
    """The webhook fails at the first line, and the program is killed after the second."""
    example = re.search(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert example is not None
    (store.root / "deliver.py").write_text(example[1], "utf-8")
    env = environment(store.root)
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    with Webhook(rejected={0}) as webhook:
        command = [sys.executable, "deliver.py", str(store.database), webhook.url, "position.txt"]
        failed = subprocess.run(  # noqa: S603 - our own example
            command, env=env, cwd=store.root, capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert (failed.returncode, "503" in failed.stderr) == (1, True)
        with running(command, env, subprocess.Popen.kill, folder=store.root):
            assert webhook.next() == ("ADDED", "a")
            store.write("c")
            store.ingest()
            assert webhook.next() == ("ADDED", "c")
        store.folder.remove("a.md")
        store.ingest()
        with running(command, env, folder=store.root):
            delivered = webhook.next()
            if delivered == ("ADDED", "c"):  # it was killed before it stored the version
                delivered = webhook.next()
            assert delivered == ("REMOVED", "a")
