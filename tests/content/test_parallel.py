"""Many files over several processes."""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gqlnews.content.discover import discover
from gqlnews.content.inside import OpenFolder
from gqlnews.content.parallel import read_all
from gqlnews.content.read import read_outcome
from gqlnews.content.records import ReadOptions, SourceFile
from gqlnews.errors import StartupError
from tests.content.bad_files import fenced

OPTIONS = ReadOptions(base_url="https://site.org/")
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
    return (file for file in discover(folder) if isinstance(file, SourceFile))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_several_processes_say_what_one_says(folder: Path, processes: int) -> None:
    expected = {file.path: read_outcome(folder, file, OPTIONS) for file in listed(folder)}
    read = list(read_all(folder, listed(folder), OPTIONS, processes))
    assert len(read) == MANY
    assert {outcome.source.path: outcome for outcome in read} == expected


def workers() -> set[int]:
    """The reading processes that this one has started."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if "content.worker" in Path(f"/proc/{pid}/cmdline").read_text():
                found.add(int(pid))
    return found


def test_few_files_start_no_process(folder: Path) -> None:
    outcomes = read_all(folder, list(listed(folder))[:20], OPTIONS, 2)
    next(outcomes)
    assert workers() == set()
    assert len(list(outcomes)) == 19


def test_no_process_is_left_where_the_caller_stops_early(folder: Path) -> None:
    outcomes = read_all(folder, listed(folder), OPTIONS, 2)
    next(outcomes)
    assert len(workers()) == 2
    outcomes.close()  # type: ignore[attr-defined]
    assert workers() == set()


def test_workers_read_the_folder_that_was_opened_whatever_its_path_becomes(
    folder: Path, tmp_path: Path
) -> None:
    content = tmp_path / "content"
    shutil.copytree(folder, content)
    (content / "link.md").symlink_to("1.md")
    with OpenFolder.at(content) as opened:
        files = list(listed(content))
        content.rename(tmp_path / "moved")
        (tmp_path / "other").mkdir()
        content.symlink_to("other")
        outcomes = list(read_all(opened, files, OPTIONS, 2))
    unreadable = [each.source.path for each in outcomes if each.revision is None]
    assert (len(outcomes), unreadable) == (MANY + 1, ["link.md"])  # links are resolved by the path


def test_a_killed_worker_is_an_error_and_no_hang(folder: Path) -> None:
    outcomes = read_all(folder, listed(folder), OPTIONS, 2)
    next(outcomes)
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(StartupError, match="ended early"):
        list(outcomes)
    assert workers() == set()


def test_workers_end_with_a_caller_that_is_killed(folder: Path) -> None:
    script = f"""
from pathlib import Path
from tests.content.test_parallel import OPTIONS, listed, read_all, workers
outcomes = read_all(Path({str(folder)!r}), listed(Path({str(folder)!r})), OPTIONS, 2)
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
