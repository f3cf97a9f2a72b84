"""What an editor does to a content folder, by the dice: each edit says which paths it touched."""

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
    """The folder, its mirror, and the dice.

    The mirror has the files that are right. `broken` is what the others had when they were last right, by
    path: the mirror has that, or nothing where there is nothing to be served by this name. `touched` is what
    this step did already: a text that the store never saw is not served.
    """

    folder: Path
    mirror: Path
    dice: random.Random
    broken: dict[str, bytes | None] = field(default_factory=dict)
    touched: Paths = field(default_factory=set)
    turn: int = 0

    def any_file(self) -> str:
        """The path of one of the files that this step has left alone."""
        return self.dice.choice([path for path in self.files() if path not in self.touched])

    def right(self) -> bytes:
        """What some file has that is right."""
        path = self.dice.choice([path for path in self.files() if path not in self.broken])
        return (self.folder / path).read_bytes()

    def files(self) -> list[str]:
        """All paths, in order."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.md"))

    def write(self, path: str, data: bytes) -> None:
        """What is right, into both."""
        self.broken.pop(path, None)
        for root in (self.folder, self.mirror):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)

    def read(self, path: str) -> bytes:
        """What it has, or had when it was last right."""
        return self.broken.get(path) or (self.folder / path).read_bytes()


HIDDEN = b"published: false"
CHANGES = ((b"quality: ", b"quality: 1"), (b"  - News", b"  - news"), (b"name: ", b"name: New "), (b"", b""))
Edit = Callable[[Content], Paths]


def add(content: Content) -> Paths:
    """An article that is much like another, or a copy of it."""
    like = content.any_file()
    path = f"{os.path.dirname(like)}/new-{content.turn}.md"
    data = content.read(like)
    if data == BROKEN:
        return set()
    content.write(path, data.replace(b"title: ", b"title: New ", content.dice.randrange(2)))
    return {path}


def change(content: Content) -> Paths:
    """Another title, another word in the body, other topics."""
    path = content.any_file()
    if path not in content.broken:
        old, new = content.dice.choice(CHANGES)
        data = content.read(path).replace(old, new, 1)
        content.write(path, data + f"\nturn{content.turn}\n".encode())
    return {path}


def unpublish(content: Content) -> Paths:
    """Published becomes unpublished, and the other way round."""
    path = content.any_file()
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
    """A file gets another name; a broken one has nothing to be served by it."""
    path = content.any_file()
    to = f"{os.path.dirname(path)}/renamed-{content.turn}.md"
    _move(content, path, to)
    return {path, to}


def remove(content: Content) -> Paths:
    """A file goes."""
    path = content.any_file()
    (content.folder / path).unlink()
    (content.mirror / path).unlink(missing_ok=True)
    content.broken.pop(path, None)
    return {path}


def break_(content: Content) -> Paths:
    """A file is saved half written."""
    path = content.any_file()
    if path not in content.broken:
        content.broken[path] = content.read(path)
        (content.folder / path).write_bytes(BROKEN)
    return {path}


def mend(content: Content) -> Paths:
    """A broken file becomes right."""
    broken = sorted(content.broken.keys() - content.touched)
    if not broken:
        return set()
    path = content.dice.choice(broken)
    content.write(path, content.broken[path] or content.right())
    return {path}


def move_folder(content: Content) -> Paths:
    """A folder gets another name."""
    below = os.path.dirname(content.any_file())
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


EDITS: tuple[Edit, ...] = (add, add, change, change, change, unpublish, rename, remove, break_, mend)


def step(content: Content) -> Paths:
    """Mostly one edit, at times a handful, at times a whole folder."""
    content.turn += 1
    content.touched = set()
    if content.dice.random() < 0.03:  # noqa: PLR2004 - rarely
        return move_folder(content)
    for _ in range(content.dice.choice([1, 1, 1, 1, 2, 5])):
        content.touched |= content.dice.choice(EDITS)(content)
    return content.touched
