"""Every size and time that stat(2) can return is ingested."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gqlnews.content.models import ParseOptions, SourceFile
from gqlnews.ingest.pipeline import ingest
from tests.ingest.conftest import RunIngest
from tests.ingest.folder import Folder
from tests.server.support import run_cli

SECOND = 10**9
YEAR_2300 = 10_413_792_000 * SECOND
TIMES = (0, -1, YEAR_2300, 2**63, -(2**63) - 1, 2**64, (2**63 - 1) * SECOND + 999_999_999, -(2**63) * SECOND)


def status(size: int, mtime_ns: int, ctime_ns: int) -> os.stat_result:
    times = {"st_mtime_ns": mtime_ns, "st_ctime_ns": ctime_ns}
    return os.stat_result((0, 0, 0, 0, 0, 0, size, 0, 0, 0), times)


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("size", [0, -1, -(2**63), 2**63 - 1])
def test_every_status_fits_the_store_and_the_pipe_to_a_parser(size: int, time: int) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for other in TIMES:
            source = SourceFile.from_status("a.md", status(size, time, other))
            values = source.size, source.mtime_ns, source.ctime_ns
            assert db.execute("SELECT ?, ?, ?", values).fetchone() == values
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(source), type=SourceFile) == source
            assert source.size >= 0


def test_times_within_64_bits_are_exact() -> None:
    source = SourceFile.from_status("a.md", status(7, -5, 2**63 - 1))
    assert (source.size, source.mtime_ns, source.ctime_ns) == (7, -5, 2**63 - 1)


@pytest.mark.parametrize("mtime", [YEAR_2300, -(2**40) * SECOND, 2**63, -1])
def test_a_file_of_any_time_is_ingested_once_and_again_after_a_change(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection, mtime: int
) -> None:
    folder.article("a.md")
    os.utime(folder.root / "a.md", ns=(mtime, mtime))
    assert run_ingest().added == 1
    read = []
    run_ingest(progress=lambda done, total: read.append(total))
    assert set(read) == {0}
    folder.article("a.md", title="new")
    os.utime(folder.root / "a.md", ns=(mtime, mtime))
    assert run_ingest().changed == 1
    assert run_ingest(now_ns=lambda: 2**70).unchanged == 1


def test_parser_processes_accept_any_time(
    folder: Folder, run_ingest: RunIngest, db: sqlite3.Connection
) -> None:
    for number in range(300):
        folder.article(f"{number}.md", f"https://example.com/{number}")
        os.utime(folder.root / f"{number}.md", ns=(YEAR_2300, YEAR_2300))
    report = ingest(db, folder.root, ParseOptions(), processes=2)
    assert (report.added, report.problems) == (300, 0)


def test_the_commands_accept_a_file_of_the_year_2300(folder: Folder, tmp_path: Path) -> None:
    folder.article("a.md")
    os.utime(folder.root / "a.md", ns=(YEAR_2300, YEAR_2300))
    check = run_cli(tmp_path, "check", folder.root)
    assert (check.returncode, check.stdout) == (0, "")
    done = run_cli(tmp_path, "ingest", folder.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 added, ")
