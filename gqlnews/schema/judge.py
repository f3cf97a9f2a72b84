"""What the clients of a subscription are told of changes: judged before and after, and told in their words.

| passes before | passes after | is told as |
|---|---|---|
| no | yes | ADDED |
| yes | yes | UPDATED |
| yes | no | REMOVED, without content |
| no | no | nothing |

Of what a client has missed nothing is known of before: what does not pass now is REMOVED.
"""

from collections.abc import Mapping, Sequence

import orjson

from gqlnews.plan.operation import BoundSubscription, Ran
from gqlnews.schema.changes import ChangeKind
from gqlnews.schema.listener import Event
from gqlnews.schema.since import Beginning
from gqlnews.store.snapshots import Change, Site, Snapshot

Kinds = Mapping[str, ChangeKind]
"""What happened to articles, by slug; nothing, of those that are not in it."""

_BETWEEN = {
    (False, True): ChangeKind.ADDED,
    (True, True): ChangeKind.UPDATED,
    (True, False): ChangeKind.REMOVED,
}


class Judge:
    """Of some changes, oldest first; subscriptions with one filter are judged once.

    `before` is the content before them, or the number of the version that a client left off at.
    """

    def __init__(self, changes: Sequence[Change], before: Snapshot | int, now: Snapshot) -> None:
        self.changes, self._before, self._now = changes, before, now
        self._keys = orjson.dumps([change.slug for change in changes]).decode()
        self._passing: dict[tuple[int, Ran], frozenset[str]] = {}

    def events(self, bound: BoundSubscription, site: Site) -> list[Event]:
        """What is told of the changes that a subscription's filter lets through, on either side."""
        kinds = self._kinds(bound) if self.changes else {}
        told = [change for change in self.changes if change.slug in kinds]
        if not told:
            return []
        given = [_given(change, kinds[change.slug], site) for change in told]
        lines = self._now.value(*bound.tell(orjson.dumps(given).decode()))
        assert lines is not None, "each event gives a line"
        key = bound.key.encode()
        bodies = (b'{"data":{"%b":%b}}' % (key, line) for line in lines.split(b"\n"))
        return [Event(change.number, body) for change, body in zip(told, bodies, strict=True)]

    def _kinds(self, bound: BoundSubscription) -> Kinds:
        after = self._those_passing(bound, self._now)
        if isinstance(self._before, int):
            since = self._before
            return {one.slug: _missed(one, since, passes=one.slug in after) for one in self.changes}
        before = self._those_passing(bound, self._before)
        between = ((one.slug, (one.slug in before, one.slug in after)) for one in self.changes)
        return {slug: _BETWEEN[sides] for slug, sides in between if any(sides)}

    def _those_passing(self, bound: BoundSubscription, snapshot: Snapshot) -> frozenset[str]:
        ran = bound.passing(self._keys)
        key = (id(snapshot), ran)
        if key not in self._passing:
            self._passing[key] = frozenset(orjson.loads(snapshot.value(*ran) or b"[]"))
        return self._passing[key]


def missed(
    now: Snapshot, scope: int, beginning: Beginning, position: int, most: int
) -> tuple[list[Change], int | None]:
    """What one who left off there is to be told after `position`, and where to go on, None: that is all.

    What came and went meanwhile, he never saw; but what went since he began may be what he was told of first.
    """
    changes = now.changes(scope, position, most)
    told = [change for change in changes if not change.removed or _may_know(change, beginning, position)]
    return told, changes[-1].number if len(changes) == most else None


def _may_know(change: Change, beginning: Beginning, position: int) -> bool:
    return change.first_added <= (position if change.number > beginning.moment else beginning.number)


def _missed(change: Change, since: int, *, passes: bool) -> ChangeKind:
    if not passes:
        return ChangeKind.REMOVED
    return ChangeKind.ADDED if change.added > since else ChangeKind.UPDATED


def _given(change: Change, kind: ChangeKind, site: Site) -> Mapping[str, object]:
    return {
        "slug": change.slug,
        "kind": kind.name,
        "version": f"{site.line}{change.number}",
        "there": None if kind is ChangeKind.REMOVED else change.slug,
    }
