"""The JSON of root fields, kept while the content stays as it is.

A page asks for its article and, in the same request, for what every page shows beside it: topics, counts, the
newest. The answer as a whole is another each time, these parts of it are not. So each root field is kept by
its statement and what that binds, which is the field's plan, its arguments and who asks; it holds for one
version.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from gqlnews.kept import Kept
from gqlnews.plan.audience import Audience
from gqlnews.schema.work import Read, Statement

OVERHEAD = 1_000  # bytes of an entry beside its texts, about


class _Field(NamedTuple):
    """`json` is None for null."""

    version: bytes
    json: bytes | None


class KeptFields:
    """At most `limit` bytes; `version_of` tells the content that an audience sees now, None where unknown.

    `most_bytes`: more than that, all fields of a request together, the store refuses; 0 is no limit.
    """

    def __init__(
        self, version_of: Callable[[Audience], bytes | None], limit: int, most_bytes: int = 0
    ) -> None:
        self._version_of, self._most_bytes = version_of, most_bytes
        self._fields: Kept[Statement, _Field] = Kept(limit)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Bytes kept now."""
        return self._fields.size

    async def read(
        self, read: Read, statements: Sequence[Statement], audience: Audience
    ) -> Sequence[bytes | None]:
        """As `read` gives them, which is asked for those alone that are not kept."""
        version = self._version_of(audience)
        if version is None:
            return await read(statements)
        found = [self._get(statement, version) for statement in statements]
        missing = [statement for statement, field in zip(statements, found, strict=True) if field is None]
        self.misses += len(missing)
        self.hits += len(statements) - len(missing)
        answers = iter(await read(missing) if missing else ())
        fields = [field or _Field(version, next(answers)) for field in found]
        if 0 < len(missing) < len(statements) and self._version_of(audience) != version:
            return await read(statements)  # what was kept is not of the content that was read now
        if self._is_too_much(fields):
            return await read(statements)  # which refuses them
        for statement, field, before in zip(statements, fields, found, strict=True):
            if before is None:
                self._keep(statement, field)
        return [field.json for field in fields]

    def _get(self, statement: Statement, version: bytes) -> _Field | None:
        field = self._fields.get(statement)
        return field if field is not None and field.version == version else None

    def _keep(self, statement: Statement, field: _Field) -> None:
        sql, values = statement
        size = OVERHEAD + len(sql) + _length(values) + len(field.json or b"")
        self._fields.keep(statement, field, size)

    def _is_too_much(self, fields: Iterable[_Field]) -> bool:
        return 0 < self._most_bytes < sum(len(field.json or b"") for field in fields)


def _length(values: Iterable[object]) -> int:
    """Bytes of the texts among what is bound."""
    return sum(len(value) for value in values if isinstance(value, str | bytes))
