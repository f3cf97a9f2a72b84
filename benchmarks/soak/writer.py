"""Change a folder continuously: add, edit, publish, unpublish, rename and remove random articles."""

import asyncio
import random
import re
import time
from pathlib import Path

from benchmarks.folders import article_paths

WORDS = tuple(f"word{number:02}" for number in range(40))  # in titles
TOPICS = tuple(f"Soak {number:02}" for number in range(40))
IN_PLACE = 0.2  # share of edits that overwrite the file instead of renaming over it
HALF_WRITTEN_SECONDS = 0.005  # how long a file stays half written when it is overwritten
MAX_DEVIATION = 0.05  # largest relative deviation of the number of articles from the initial one
TEMPORARY_NAME = ".gqlnews-soak.tmp"
_TITLE = re.compile(r"^title:.*$", re.MULTILINE)
_TOPICS = re.compile(r"^topics:\n(?:  - .*\n)*", re.MULTILINE)
_URLS = re.compile(r'^(originalUrl|webUrl): "?(.*?)"?$', re.MULTILINE)
_HIDDEN, _SHOWN = "\npublished: false\n", "\npublished: true\n"


class Writer:
    """Changes files at random. `written` maps each title to the time it was saved, by `time.monotonic`."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        self._files = article_paths(folder)
        self._initial_count = len(self._files)
        self.changes = 0
        self.written: dict[str, float] = {}

    async def run(self, per_second: float, until: asyncio.Event) -> None:
        start, done = time.monotonic(), 0
        while not until.is_set():
            await self._change()
            done += 1
            await asyncio.sleep(max(0.0, start + done / per_second - time.monotonic()))

    async def _change(self) -> None:
        self.changes += 1
        deviation = (len(self._files) - self._initial_count) / (MAX_DEVIATION * self._initial_count)
        weights = (1 - deviation, 12, 3, 1.5, 1 + deviation)
        kinds = (self._add, self._edit, self._toggle_published, self._rename, self._remove)
        (change,) = self._rng.choices(kinds, [max(0.0, weight) for weight in weights])
        await change()

    async def _add(self) -> None:
        path = self._folder / f"2025/soak/2025-01-01-added-{self.changes}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _URLS.sub(rf'\1: "\2/{self.changes}"', self._random_path().read_text())
        await self._save(path, self._edited(text))
        self._files.append(path)

    async def _edit(self) -> None:
        path = self._random_path()
        await self._save(path, self._edited(path.read_text()))

    async def _toggle_published(self) -> None:
        """Toggle `published`. The title changes too, so that the change can be recognized."""
        path = self._random_path()
        text = self._edited(path.read_text())
        shown = text.replace(_HIDDEN, _SHOWN, 1)
        await self._save(path, shown if shown != text else text.replace(_SHOWN, _HIDDEN, 1))

    async def _rename(self) -> None:
        path = self._random_path()
        self._files.remove(path)
        self._files.append(path.rename(path.with_name(f"2025-01-01-renamed-{self.changes}.md")))

    async def _remove(self) -> None:
        path = self._random_path()
        self._files.remove(path)
        path.unlink()

    def _random_path(self) -> Path:
        return self._rng.choice(self._files)

    def _edited(self, text: str) -> str:
        self._title = f"Soak {self.changes} {self._rng.choice(WORDS)}"
        text = _TITLE.sub(f'title: "{self._title}"', text, count=1)
        return _TOPICS.sub(f"topics:\n  - {self._rng.choice(TOPICS)}\n", text, count=1)

    async def _save(self, path: Path, text: str) -> None:
        if self._rng.random() < IN_PLACE:
            with path.open("w", encoding="utf-8") as file:
                half = len(text) // 2
                file.write(text[:half])
                file.flush()
                await asyncio.sleep(HALF_WRITTEN_SECONDS)
                file.write(text[half:])
        else:
            temporary = path.with_name(TEMPORARY_NAME)
            temporary.write_text(text, "utf-8")
            temporary.rename(path)
        self.written[self._title] = time.monotonic()
