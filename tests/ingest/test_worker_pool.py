"""Parsing many files in several processes."""

import errno
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gqlnews.content.models import ParseOptions, ParseResult, SourceFile
from gqlnews.content.parse_file import parse_file
from gqlnews.content.safe_open import OpenFolder
from gqlnews.discovery.scan import scan_folder
from gqlnews.errors import ParserProcessError
from gqlnews.ingest import process_pool
from gqlnews.ingest.process_pool import BATCH_TIMEOUT, MAX_BATCH_EXITS, MAX_FILE_ATTEMPTS, Convert
from gqlnews.ingest.worker_pool import map_files
from tests.content.bad_files import fenced
from tests.content.deadly import HARMFUL, failing, hanging, killing, killing_always
from tests.content.lifeless import identity
from tests.content.parsing import parse_all, unchanged

OPTIONS = ParseOptions(base_url="https://site.org/")
MANY = 700
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for number in range(MANY):
        front = f"title: Title {number}\npublishedDateTime: 2021-04-15\nwebUrl: /{number}\n"
        (folder / f"{number}.md").write_bytes(
            fenced(front if number % 7 else "title: no more\n", "word " * number)
        )
    return folder


def listed(folder: Path) -> Iterator[SourceFile]:
    return (file for file in scan_folder(folder) if isinstance(file, SourceFile))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_several_processes_return_the_same_as_one(folder: Path, processes: int) -> None:
    read = list(parse_all(folder, listed(folder), OPTIONS, processes))
    assert len(read) == MANY
    assert {outcome.source.path: outcome for outcome in read} == expected_of(folder)


def expected_of(folder: Path) -> dict[str, ParseResult]:
    return {file.path: parse_file(folder, file, OPTIONS) for file in listed(folder)}


def workers() -> set[int]:
    """Return the worker processes that this process has started."""
    found: set[int] = set()
    children: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # the thread has ended meanwhile
            children += (task / "children").read_text().split()
    for pid in children:
        with suppress(OSError):  # it has ended meanwhile
            if "ingest.pool_worker" in Path(f"/proc/{pid}/cmdline").read_text():
                found.add(int(pid))
    return found


def test_few_files_start_no_process(folder: Path) -> None:
    outcomes = parse_all(folder, list(listed(folder))[:20], OPTIONS, 2)
    next(outcomes)
    assert workers() == set()
    assert len(list(outcomes)) == 19


def test_no_process_is_left_if_the_caller_stops_early(folder: Path) -> None:
    outcomes = parse_all(folder, listed(folder), OPTIONS, 2)
    next(outcomes)
    assert len(workers()) == 2
    outcomes.close()  # type: ignore[attr-defined]
    assert workers() == set()


def test_workers_read_the_opened_folder_even_if_its_path_is_replaced(folder: Path, tmp_path: Path) -> None:
    content = tmp_path / "content"
    shutil.copytree(folder, content)
    (content / "link.md").symlink_to("1.md")
    with OpenFolder.open(content) as opened:
        files = list(listed(content))
        content.rename(tmp_path / "moved")
        (tmp_path / "other").mkdir()
        content.symlink_to("other")
        outcomes = list(parse_all(opened, files, OPTIONS, 2))
    unreadable = [each.source.path for each in outcomes if each.revision is None]
    assert (len(outcomes), unreadable) == (MANY + 1, ["link.md"])  # links are resolved by the path


@pytest.mark.parametrize("count", [1, 2])
def test_workers_that_are_killed_are_replaced(folder: Path, count: int) -> None:
    outcomes = parse_all(folder, listed(folder), OPTIONS, 2)
    read = [next(outcomes)]
    for pid in sorted(workers())[:count]:
        os.kill(pid, signal.SIGKILL)
    read += outcomes
    assert {outcome.source.path: outcome for outcome in read} == expected_of(folder)
    assert len(read) == MANY
    assert workers() == set()


def test_a_suspended_worker_is_replaced(folder: Path) -> None:
    outcomes = map_files(unchanged, folder, listed(folder), OPTIONS, 1, isolate=True, timeout=1.0)
    read = [next(outcomes)]
    (started,) = workers()
    os.kill(started, signal.SIGSTOP)
    read += outcomes
    assert {outcome.source.path: outcome for outcome in read} == expected_of(folder)
    assert workers() == set()


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("make", [killing, hanging, failing])
def test_a_deadly_file_becomes_a_problem_and_all_others_are_parsed(
    folder: Path, make: Convert[ParseResult], isolate: bool
) -> None:
    files = [file for file in listed(folder) if not isolate or len(file.path) < 6 or file.path == HARMFUL]
    seconds = 2.0 if make is hanging else BATCH_TIMEOUT
    read = {
        o.source.path: o for o in map_files(make, folder, files, OPTIONS, 2, isolate=isolate, timeout=seconds)
    }
    given_up = read.pop(HARMFUL)
    (problem,) = given_up.problems
    assert (given_up.article, problem.path, problem.code) == (None, HARMFUL, "unreadable")
    assert re.search("signal 9|no response|ValueError: it fails", problem.message)
    assert given_up.source.mtime_ns == 0  # so that it is parsed again next time
    expected = expected_of(folder)
    assert read == {file.path: expected[file.path] for file in files if file.path != HARMFUL}


