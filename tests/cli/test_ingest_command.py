"""`gqlnews ingest`: the line of counts, the progress bar, and how it stops."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gqlnews.cli.app import run
from tests.server.support import DEADLINE, SOON, environment, run_cli, write_articles

COUNTS = r"(\d+) added, (\d+) changed, (\d+) removed, (\d+) unchanged, (\d+) problems; \d+\.\d\d s\n"


def ingest(folder: Path, database: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, ...]:
    """Ingest, and return the counts: added, changed, removed, unchanged, problems."""
    assert run(["ingest", str(folder), "--db", str(database), "--ingest-workers", "1"]) == 0
    message = capsys.readouterr()
    assert message.err == ""
    found = re.fullmatch(COUNTS, message.out)
    assert found
    return tuple(map(int, found.groups()))


def test_ingest_prints_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, database = write_articles(tmp_path / "content"), tmp_path / "news.db"
    assert ingest(folder, database, capsys) == (2, 0, 0, 0, 1)
    (folder / "unpublished.md").unlink()
    (folder / "broken.md").unlink()
    published = folder / "published.md"
    published.write_text(published.read_text("utf-8") + "More.\n", "utf-8")
    assert ingest(folder, database, capsys) == (0, 1, 1, 0, 0)
    assert ingest(folder, database, capsys) == (0, 0, 0, 1, 0)


def test_by_default_each_folder_has_its_own_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("one", "other"):
        assert run(["ingest", str(write_articles(tmp_path / name)), "--ingest-workers", "1"]) == 0
    assert len(list((tmp_path / "cache" / "gqlnews").glob("*.db"))) == 2
    assert capsys.readouterr().out.count("2 added") == 2


def test_no_progress_bar_without_a_terminal(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "ingest", write_articles(tmp_path / "content"))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(COUNTS, done.stdout)


@pytest.mark.parametrize(("changes", "colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_sees_a_progress_bar(tmp_path: Path, changes: dict[str, str], colours: bool) -> None:
    folder = write_articles(tmp_path / "content")
    with on_terminal(tmp_path, ["ingest", str(folder)], changes) as terminal:
        terminal.read_until("Reading articles")
        terminal.read_until("2 added")
    assert bool(re.search(r"\x1b\[[\d;]*3\d", terminal.shown)) is colours


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ingest takes longer than a signal."""
    home = tmp_path_factory.mktemp("sample")
    assert run_cli(home, "sample", home / "content", "--articles", "3000").returncode == 0
    return home / "content"


@pytest.mark.parametrize(
    ("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")]
)
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_signal_stops_the_ingest_and_rolls_it_back(
    tmp_path: Path, sample: Path, number: int, code: int, name: str, processes: str
) -> None:
    few, database = write_articles(tmp_path / "few"), tmp_path / "news.db"
    assert run_cli(tmp_path, "ingest", few, "--db", database).returncode == 0
    command = ["ingest", str(sample), "--db", str(database), "--ingest-workers", processes]
    with on_terminal(tmp_path, command, {}) as terminal:
        terminal.read_until(r"[1-9]\d*/3000")
        start = time.monotonic()
        os.killpg(terminal.process.pid, number)  # as a terminal does
        terminal.read_until(f"stopped by {name}; this run was rolled back")
        terminal.process.wait(10)
        assert (time.monotonic() - start < SOON, terminal.process.returncode) == (True, code)
    assert "Traceback" not in terminal.shown
    again = run_cli(tmp_path, "ingest", few, "--db", database).stdout
    assert again.startswith("0 added, 0 changed, 0 removed, 2 unchanged")


@dataclass
class Terminal:
    """A command on its own terminal, and everything that it displayed."""

    process: subprocess.Popen[bytes]
    _screen: int
    _read: bytes = b""

    def read_until(self, pattern: str) -> None:
        """Read until `pattern` is displayed; the terminal ends with the last process on it."""
        until = time.monotonic() + DEADLINE
        while not re.search(pattern, self.shown):
            readable, _, _ = select.select([self._screen], [], [], max(0, until - time.monotonic()))
            assert readable, f"{pattern} was not shown: {self.shown[-500:]}"
            self._read += os.read(self._screen, 65536)

    @property
    def shown(self) -> str:
        """Return the output so far, without an incomplete last character."""
        return self._read.decode(errors="ignore")


@contextmanager
def on_terminal(home: Path, arguments: list[str], changes: dict[str, str]) -> Iterator[Terminal]:
    """Run a command while the block runs, as the leader of a process group."""
    screen, line = pty.openpty()
    env = environment(home, {"TERM": "xterm-256color", "COLUMNS": "200"} | changes)
    env.pop("COVERAGE_PROCESS_CONFIG", None)  # a signal's handler that is measured may wait for the measurer
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "gqlnews", *arguments],
        env=env,
        stdin=line,
        stdout=line,
        stderr=line,
        start_new_session=True,
    ) as process:
        os.close(line)
        try:
            yield Terminal(process, screen)
            process.wait(10)
        finally:
            process.kill()
            os.close(screen)
