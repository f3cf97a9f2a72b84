"""The clients of the live and soak benchmarks: frames, edits of a folder, and copies built from events."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.live.crowd import DeliveryCounter
from benchmarks.live.edits import edit_articles
from benchmarks.live.frames import PING, TEXT, FrameParser, frame
from benchmarks.live.report import delay_goal
from benchmarks.soak.copy import Copy
from benchmarks.soak.growth import Sample, growth_faults

ARTICLE = b'---\ntitle: "Old"\ntype: article\n---\ntitle: in the body\n'


@pytest.mark.parametrize("size", [0, 125, 126, 1000])
@pytest.mark.parametrize("masked", [True, False])
def test_a_frame_round_trips(size: int, *, masked: bool) -> None:
    written = frame(TEXT, b"x" * size, masked=masked)
    assert list(FrameParser().feed(written)) == [(TEXT, b"x" * size)]


def test_frames_are_parsed_however_the_bytes_are_split() -> None:
    frames, written = FrameParser(), frame(TEXT, b"one" * 100, masked=False) + frame(PING, b"", masked=False)
    found = [one for at in range(len(written)) for one in frames.feed(written[at : at + 1])]
    assert found == [(TEXT, b"one" * 100), (PING, b"")]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of one article, with the columns that the edits read."""
    (tmp_path / "a.md").write_bytes(ARTICLE)
    with closing(sqlite3.connect(tmp_path / "store.db")) as db:
        db.execute("CREATE TABLE article (slug TEXT, path TEXT, published INTEGER)")
        db.execute("INSERT INTO article VALUES ('a', 'a.md', 1)")
        db.commit()
    return tmp_path / "store.db"


def test_an_edit_changes_only_the_title(store: Path) -> None:
    with edit_articles(store.parent, store, 1) as edits:
        saved = edits.save()
        found = (store.parent / "a.md").read_bytes()
    assert found == ARTICLE.replace(b"Old", saved.title.encode())


def test_every_file_is_restored(store: Path) -> None:
    with edit_articles(store.parent, store, 1) as edits:
        edits.save()
    assert {path.name for path in store.parent.iterdir()} == {"a.md", "store.db"}
    assert (store.parent / "a.md").read_bytes() == ARTICLE


def event(version: int) -> bytes:
    return b'{"payload":{"data":{"articleChanged":{"version":"a0-%d","article":null}}}}' % version


def test_events_that_all_received_in_order_are_correct(capsys: pytest.CaptureFixture[str]) -> None:
    counter = DeliveryCounter(2)
    for place, version in ((0, 1), (0, 1), (1, 2), (1, 2)):
        counter.record(place, event(version))
    assert counter.verdict() == {"events": 2, "missing": 0, "wrong": 0}


def test_missing_events_are_counted() -> None:
    counter = DeliveryCounter(2)
    counter.record(0, event(1))
    assert counter.verdict()["missing"] == 1


def test_another_order_is_wrong() -> None:
    counter = DeliveryCounter(3)
    counter.record(0, event(1))
    counter.record(0, event(2))
    assert counter.verdict()["wrong"] == 1


@pytest.mark.parametrize(
    ("articles", "goal"), [(1_000, 0.15), (10_000, 0.15), (10_001, 0.3), (100_000, 0.3), (100_001, None)]
)
def test_the_goal_is_that_of_the_size(articles: int, goal: float | None) -> None:
    assert delay_goal(articles) == goal


def change(kind: str, version: int, title: str | None) -> dict[str, object]:
    article = None if title is None else {"title": title}
    return {"slug": "a", "kind": kind, "version": f"a0-{version}", "article": article}


def test_a_copy_is_updated_by_events() -> None:
    copy = Copy()
    copy.begin({"a": "One", "b": "Two"}, "a0-1")
    copy.apply(change("REMOVED", 2, None))
    assert (copy.titles, copy.version, copy.faults) == ({"b": "Two"}, "a0-2", [])


def test_a_repeated_event_is_an_error() -> None:
    copy = Copy()
    copy.begin({}, "a0-1")
    copy.apply(change("ADDED", 1, "One"))
    assert len(copy.faults) == 1


@pytest.mark.parametrize(("kind", "title"), [("ADDED", "New"), ("UPDATED", None)])
def test_an_inconsistent_event_is_an_error_unless_events_were_missed(kind: str, title: str | None) -> None:
    copy = Copy(strict=True)
    copy.begin({"a": "One"}, "a0-1")
    copy.apply(change(kind, 2, title))
    assert len(copy.faults) == 1


@pytest.mark.parametrize(
    ("samples", "faults"),
    [
        ([Sample(60, 100, 50, 1, 1), Sample(119, 200, 50, 1, 1)], 0),
        ([Sample(120, 100, 50, 1, 1), Sample(600, 120, 60, 1, 1)], 0),
        ([Sample(120, 100, 50, 1, 1), Sample(600, 121, 61, 1, 1)], 2),
        ([Sample(60, 100, 50, 1, 65 << 20)], 1),
    ],
)
def test_growth_is_measured_from_the_second_minute(samples: list[Sample], faults: int) -> None:
    assert len(growth_faults(samples)) == faults
