"""Evaluate a subscription's filter before and after a change; parse and check its resume token."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from gqlnews.database.before_search import BEFORE_SEARCH
from gqlnews.database.snapshots import Change, Snapshot, VersionState
from gqlnews.errors import Code
from gqlnews.query.prepared import BoundSubscription, SqlCall
from gqlnews.query.sql.changes import EPOCH_CHANGED, UNKNOWN_VERSION, VERSION_EXPIRED
from gqlnews.query.tree import LocatedRequestError
from gqlnews.schema.changes import ChangeKind
from gqlnews.subscriptions.subscriber_queue import Event
from gqlnews.text_keys import BeforeExpression

# Resume token of a subscription: the version in its argument `since`.


class ResumePoint(NamedTuple):
    """Where a subscription starts: the client has all changes up to the version number `number`.

    The client has no article that was removed up to `known_up_to`.
    """

    number: int
    known_up_to: int


def resume_point(bound: BoundSubscription, state: VersionState, number: int) -> ResumePoint:
    """Return the resume point: at `since`, or without it at `number`, the version when it was requested.

    The argument `started` is the version number at which a client began to page through `changes`; None if
    the client has read all pages. Raises LocatedRequestError if the subscription cannot resume at `since`.
    """
    epoch, since, started = (bound.arguments.values[name] for name in ("epoch", "since", "started"))
    if epoch is None:
        return ResumePoint(number, number)
    assert isinstance(since, int)
    started = started if isinstance(started, int) else since
    if epoch != state.epoch:
        code, message = Code.VERSION_TOO_OLD, EPOCH_CHANGED
    elif max(since, started) > state.number:
        code, message = Code.BAD_VERSION, UNKNOWN_VERSION
    elif since > 0 and started < state.last_pruned:
        code, message = Code.VERSION_TOO_OLD, VERSION_EXPIRED
    else:
        return ResumePoint(since, started if since > 0 else state.number)
    raise LocatedRequestError(code, message, bound.field.node, bound.field.path)


def check_not_expired(bound: BoundSubscription, start: ResumePoint, state: VersionState) -> None:
    """Raise LocatedRequestError if the change log was pruned past the resume point during a slow replay."""
    if start.known_up_to < state.last_pruned:
        raise LocatedRequestError(Code.VERSION_TOO_OLD, VERSION_EXPIRED, bound.field.node, bound.field.path)


# Progress of a delivery: at which version clients last saw an article.
#
# A client has all content at version `since`. Each page of changes after that is read from a snapshot of its
# own, and contains the articles whose latest change in that snapshot is in the page.


class DeliveredPage(NamedTuple):
    """Changes after `after` up to `until`, read at `read_at`; not `to_all`: to some of the clients."""

    after: int
    until: int
    read_at: int
    to_all: bool = True


@dataclass(slots=True)
class Progress:
    """Progress of a delivery to clients that have the content at the version number `since`."""

    since: int
    pages: list[DeliveredPage] = field(default_factory=list)

    def add(self, page: DeliveredPage) -> None:
        last = self.pages[-1] if self.pages else None
        if last and last.to_all and page.to_all and (last.until, last.read_at) == (page.after, page.read_at):
            self.pages[-1] = page._replace(after=last.after)
        else:
            self.pages.append(page)

    def last_seen(self, change: Change) -> Iterator[int]:
        """Yield the versions at which clients may have seen the article last."""
        numbers = [change.first_added, *(image.number for image in change.images)]
        for page in reversed(self.pages):
            latest = max((number for number in numbers if number <= page.read_at), default=0)
            if page.after < latest <= page.until:
                yield page.read_at
                if page.to_all:
                    return
        yield self.since

    def images_seen(self, change: Change) -> set[int]:
        """Return the ids of the before-images of what clients may have seen last; empty if of nothing."""
        seen = (_image_at(change, version) for version in self.last_seen(change))
        return {image for image in seen if image is not None}


def _image_at(change: Change, version: int) -> int | None:
    """Return the id of the image of the article at a version; None if it did not exist then."""
    if change.first_added > version:
        return None
    image = next((image for image in change.images if image.number > version), None)
    return image.id if image is not None and image.has_article else None


# Evaluate a subscription's filter before and after a change, and render the resulting events.
#
# | matches before | matches after | event |
# |---|---|---|
# | no | yes | ADDED |
# | yes | yes | UPDATED |
# | yes | no | REMOVED, without content |
# | no | no | none |
#
# The change log contains the before-images of each change. If they were pruned, every changed article that
# does not match now, and that the client may have, has the event REMOVED.

_KINDS = {
    (False, True): ChangeKind.ADDED,
    (True, True): ChangeKind.UPDATED,
    (True, False): ChangeKind.REMOVED,
}


class ChangeFilter:
    """Evaluate the filters of subscriptions for a page of changes; identical filters only once.

    The page contains at most `limit` changes of a scope after the version number `position`, for clients with
    this progress. `next_position` is None after the last page.
    """

    def __init__(self, now: Snapshot, scope: int, progress: Progress, position: int, limit: int) -> None:
        self.changes = now.changes(scope, position, limit, since=progress.since)
        self.next_position = self.changes[-1].number if len(self.changes) == limit else None
        self._now, self._progress, self._position = now, progress, position
        self._state = now.version_states[scope]
        self._before = {change.slug: self._images_before(change) for change in self.changes}
        self._images = [image for images in self._before.values() for image in images or ()]
        self._bound = _to_json(self._images), _to_json([change.slug for change in self.changes])
        self._passing: dict[SqlCall, frozenset[int | str]] = {}
        self._has_texts = False

    def delivered(self, *, to_all: bool = True) -> DeliveredPage:
        """Return the page for the progress, once its events are delivered."""
        number = self._state.number
        return DeliveredPage(self._position, self.next_position or number, number, to_all)

    def _images_before(self, change: Change) -> set[int] | None:
        """Return the images of what clients have of the article; None if some images were pruned."""
        since = self._progress.since
        is_new = change.first_added > since and not self._progress.pages
        if self._state.images_pruned > since and not is_new:
            return None
        return self._progress.images_seen(change)

    def load_texts(self, bound: BoundSubscription) -> None:
        """Load the texts of the before-images once, if the subscription's filter searches them."""
        if not self._has_texts and _searches_before(bound.filter_changes("", "")):
            self._now.load_texts(self._images)
            self._has_texts = True

    def events(self, bound: BoundSubscription, state: VersionState) -> list[Event]:
        """Return the events for the changes that match a subscription's filter before or after.

        Call `load_texts` before. Raises ResourceLimitError.
        """
        kinds = self._kinds(bound) if self.changes else {}
        relevant = [change for change in self.changes if change.slug in kinds]
        if not relevant:
            return []
        params = [_event_params(change, kinds[change.slug], state) for change in relevant]
        rows = self._now.fetch_value(*bound.render_events(_to_json(params)))
        assert rows is not None, "each event renders one line"
        key = bound.key.encode()
        bodies = (b'{"data":{"%b":%b}}' % (key, line) for line in rows.split(b"\n"))
        return [Event(change.number, body) for change, body in zip(relevant, bodies, strict=True)]

    def _kinds(self, bound: BoundSubscription) -> Mapping[str, ChangeKind]:
        """Return the kinds of change by slug, without the articles that have no event."""
        passing = self._evaluate(bound)
        kinds = ((change.slug, self._kind(change, passing)) for change in self.changes)
        return {slug: kind for slug, kind in kinds if kind is not None}

    def _evaluate(self, bound: BoundSubscription) -> frozenset[int | str]:
        """Return the ids of the before-images and the slugs of the articles that match the filter."""
        call = bound.filter_changes(*self._bound)
        if call not in self._passing:
            self._passing[call] = frozenset(orjson.loads(self._now.fetch_value(*call) or b"[]"))
        return self._passing[call]

    def _kind(self, change: Change, passing: Collection[int | str]) -> ChangeKind | None:
        after, images = change.slug in passing, self._before[change.slug]
        if images is not None:
            return _KINDS.get((not images.isdisjoint(passing), after))
        if not after:
            return ChangeKind.REMOVED if self._may_have(change) else None
        return ChangeKind.ADDED if change.added > self._progress.since else ChangeKind.UPDATED

    def _may_have(self, change: Change) -> bool:
        """Return whether clients may have the article, if its before-images are unknown."""
        pages = self._progress.pages
        may_be_delivered = bool(pages) and change.number > pages[0].read_at
        return change.first_added <= (self._position if may_be_delivered else self._progress.since)


def _searches_before(call: SqlCall) -> bool:
    """Return whether a statement searches before-images."""
    sql, params = call
    return BEFORE_SEARCH in sql or any(isinstance(param, BeforeExpression) for param in params)


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _event_params(change: Change, kind: ChangeKind, state: VersionState) -> Mapping[str, object]:
    return {
        "slug": change.slug,
        "kind": kind.name,
        "version": f"{state.epoch}{change.number}",
        "current_key": None if kind is ChangeKind.REMOVED else change.slug,
    }
