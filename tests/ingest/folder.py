"""A content folder that a test writes file by file."""

import json
import os
import time
from pathlib import Path
from typing import Any

BROKEN = "no front matter at all\n"
_FIRST_MTIME_NS = 1_700_000_000_000_000_000


def later_ns() -> int:
    """Return a wall-clock time so far in the future that no file is recent."""
    return time.time_ns() + 10_000_000_000


def text_of(keys: dict[str, Any]) -> str:
    """Return a file with this front matter and no body. JSON values are valid YAML."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(["---", *lines, "---", ""])


def keys_of(url: str = "https://example.com/a", **others: Any) -> dict[str, Any]:
    """Return the required keys of an article, and others."""
    return {"title": "T", "publishedDateTime": "2024-01-01", "webUrl": url, **others}


class Folder:
    """A folder in which each write gets a later modification time, so that every change is detected."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.mkdir(exist_ok=True)
        self._writes = 0

    def article(self, path: str, url: str = "https://example.com/a", **keys: Any) -> None:
        self.write(path, text_of(keys_of(url, **keys)))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.touch(path)

    def touch(self, path: str) -> None:
        self._writes += 1
        when = _FIRST_MTIME_NS + self._writes * 1_000_000_000
        os.utime(self.root / path, ns=(when, when))

    def remove(self, path: str) -> None:
        (self.root / path).unlink()
