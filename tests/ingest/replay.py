"""The change log, computed independently in plain Python from the articles at each step."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Visible = Mapping[str, bytes]
"""Slug → file content of the articles that a scope sees."""


class Memory(NamedTuple):
    """A row of `article_change`."""

    version: int
    first_added: int
    added: int
    removed: bool


class Replay:
    """The change log of one scope, which retains `max_removed` removals."""

    def __init__(self, max_removed: int) -> None:
        self.max_removed = max_removed
        self.visible: Visible = {}
        self.memory: dict[str, Memory] = {}
        self.last_pruned = 0
        self.last = 0

    def step(self, visible: Visible) -> None:
        """Advance to what is visible now; changes are numbered after `last`, in slug order."""
        for slug in sorted(visible.keys() | self.visible.keys()):
            if visible.get(slug) != self.visible.get(slug):
                self.last += 1
                self.memory[slug] = self.changed(slug, self.last, removed=slug not in visible)
        self.visible = dict(visible)
        self.forget()

    def changed(self, slug: str, version: int, *, removed: bool) -> Memory:
        old = self.memory.get(slug, Memory(0, version, version, removed=True))
        added = version if old.removed else old.added
        return Memory(version, old.first_added, added, removed)

    def forget(self) -> None:
        gone = sorted((m.version, slug) for slug, m in self.memory.items() if m.removed)
        for version, slug in gone[: max(0, len(gone) - self.max_removed)]:
            del self.memory[slug]
            self.last_pruned = max(self.last_pruned, version)


def read_change_log(db: sqlite3.Connection, scope: int) -> dict[str, Memory]:
    """Return the change log of the store."""
    rows = db.execute(
        "SELECT slug, version, first_added, added, removed FROM article_change WHERE scope = ?", (scope,)
    )
    return {slug: Memory(*rest) for slug, *rest in rows}


def changes(memory: Mapping[str, Memory], since: int) -> list[tuple[str, str]]:
    """Return (slug, kind) of each change after `since`, oldest first."""
    later = sorted((m.version, slug) for slug, m in memory.items() if m.version > since)
    found = []
    for _, slug in later:
        _, first_added, added, removed = memory[slug]
        if not removed:
            found.append((slug, "ADDED" if added > since else "UPDATED"))
        elif first_added <= since:
            found.append((slug, "REMOVED"))
    return found


def apply_changes(snapshot: Visible, entries: Sequence[tuple[str, str]], now: Visible) -> Visible:
    """Apply changes to a snapshot, and check that each of them fits."""
    state = dict(snapshot)
    for slug, kind in entries:
        if kind == "REMOVED":
            state.pop(slug, None)  # it may have been removed, added and removed again
        else:
            assert kind == "ADDED" or slug in state
            state[slug] = now[slug]
    return state
