"""Reported changes of a folder, on a real file system. `next` waits for inotify."""

import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gqlnews.discovery import fs_events
from gqlnews.discovery.watcher import Batch, WatchOptions, watch

SOON = 6.0  # polls every quarter of a second
CALM = WatchOptions(poll=False, warn=print, last_scan_seconds=lambda: 0.0, needs_rescan=lambda: False)


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = tmp_path / "content"
    make(content, "a.md", "sub/b.md", "sub/deep/c.markdown")
    return content


@pytest.fixture
def batches(folder: Path) -> Iterator[Iterator[Batch]]:
    following = watch(folder, CALM)
    assert next(following) is None
    yield following
    following.close()


def changed_paths(batches: Iterator[Batch]) -> set[str]:
    """Return the next reported paths; an empty set stands for a full scan."""
    batch: Batch = next(batches)
    return set(batch or ())


def until(batches: Iterator[Batch], path: str) -> set[str]:
    """Return all paths reported up to `path`."""
    seen: set[str] = set()
    while path not in seen:
        seen |= changed_paths(batches)
    return seen


def test_a_written_file_is_reported(folder: Path, batches: Iterator[Batch]) -> None:
    make(folder, "a.md")
    assert changed_paths(batches) == {"a.md"}


def test_a_renamed_file_is_reported_under_both_names(folder: Path, batches: Iterator[Batch]) -> None:
    (folder / "a.md").rename(folder / "sub" / "z.md")
    assert changed_paths(batches) == {"a.md", "sub/z.md"}


def test_an_atomic_save_reports_the_file_and_the_temporary_one(
    folder: Path, batches: Iterator[Batch]
) -> None:
    make(folder, ".a.md.swp", "a.md~", "a.tmp")
    (folder / "a.tmp").rename(folder / "a.md")
    assert changed_paths(batches) == {"a.md", "a.tmp"}


@pytest.mark.parametrize("path", ["notes.txt", ".h.md", ".git/x.md", "sub/.h/x.md", "a.MD"])
def test_other_files_are_not_reported(folder: Path, path: str) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    batches = watch(folder, CALM)
    assert next(batches) is None
    make(folder, path)
    make(folder, "sub/b.md")
    assert until(batches, "sub/b.md") == {"sub/b.md"}


def test_a_new_folder_is_reported_and_watched(folder: Path, batches: Iterator[Batch]) -> None:
    make(folder, "new/one/x.md")
    assert "new" in until(batches, "new")
    make(folder, "new/one/two/y.md")
    until(batches, "new/one/two")
    make(folder, "new/one/two/y.md")
    until(batches, "new/one/two/y.md")


def test_a_renamed_folder_is_reported_under_both_names_and_still_watched(
    folder: Path, batches: Iterator[Batch]
) -> None:
    (folder / "sub").rename(folder / "other")
    assert {"sub", "other"} <= until(batches, "other")
    make(folder, "other/deep/c.markdown")
    until(batches, "other/deep/c.markdown")


def test_a_deleted_folder_is_reported(folder: Path, batches: Iterator[Batch]) -> None:
    shutil.rmtree(folder / "sub")
    until(batches, "sub")


def test_a_folder_that_is_recreated_is_watched(folder: Path, batches: Iterator[Batch]) -> None:
    shutil.rmtree(folder / "sub")
    make(folder, "sub/b.md")
    until(batches, "sub")
    make(folder, "sub/b.md")
    until(batches, "sub/b.md")


def test_a_linked_folder_is_not_entered(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, "outside/x.md")
    (folder / "linked").symlink_to(tmp_path / "outside")
    batches = watch(folder, CALM)
    assert next(batches) is None
    make(tmp_path, "outside/x.md")
    make(folder, "a.md")
    assert changed_paths(batches) == {"a.md"}


def test_a_link_is_reported_if_its_target_changes(folder: Path, batches: Iterator[Batch]) -> None:
    make(folder, ".target/x.txt")
    (folder / "link.md").symlink_to(".target/x.txt")
    assert changed_paths(batches) == {"link.md"}
    make(folder, ".target/x.txt")
    assert changed_paths(batches) == {"link.md"}


