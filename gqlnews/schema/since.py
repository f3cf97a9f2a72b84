"""Where a subscription begins: at the `since` that it names, if that is one that can be gone on from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gqlnews.errors import Code, RequestError
from gqlnews.plan.nodes import RefusedError
from gqlnews.plan.operation import BoundSubscription
from gqlnews.plan.render.logs import ANEW, FORGOTTEN, NEVER
from gqlnews.store.snapshots import Site


@dataclass(frozen=True, slots=True)
class Since:
    """What `since` was read to. A walk through `changes` that is still under way began at `started`."""

    line: str
    number: int
    started: int

    @staticmethod
    def of(values: Mapping[str, object]) -> "Since | None":
        line, number, started = (values[name] for name in ("line", "since", "started"))
        if line is None:
            return None
        assert isinstance(line, str)
        assert isinstance(number, int)
        return Since(line, number, started if isinstance(started, int) else number)


class Beginning(NamedTuple):
    """The client knows what changed up to `number`, and nothing that was removed up to `known`.

    `moment` is the content's number when it began to be told of what it missed.
    """

    number: int
    known: int
    moment: int


def begin_at(bound: BoundSubscription, site: Site, number: int) -> Beginning:
    """Where to go on from; at `number`, that of this moment, where nothing is said. Raises RefusedError."""
    since = Since.of(bound.inputs.values)
    if since is None:
        return Beginning(number, number, site.number)
    error = _refusal(since, site)
    if error is not None:
        raise RefusedError(error, bound.field.node, bound.field.path)
    return Beginning(since.number, since.started if since.number > 0 else site.number, site.number)


def refuse_what_was_forgotten(bound: BoundSubscription, beginning: Beginning, site: Site) -> None:
    """That may happen while a client that reads slowly is told what it missed. Raises RefusedError."""
    if beginning.known < site.forgotten:
        error = RequestError(Code.VERSION_TOO_OLD, FORGOTTEN)
        raise RefusedError(error, bound.field.node, bound.field.path)


def _refusal(since: Since, site: Site) -> RequestError | None:
    if since.line != site.line:
        return RequestError(Code.VERSION_TOO_OLD, ANEW)
    if max(since.number, since.started) > site.number:
        return RequestError(Code.BAD_VERSION, NEVER)
    if since.number > 0 and since.started < site.forgotten:
        return RequestError(Code.VERSION_TOO_OLD, FORGOTTEN)
    return None
