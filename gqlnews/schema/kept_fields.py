"""The JSON of root fields, kept while the content stays as it is.

A page asks for its article and, in the same request, for what every page shows beside it: topics, counts, the
newest. The answer as a whole is another each time, these parts of it are not. So each root field is kept by
who asks, its statement and what that binds, which is the field's plan and its arguments; it holds for one
version.
"""

from collections.abc import Callable, Collection, Hashable, Sequence
from sys import getsizeof
from typing import NamedTuple

from gqlnews.kept import Kept
from gqlnews.plan.audience import Audience
from gqlnews.schema.work import Read
from gqlnews.store.connection import Statement, Statements

OVERHEAD = 500  # bytes of an entry beside its texts, about
MOST_BOUND = 4_096  # bytes of what is bound, as text: what is longer hardly comes again
SHARE = 8  # no entry takes more than one such part of everything


class _Key(NamedTuple):
    """What is bound as text, since Python salts the hash of texts alone: none can be made to collide."""

    audience: Audience
    sql: str
    bound: str


class _Field(NamedTuple):
    """`json` is None for null."""

    moment: Hashable
    json: bytes | None


class KeptFields:
    """At most `limit` bytes.

    `moment_of` tells the content that an audience sees now, another value for other content; None: unknown.
    """

    def __init__(self, moment_of: Callable[[Audience], Hashable | None], limit: int) -> None:
        self._moment_of = moment_of
        self._fields: Kept[_Key, _Field] = Kept(limit)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Bytes kept now."""
        return self._fields.size

    async def read(
        self,
        read: Read,
        audience: Audience,
        statements: Statements,
        passing: Collection[Statement] = (),
    ) -> Sequence[bytes | None]:
        """As `read` gives them, which is asked for those alone that are not kept.

        Those of `passing` are not worth keeping.
        """
        keys = {
            statement: _Key(audience, statement[0], repr(statement[1]))
            for statement in statements
            if statement not in passing
        }
        moment = self._moment_of(audience) if keys else None
        if moment is None:
            return await read(statements)
        fields = {
            statement: field
            for statement, key in keys.items()
            if (field := self._fields.get(key)) is not None and field.moment == moment
        }
        missing = [statement for statement in statements if statement not in fields]
        answers = await read(missing) if missing else ()
        if missing and fields and self._moment_of(audience) != moment:
            return await read(statements)  # what was kept is not of the content that was read now
        self.hits += len(fields)
        self.misses += len(keys) - len(fields)
        for statement, json in zip(missing, answers, strict=True):
            fields[statement] = _Field(moment, json)
            if statement in keys:
                self._keep(keys[statement], fields[statement])
        return [fields[statement].json for statement in statements]

    def _keep(self, key: _Key, field: _Field) -> None:
        bound = getsizeof(key.bound)
        size = OVERHEAD + len(key.sql) + bound + len(field.json or b"")
        if bound <= MOST_BOUND and size * SHARE <= self._fields.limit:
            self._fields.keep(key, field, size)