def test_a_name_that_is_not_utf_8_causes_a_full_scan(folder: Path, batches: Iterator[Batch]) -> None:
    make(folder, os.fsdecode(b"\xff.md"))
    assert next(batches) is None
    make(folder, "a.md")
    assert changed_paths(batches) == {"a.md"}


def test_while_the_folder_is_missing_full_scans_are_requested(folder: Path, batches: Iterator[Batch]) -> None:
    folder.rename(folder.with_name("away"))
    start = time.monotonic()
    assert next(batches) is None
    assert time.monotonic() - start < SOON
    assert next(batches) is None
    folder.with_name("away").rename(folder)
    assert next(batches) is None
    make(folder, "sub/b.md")
    assert changed_paths(batches) == {"sub/b.md"}


def test_a_replaced_folder_is_detected(folder: Path, batches: Iterator[Batch]) -> None:
    folder.rename(folder.with_name("away"))
    make(folder, "a.md")
    assert next(batches) is None
    make(folder, "a.md")
    assert changed_paths(batches) == {"a.md"}


def test_very_many_changes_cause_a_full_scan(folder: Path, batches: Iterator[Batch]) -> None:
    make(folder, *(f"sub/{number}.md" for number in range(5000)))
    while next(batches) is not None:
        pass


def test_changes_a_quarter_of_a_second_apart_are_reported_separately(
    folder: Path, batches: Iterator[Batch]
) -> None:
    took = []
    for path in ("a.md", "sub/b.md", "a.md", "sub/deep/c.markdown", "a.md"):
        start = time.monotonic()
        make(folder, path)
        assert changed_paths(batches) == {path}
        took.append(time.monotonic() - start)
    assert min(took) < 0.25


def test_needs_rescan_causes_a_full_scan(folder: Path) -> None:
    reasons = iter([False, False, True])
    calm = WatchOptions(
        poll=False, warn=print, last_scan_seconds=lambda: 0.0, needs_rescan=lambda: next(reasons, False)
    )
    batches = watch(folder, calm)
    assert [next(batches), next(batches)] == [None, None]


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.5), (0.04, 0.8)])
def test_the_poll_interval_grows_with_the_scan_duration(folder: Path, took: float, pause: float) -> None:
    batches = watch(folder, WatchOptions(True, print, lambda: took, lambda: False))
    next(batches)
    start = time.monotonic()
    assert next(batches) is None
    assert time.monotonic() - start >= pause


def test_without_free_watches_it_warns_once_and_polls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(fs_events, "RustNotify", refuse)
    said: list[str] = []
    batches = watch(folder, WatchOptions(False, said.append, lambda: 0.0, lambda: False))
    assert [next(batches), next(batches)] == [None, None]
    assert len(said) == 1
    assert "limit reached" in said[0]
    assert "fs.inotify.max_user_watches" in said[0]


@pytest.mark.parametrize("poll", [False, True])
def test_an_instant_yields_an_empty_batch_when_the_wall_clock_reaches_it(folder: Path, poll: bool) -> None:
    """The clock is set forward and back, and then forward to the instant."""
    seconds = iter([3600.0, 0.5, 7200.0, 0.2, 0.0])
    due = WatchOptions(poll, print, lambda: 60.0, lambda: False, lambda: next(seconds, 0.0))
    batches = watch(folder, due)
    assert next(batches) is None
    assert next(batches) == frozenset()
    assert next(seconds, None) is None


def test_an_instant_loses_no_event(folder: Path) -> None:
    """Each time the instant comes, an event is pending."""
    written = iter(range(20))

    def seconds_until_due() -> float:
        if (number := next(written, None)) is None:
            return math.inf
        make(folder, f"{number}.md")
        time.sleep(0.005)  # until it is pending
        return 0.0

    batches = watch(folder, replace(CALM, seconds_until_due=seconds_until_due))
    assert next(batches) is None
    seen: set[str] = set()
    while len(seen) < 20:
        batch: Batch = next(batches)
        assert batch is not None, "events were lost, until the full scan of each minute"
        seen |= batch
    assert seen == {f"{number}.md" for number in range(20)}
