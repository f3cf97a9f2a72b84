"""Evaluate a subscription's filter before and after a change; the token that resumes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from gqlnews.database.sqlite.snapshots import Change, Snapshot, VersionState
from gqlnews.errors import Code, RequestError
from gqlnews.query.prepared import BoundSubscription, SqlCall
from gqlnews.query.sql.changes import EPOCH_CHANGED, UNKNOWN_VERSION, VERSION_EXPIRED
from gqlnews.query.tree import RequestRefusedError
from gqlnews.schema.changes import ChangeKind
from gqlnews.subscriptions.subscriber_queue import Event

# Resume token of a subscription: the version given as `since`.


@dataclass(frozen=True, slots=True)
class ResumeToken:
    """Parsed resume token. `started` is the version at which an unfinished walk through `changes` began."""

    line: str
    number: int
    started: int

    @staticmethod
    def of(values: Mapping[str, object]) -> "ResumeToken | None":
        line, number, started = (values[name] for name in ("line", "since", "started"))
        if line is None:
            return None
        assert isinstance(line, str)
        assert isinstance(number, int)
        return ResumeToken(line, number, started if isinstance(started, int) else number)


class ResumePoint(NamedTuple):
    """Resume point: the client has all changes up to `number`, and no article removed up to `known`.

    `moment` is the version number of the content when the replay began.
    """

    number: int
    known: int
    moment: int


def resume_point(bound: BoundSubscription, site: VersionState, number: int) -> ResumePoint:
    """Return the resume point: `since`, or without it `number`, the current version.

    Raises RequestRefusedError.
    """
    since = ResumeToken.of(bound.inputs.values)
    if since is None:
        return ResumePoint(number, number, site.number)
    error = _refusal(since, site)
    if error is not None:
        raise RequestRefusedError(error, bound.field.node, bound.field.path)
    return ResumePoint(since.number, since.started if since.number > 0 else site.number, site.number)


def check_not_expired(bound: BoundSubscription, beginning: ResumePoint, site: VersionState) -> None:
    """Raise RequestRefusedError if the change log was pruned past the resume point during a slow replay."""
    if beginning.known < site.forgotten:
        error = RequestError(Code.VERSION_TOO_OLD, VERSION_EXPIRED)
        raise RequestRefusedError(error, bound.field.node, bound.field.path)


def _refusal(since: ResumeToken, site: VersionState) -> RequestError | None:
    if since.line != site.line:
        return RequestError(Code.VERSION_TOO_OLD, EPOCH_CHANGED)
    if max(since.number, since.started) > site.number:
        return RequestError(Code.BAD_VERSION, UNKNOWN_VERSION)
    if since.number > 0 and since.started < site.forgotten:
        return RequestError(Code.VERSION_TOO_OLD, VERSION_EXPIRED)
    return None


# Evaluate a subscription's filter before and after a change, and render the resulting events.
#
# | matches before | matches after | event |
# |---|---|---|
# | no | yes | ADDED |
# | yes | yes | UPDATED |
# | yes | no | REMOVED, without content |
# | no | no | none |
#
# For missed changes there is no snapshot of the content before, so an article that does not match now is
# REMOVED.


Kinds = Mapping[str, ChangeKind]
"""Change kinds by slug; articles without an event are absent."""

_BETWEEN = {
    (False, True): ChangeKind.ADDED,
    (True, True): ChangeKind.UPDATED,
    (True, False): ChangeKind.REMOVED,
}


class ChangeFilter:
    """Evaluates subscriptions over a list of changes, oldest first, and each distinct filter only once.

    `before` is the snapshot before the changes, or the number of the version that a client resumes from.
    """

    def __init__(self, changes: Sequence[Change], before: Snapshot | int, now: Snapshot) -> None:
        self.changes, self._before, self._now = changes, before, now
        self._keys = orjson.dumps([change.slug for change in changes]).decode()
        self._passing: dict[tuple[int, SqlCall], frozenset[str]] = {}

    def events(self, bound: BoundSubscription, site: VersionState) -> list[Event]:
        """Return the events for the changes that match a subscription's filter before or after."""
        kinds = self._kinds(bound) if self.changes else {}
        relevant = [change for change in self.changes if change.slug in kinds]
        if not relevant:
            return []
        given = [_given(change, kinds[change.slug], site) for change in relevant]
        lines = self._now.value(*bound.tell(orjson.dumps(given).decode()))
        assert lines is not None, "each event gives a line"
        key = bound.key.encode()
        bodies = (b'{"data":{"%b":%b}}' % (key, line) for line in lines.split(b"\n"))
        return [Event(change.number, body) for change, body in zip(relevant, bodies, strict=True)]

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
    now: Snapshot, scope: int, beginning: ResumePoint, position: int, most: int
) -> tuple[list[Change], int | None]:
    """Return a page of missed changes after `position`, and the next position or None at the end.

    Articles that were both added and removed while the client was away are left out. Those that were removed
    during the replay stay in if the replay may already have delivered them.
    """
    changes = now.changes(scope, position, most)
    relevant = [change for change in changes if not change.removed or _may_know(change, beginning, position)]
    return relevant, changes[-1].number if len(changes) == most else None


def _may_know(change: Change, beginning: ResumePoint, position: int) -> bool:
    return change.first_added <= (position if change.number > beginning.moment else beginning.number)


def _missed(change: Change, since: int, *, passes: bool) -> ChangeKind:
    if not passes:
        return ChangeKind.REMOVED
    return ChangeKind.ADDED if change.added > since else ChangeKind.UPDATED


def _given(change: Change, kind: ChangeKind, site: VersionState) -> Mapping[str, object]:
    return {
        "slug": change.slug,
        "kind": kind.name,
        "version": f"{site.line}{change.number}",
        "there": None if kind is ChangeKind.REMOVED else change.slug,
    }