def test_a_single_deadly_file_is_given_up(folder: Path) -> None:
    files = [file for file in listed(folder) if file.path == HARMFUL]
    (outcome,) = map_files(killing, folder, files, OPTIONS, 2, isolate=True)
    assert "failed (killed by signal 9)" in outcome.problems[0].message


def test_many_deadly_files_do_not_stop_an_ingest(folder: Path) -> None:
    files = [file for file in listed(folder) if int(file.path[:-3]) % 7][
        : MAX_BATCH_EXITS // MAX_FILE_ATTEMPTS + 2
    ]
    outcomes = list(map_files(killing_always, folder, files, OPTIONS, 2, isolate=True))
    assert {outcome.source.path for outcome in outcomes} == {file.path for file in files}
    assert all("killed by signal 9" in outcome.problems[0].message for outcome in outcomes)


def test_workers_that_do_not_start_are_an_error_not_a_problem(folder: Path) -> None:
    with pytest.raises(ParserProcessError, match=r"keep exiting \(exit status 9\)") as caught:
        list(map_files(identity, folder, listed(folder), OPTIONS, 2))
    assert "run the command again" not in str(caught.value)
    assert workers() == set()


def test_workers_that_are_always_killed_are_an_error(folder: Path) -> None:
    ended = threading.Event()
    killer = threading.Thread(target=kill_workers, args=[ended])
    killer.start()
    try:
        with pytest.raises(ParserProcessError, match=r"keep exiting \(killed by signal 9\)"):
            list(parse_all(folder, listed(folder), OPTIONS, 2))
    finally:
        ended.set()
        killer.join()


class FailingStarts:
    """`subprocess.Popen`; the starts with these numbers fail, as `fork` does without free processes."""

    def __init__(self, *numbers: int) -> None:
        self._numbers, self._real = numbers, subprocess.Popen
        self.count = 0

    def __call__(self, *arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        self.count += 1
        if self.count in self._numbers:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return self._real(*arguments, **options)


@pytest.mark.parametrize(("processes", "failing_starts"), [(2, (2,)), (2, (1, 2)), (1, (1, 2)), (1, (2, 3))])
def test_a_start_that_fails_is_retried_if_no_other_worker_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, processes: int, failing_starts: tuple[int, ...]
) -> None:
    starts = FailingStarts(*failing_starts)
    monkeypatch.setattr(subprocess, "Popen", starts)
    outcomes = parse_all(folder, listed(folder), OPTIONS, processes, isolate=True)
    read = [next(outcomes)]
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    read += outcomes
    assert {outcome.source.path: outcome for outcome in read} == expected_of(folder)
    assert starts.count > max(failing_starts)
    assert workers() == set()


def test_if_no_worker_can_be_started_the_error_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", FailingStarts(*range(100)))
    with pytest.raises(
        ParserProcessError, match=r"no parser process .* \(Resource temporarily unavailable\)"
    ):
        list(parse_all(folder, listed(folder), OPTIONS, 2))


def test_a_worker_whose_setup_fails_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(process_pool, "write_frame", fail)
    with pytest.raises(ParserProcessError, match="Cannot allocate memory"):
        list(parse_all(folder, listed(folder), OPTIONS, 2))
    assert workers() == set()


def kill_workers(ended: threading.Event) -> None:
    while not ended.wait(0.001):
        for pid in workers():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_isolated_parsing_starts_a_process_for_few_files_too(folder: Path) -> None:
    outcomes = parse_all(folder, list(listed(folder))[:20], OPTIONS, 1, isolate=True)
    read = [next(outcomes)]
    assert len(workers()) == 1
    assert len([*read, *outcomes]) == 20


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux only")
@pytest.mark.parametrize(("of_caller", "of_worker"), [(300, 800), (900, 1000)])
def test_a_worker_has_a_higher_oom_score_than_its_parent(
    folder: Path, of_caller: int, of_worker: int
) -> None:
    script = f"""
from pathlib import Path
from tests.ingest.test_worker_pool import OPTIONS, listed, parse_all, workers
Path("/proc/self/oom_score_adj").write_text("{of_caller}")
outcomes = parse_all(Path({str(folder)!r}), listed(Path({str(folder)!r})), OPTIONS, 2, isolate=True)
next(outcomes)
print(max(int(Path(f"/proc/{{pid}}/oom_score_adj").read_text()) for pid in workers()))
outcomes.close()
"""
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert int(done.stdout) == of_worker  # the other one may still be starting


def test_workers_exit_if_the_caller_is_killed(folder: Path) -> None:
    script = f"""
from pathlib import Path
from tests.ingest.test_worker_pool import OPTIONS, listed, parse_all, workers
outcomes = parse_all(Path({str(folder)!r}), listed(Path({str(folder)!r})), OPTIONS, 2)
next(outcomes)
print(*workers(), flush=True)
input()
"""
    caller = subprocess.Popen(  # noqa: S603  # this interpreter, the script above
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with caller:
        assert caller.stdout is not None
        started = [int(pid) for pid in caller.stdout.readline().split()]
        watched = [os.pidfd_open(pid) for pid in started]
        caller.kill()
    assert len(started) == 2
    for ended in watched:
        assert select.select([ended], [], [], 10)[0] == [ended]
        os.close(ended)
