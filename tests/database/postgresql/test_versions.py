"""Which answers a server uses, by their versions."""

import pytest

from gqlnews.database.postgresql.versions import FAR_AHEAD, KnownVersions, StoreVersions, Verdict, judge
from gqlnews.database.protocol import RequiredVersion, SnapshotId

NOW = StoreVersions("a0-5 a1-9 a1-9")


@pytest.mark.parametrize(
    ("found", "since", "of_standby", "of_primary"),
    [
        ("a0-5 a1-9 a1-9", None, Verdict.USE, Verdict.USE),
        ("a0-6 a1-10 a1-10", None, Verdict.USE, Verdict.USE),
        ("a0-5 a1-8 a1-8", None, Verdict.WAIT, Verdict.BEHIND),
        ("b0-5 b1-9 b1-9", None, Verdict.WAIT, Verdict.USE),  # the primary decides which epoch is current
        ("a0-5 a1-9 a1-9", ("a0-", 5), Verdict.USE, Verdict.USE),
        ("a0-5 a1-9 a1-9", ("a0-", 6), Verdict.WAIT, Verdict.BEHIND),
        ("a0-5 a1-9 a1-9", ("a1-", 9), Verdict.USE, Verdict.USE),
        ("a0-5 a1-9 a1-9", ("a0-", 4 + FAR_AHEAD), Verdict.WAIT, Verdict.BEHIND),
        ("a0-5 a1-9 a1-9", ("a0-", 5 + FAR_AHEAD), Verdict.ASK_PRIMARY, Verdict.USE),
        ("a0-5 a1-9 a1-9", ("c0-", 1), Verdict.ASK_PRIMARY, Verdict.USE),
    ],
)
def test_answers_are_judged_by_their_versions(
    found: str, since: tuple[str, int] | None, of_standby: Verdict, of_primary: Verdict
) -> None:
    required = None if since is None else RequiredVersion(*since)
    for is_primary, expected in ((False, of_standby), (True, of_primary)):
        assert judge(StoreVersions(found), NOW, required, is_primary=is_primary) is expected


def test_known_versions_never_go_backwards() -> None:
    known = KnownVersions()
    for text, is_primary, is_replaced, number, database in (
        ("a0-5 a1-9 a1-9", False, False, b"a0-5", 0),
        ("a0-4 a1-8 a1-8", True, False, b"a0-5", 0),
        ("a0-6 a1-10 a1-10", False, False, b"a0-6", 0),
        ("b0-1 b1-1 b1-1", False, False, b"a0-6", 0),
        ("b0-1 b1-1 b1-1", True, True, b"b0-1", 1),
    ):
        assert known.observe(StoreVersions(text), known.current, is_primary=is_primary) is is_replaced
        assert known.snapshot_ids()[0] == SnapshotId(database, number)


def test_a_late_answer_of_the_store_before_does_not_bring_it_back() -> None:
    known, of_new = KnownVersions(), StoreVersions("b0-1 b1-1 b1-1")
    known.observe(NOW, None, is_primary=True)
    assert known.observe(of_new, NOW, is_primary=True)
    assert not known.observe(NOW, NOW, is_primary=True)
    assert known.current == of_new
