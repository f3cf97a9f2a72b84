"""Who is asking, as far as it decides what exists."""

from enum import IntEnum


class Audience(IntEnum):
    """The number is the `audience` of the store's rows."""

    PUBLIC = 0
    OPEN = 1  # everything but what only an editor reads, for local work
    EDITOR = 2

    @property
    def scope(self) -> int:
        """What is derived from several files is kept for two scopes: 0 of published articles, 1 of all."""
        return min(self, 1)
