"""Random edits to a content folder. Each edit returns the paths that it touched."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Paths = set[str]

BROKEN = b"no front matter at all\n"


@dataclass
class Content:
    """A content folder, its mirror, and a random generator.

    The mirror holds the valid files. `broken` maps the path of each invalid file to its last valid
    content, which the mirror still holds, or to None if there is no earlier version to serve at that
    path. `touched` holds the paths that the current step has changed. A step changes each file at most once,
    because the store cannot serve a version that was replaced before it was ingested.
    """

    folder: Path
    mirror: Path
    rng: random.Random
    broken: dict[str, bytes | None] = field(default_factory=dict)
    touched: Paths = field(default_factory=set)
    turn: int = 0

    def random_file(self) -> str:
        """Choose the path of a file that this step has not touched."""
        return self.rng.choice([path for path in self.files() if path not in self.touched])

    def valid_content(self) -> bytes:
        """Return the content of a random valid file."""
        path = self.rng.choice([path for path in self.files() if path not in self.broken])
        return (self.folder / path).read_bytes()

    def files(self) -> list[str]:
        """Return all paths, sorted."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.md"))

    def write(self, path: str, data: bytes) -> None:
        """Write valid content to both the folder and the mirror."""
        self.broken.pop(path, None)
        for root in (self.folder, self.mirror):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)

    def read(self, path: str) -> bytes:
        """Return the file's last valid content, or its present content if none is known."""
        return self.broken.get(path) or (self.folder / path).read_bytes()


HIDDEN = b"published: false"
CHANGES = ((b"quality: ", b"quality: 1"), (b"  - News", b"  - news"), (b"name: ", b"name: New "), (b"", b""))
Edit = Callable[[Content], Paths]


def add(content: Content) -> Paths:
    """Add an article that resembles another one or is an exact copy of it."""
    like = content.random_file()
    path = f"{os.path.dirname(like)}/new-{content.turn}.md"
    data = content.read(like)
    if data == BROKEN:
        return set()
    content.write(path, data.replace(b"title: ", b"title: New ", content.rng.randrange(2)))
    return {path}


def change(content: Content) -> Paths:
    """Change the quality, topics or title, and append a line to the body."""
    path = content.random_file()
    if path not in content.broken:
        old, new = content.rng.choice(CHANGES)
        data = content.read(path).replace(old, new, 1)
        content.write(path, data + f"\nturn{content.turn}\n".encode())
    return {path}


def toggle_published(content: Content) -> Paths:
    """Toggle `published`."""
    path = content.random_file()
    if path in content.broken:
        return set()
    data = content.read(path)
    if HIDDEN in data:
        data = data.replace(HIDDEN, b"published: true", 1)
    elif b"published: true" in data:
        data = data.replace(b"published: true", HIDDEN, 1)
    else:
        data = data.replace(b"---\n", b"---\n" + HIDDEN + b"\n", 1)
    content.write(path, data)
    return {path}


def rename(content: Content) -> Paths:
    """Rename a file. A broken file loses its last valid version, which was stored under the old path."""
    path = content.random_file()
    to = f"{os.path.dirname(path)}/renamed-{content.turn}.md"
    _move(content, path, to)
    return {path, to}


def remove(content: Content) -> Paths:
    """Delete a file."""
    path = content.random_file()
    (content.folder / path).unlink()
    (content.mirror / path).unlink(missing_ok=True)
    content.broken.pop(path, None)
    return {path}


def invalidate(content: Content) -> Paths:
    """Overwrite a file with invalid content, as a half-written save would."""
    path = content.random_file()
    if path not in content.broken:
        content.broken[path] = content.read(path)
        (content.folder / path).write_bytes(BROKEN)
    return {path}


def repair(content: Content) -> Paths:
    """Repair a broken file."""
    broken = sorted(content.broken.keys() - content.touched)
    if not broken:
        return set()
    path = content.rng.choice(broken)
    content.write(path, content.broken[path] or content.valid_content())
    return {path}


def move_folder(content: Content) -> Paths:
    """Rename a folder."""
    below = os.path.dirname(content.random_file())
    to = f"{os.path.dirname(below)}/moved-{content.turn}".lstrip("/")
    for path in content.files():
        if path.startswith(f"{below}/"):
            _move(content, path, to + path[len(below) :])
    for root in (content.folder, content.mirror):
        shutil.rmtree(root / below, ignore_errors=True)
    return {below, to}


def _move(content: Content, path: str, to: str) -> None:
    if path in content.broken:
        content.broken.pop(path)
        content.broken[to] = None
        (content.mirror / path).unlink(missing_ok=True)
    for root in (content.folder, content.mirror):
        if (root / path).exists():
            (root / to).parent.mkdir(parents=True, exist_ok=True)
            (root / path).rename(root / to)


EDITS: tuple[Edit, ...] = (
    add,
    add,
    change,
    change,
    change,
    toggle_published,
    rename,
    remove,
    invalidate,
    repair,
)


def step(content: Content) -> Paths:
    """Apply one step: usually one edit, sometimes a few, rarely a folder rename."""
    content.turn += 1
    content.touched = set()
    if content.rng.random() < 0.03:  # noqa: PLR2004 - rarely
        return move_folder(content)
    for _ in range(content.rng.choice([1, 1, 1, 1, 2, 5])):
        content.touched |= content.rng.choice(EDITS)(content)
    return content.touched
