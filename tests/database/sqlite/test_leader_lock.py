"""Leader election between several candidates."""

import os
import threading
from pathlib import Path

import pytest

from gqlnews.database.sqlite.leader_lock import acquire_leadership, has_leader, leader_lock_path


def lead_on_a_thread(database: Path, led: list[int]) -> threading.Thread:
    thread = threading.Thread(target=lambda: led.append(acquire_leadership(database)))
    thread.start()
    return thread


def test_the_next_process_leads_when_the_leader_exits(tmp_path: Path) -> None:
    first, led = acquire_leadership(tmp_path / "news.db"), list[int]()
    second = lead_on_a_thread(tmp_path / "news.db", led)
    second.join(0.1)
    assert led == []
    os.close(first)
    second.join(10)
    os.close(led[0])


def test_each_database_has_a_leader(tmp_path: Path) -> None:
    for name in ("one.db", "other.db"):
        os.close(acquire_leadership(tmp_path / "made" / name))
    assert len(list((tmp_path / "made").glob("*-watcher"))) == 2


def test_a_lock_on_a_deleted_file_does_not_count(tmp_path: Path) -> None:
    database, led = tmp_path / "news.db", list[int]()
    first = acquire_leadership(database)
    second = lead_on_a_thread(database, led)
    second.join(0.1)
    leader_lock_path(database).unlink()
    os.close(first)
    second.join(10)
    assert os.path.samestat(os.fstat(led[0]), leader_lock_path(database).stat())
    os.close(led[0])


def test_a_lock_file_that_cannot_be_created_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        acquire_leadership(tmp_path / "file" / "news.db")


def test_whether_there_is_a_leader_is_seen_without_waiting_or_creating_a_file(tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    assert not has_leader(database)
    assert not leader_lock_path(database).exists()
    leader = acquire_leadership(database)
    assert has_leader(database)
    os.close(leader)
    assert not has_leader(database)
