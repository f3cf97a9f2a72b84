"""Evaluate a subscription's filter before and after a change; parse and check its resume token."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from gqlnews.database.sqlite.snapshots import Change, Snapshot, VersionState
from gqlnews.errors import Code
from gqlnews.query.prepared import BoundSubscription, SqlCall
from gqlnews.query.sql.changes import EPOCH_CHANGED, UNKNOWN_VERSION, VERSION_EXPIRED
from gqlnews.query.tree import LocatedRequestError
from gqlnews.schema.changes import ChangeKind
from gqlnews.subscriptions.subscriber_queue import Event

# Resume token of a subscription: the version in its argument `since`.


class ResumePoint(NamedTuple):
    """Where a subscription starts: the client has all changes up to the version number `number`.

    The client has no article that was removed up to `known_up_to`. `start_number` is the version number of
    the content when the replay began.
    """

    number: int
    known_up_to: int
    start_number: int


def resume_point(bound: BoundSubscription, state: VersionState, number: int) -> ResumePoint:
    """Return the resume point: at `since`, or without it at `number`, the version when it was requested.

    The argument `started` is the version number at which a client began to page through `changes`; None if
    the client has read all pages. Raises LocatedRequestError if the subscription cannot resume at `since`.
    """
    epoch, since, started = (bound.arguments.values[name] for name in ("epoch", "since", "started"))
    if epoch is None:
        return ResumePoint(number, number, state.number)
    assert isinstance(since, int)
    started = started if isinstance(started, int) else since
    if epoch != state.epoch:
        code, message = Code.VERSION_TOO_OLD, EPOCH_CHANGED
    elif max(since, started) > state.number:
        code, message = Code.BAD_VERSION, UNKNOWN_VERSION
    elif since > 0 and started < state.last_pruned:
        code, message = Code.VERSION_TOO_OLD, VERSION_EXPIRED
    else:
        return ResumePoint(since, started if since > 0 else state.number, state.number)
    raise LocatedRequestError(code, message, bound.field.node, bound.field.path)


def check_not_expired(bound: BoundSubscription, start: ResumePoint, state: VersionState) -> None:
    """Raise LocatedRequestError if the change log was pruned past the resume point during a slow replay."""
    if start.known_up_to < state.last_pruned:
        raise LocatedRequestError(Code.VERSION_TOO_OLD, VERSION_EXPIRED, bound.field.node, bound.field.path)


# Evaluate a subscription's filter before and after a change, and render the resulting events.
#
# | matches before | matches after | event |
# |---|---|---|
# | no | yes | ADDED |
# | yes | yes | UPDATED |
# | yes | no | REMOVED, without content |
# | no | no | none |
#
# For a replay there is no snapshot of the content before the missed changes. So every changed article that
# does not match now has the event REMOVED.

_KINDS = {
    (False, True): ChangeKind.ADDED,
    (True, True): ChangeKind.UPDATED,
    (True, False): ChangeKind.REMOVED,
}


class ChangeFilter:
    """Evaluate the filters of subscriptions for a list of changes, oldest first; identical filters only once.

    `before` is the snapshot before the changes, or for a replay the version number that it starts from.
    """

    def __init__(self, changes: Sequence[Change], before: Snapshot | int, now: Snapshot) -> None:
        self.changes, self._before, self._now = changes, before, now
        self._slugs = orjson.dumps([change.slug for change in changes]).decode()
        self._matching: dict[tuple[int, SqlCall], frozenset[str]] = {}

    def events(self, bound: BoundSubscription, state: VersionState) -> list[Event]:
        """Return the events for the changes that match a subscription's filter before or after."""
        kinds = self._kinds(bound) if self.changes else {}
        relevant = [change for change in self.changes if change.slug in kinds]
        if not relevant:
            return []
        params = [_event_params(change, kinds[change.slug], state) for change in relevant]
        rows = self._now.fetch_value(*bound.render_events(orjson.dumps(params).decode()))
        assert rows is not None, "each event renders one line"
        key = bound.key.encode()
        bodies = (b'{"data":{"%b":%b}}' % (key, line) for line in rows.split(b"\n"))
        return [Event(change.number, body) for change, body in zip(relevant, bodies, strict=True)]

    def _kinds(self, bound: BoundSubscription) -> Mapping[str, ChangeKind]:
        """Return the kinds of change by slug, without the articles that have no event."""
        after = self._matching_slugs(bound, self._now)
        if isinstance(self._before, int):
            since = self._before
            return {
                change.slug: _missed_kind(change, since, matches=change.slug in after)
                for change in self.changes
            }
        before = self._matching_slugs(bound, self._before)
        matches = {change.slug: (change.slug in before, change.slug in after) for change in self.changes}
        return {slug: _KINDS[pair] for slug, pair in matches.items() if any(pair)}

    def _matching_slugs(self, bound: BoundSubscription, snapshot: Snapshot) -> frozenset[str]:
        call = bound.filter_keys(self._slugs)
        key = (id(snapshot), call)
        if key not in self._matching:
            self._matching[key] = frozenset(orjson.loads(snapshot.fetch_value(*call) or b"[]"))
        return self._matching[key]


def missed_changes(
    now: Snapshot, scope: int, start: ResumePoint, position: int, limit: int
) -> tuple[list[Change], int | None]:
    """Return a page of missed changes after `position`, and the next position or None at the end.

    Articles that were both added and removed while the client was away are omitted. Articles that were
    removed during the replay are included if the replay may already have delivered them.
    """
    changes = now.changes(scope, position, limit)
    relevant = [
        change for change in changes if not change.removed or _may_have_article(change, start, position)
    ]
    return relevant, changes[-1].number if len(changes) == limit else None


def _may_have_article(change: Change, start: ResumePoint, position: int) -> bool:
    """Return whether the client may have the article, which is removed now."""
    return change.first_added <= (position if change.number > start.start_number else start.number)


def _missed_kind(change: Change, since: int, *, matches: bool) -> ChangeKind:
    if not matches:
        return ChangeKind.REMOVED
    return ChangeKind.ADDED if change.added > since else ChangeKind.UPDATED


def _event_params(change: Change, kind: ChangeKind, state: VersionState) -> Mapping[str, object]:
    return {
        "slug": change.slug,
        "kind": kind.name,
        "version": f"{state.epoch}{change.number}",
        "current_key": None if kind is ChangeKind.REMOVED else change.slug,
    }
