"""Resume token of a subscription: the version given as `since`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gqlnews.database.sqlite.snapshot_pair import VersionState
from gqlnews.errors import Code, RequestError
from gqlnews.query.prepared import BoundSubscription
from gqlnews.query.sql.change_feed import EPOCH_CHANGED, UNKNOWN_VERSION, VERSION_EXPIRED
from gqlnews.query.tree import RequestRefusedError


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
