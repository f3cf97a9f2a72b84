"""Leader election between several candidates."""

import os
import threading
from pathlib import Path

import pytest

from gqlnews.database.sqlite.leader_lock import acquire_leadership, lock_file


def lead_on_a_thread(database: Path, led: list[int]) -> threading.Thread:
    thread = threading.Thread(target=lambda: led.append(acquire_leadership(database)))
    thread.start()
    return thread


def test_the_next_leads_when_the_first_leaves(tmp_path: Path) -> None:
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
    assert len(list((tmp_path / "made").glob("*-follower"))) == 2


def test_a_lock_on_a_file_that_was_deleted_meanwhile_is_none(tmp_path: Path) -> None:
    database, led = tmp_path / "news.db", list[int]()
    first = acquire_leadership(database)
    second = lead_on_a_thread(database, led)
    second.join(0.1)
    lock_file(database).unlink()
    os.close(first)
    second.join(10)
    assert os.path.samestat(os.fstat(led[0]), lock_file(database).stat())
    os.close(led[0])


def test_where_no_file_can_be_made_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        acquire_leadership(tmp_path / "file" / "news.db")
