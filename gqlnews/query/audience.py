"""Audience: the access level of a client, which determines the rows it can see."""

from enum import IntEnum


class Audience(IntEnum):
    """Access level. The number is the value of the `audience` column in the store."""

    PUBLIC = 0
    OPEN = 1  # everything except editor-only data, for local work
    EDITOR = 2

    @property
    def scope(self) -> int:
        """The scope of data derived from several files: 0 covers published articles, 1 all articles."""
        return min(self, 1)
