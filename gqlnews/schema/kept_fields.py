"""The JSON of root fields, kept while the content stays as it is.

A page asks for its article and, in the same request, for what every page shows beside it: topics, counts, the
newest. The answer as a whole is another each time, these parts of it are not. So each root field is kept by
who asks, its statement and what that binds, which is the field's plan and its arguments; it holds for one
version.
"""

from collections.abc import Callable, Collection, Sequence
from sys import getsizeof
from typing import NamedTuple

from gqlnews.kept import Kept
from gqlnews.plan.audience import Audience
from gqlnews.schema.work import Read, Statement

OVERHEAD = 500  # bytes of an entry beside its texts, about
MOST_BOUND = 4_096  # bytes of what is bound: what is longer hardly comes again
SHARE = 8  # no entry takes more than one such part of everything


class _Field(NamedTuple):
    """`json` is None for null."""

    version: bytes
    json: bytes | None


class KeptFields:
    """At most `limit` bytes; `version_of` tells the content that an audience sees now, None where unknown."""

    def __init__(self, version_of: Callable[[Audience], bytes | None], limit: int) -> None:
        self._version_of = version_of
        self._fields: Kept[tuple[Audience, Statement], _Field] = Kept(limit)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Bytes kept now."""
        return self._fields.size

    def clear(self) -> None:
        """Keep nothing of what there is: versions may begin anew."""
        self._fields.clear()

    async def read(
        self,
        read: Read,
        audience: Audience,
        statements: Sequence[Statement],
        passing: Collection[Statement] = (),
    ) -> Sequence[bytes | None]:
        """As `read` gives them, which is asked for those alone that are not kept.

        Those of `passing` are not worth keeping.
        """
        lasting = [statement for statement in statements if statement not in passing]
        version = self._version_of(audience) if lasting else None
        if version is None:
            return await read(statements)
        found = {
            statement: field
            for statement in lasting
            if (field := self._get(audience, statement, version)) is not None
        }
        self.hits += len(found)
        self.misses += len(lasting) - len(found)
        missing = [statement for statement in statements if statement not in found]
        if not missing:
            return [found[statement].json for statement in statements]
        answers = await read(missing)
        if found and self._version_of(audience) != version:
            return await read(statements)  # what was kept is not of the content that was read now
        made = {
            statement: _Field(version, answer) for statement, answer in zip(missing, answers, strict=True)
        }
        fields = found | made
        for statement in lasting:
            if statement in made:
                self._keep(audience, statement, made[statement])
        return [fields[statement].json for statement in statements]

    def _get(self, audience: Audience, statement: Statement, version: bytes) -> _Field | None:
        field = self._fields.get((audience, statement))
        return field if field is not None and field.version == version else None

    def _keep(self, audience: Audience, statement: Statement, field: _Field) -> None:
        sql, values = statement
        bound = sum(map(getsizeof, values))
        size = OVERHEAD + len(sql) + bound + len(field.json or b"")
        if bound <= MOST_BOUND and size * SHARE <= self._fields.limit:
            self._fields.keep((audience, statement), field, size)
