"""Kill a consumer of `gqlnews changes --follow`: `python -m tests.cli.killed_changes KILLS [SEED]`.

While an ingest changes files, the command is killed with SIGKILL after a random number of lines, and resumed
with the version of the last line that the consumer has processed. The numbers of the lines must have no gap
and no repetition, each `before` must equal the consumer's copy, and at the end the copy must equal the store.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.ingest.folder import Folder
from tests.ingest.model import open_careless, run_ingest

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0
ARTICLES = 450  # more than two pages
EDITS = 30  # of one ingest, at most
INGESTS = 3  # while the command runs once, at most


@dataclass
class Consumer:
    """A consumer, its copy of the articles, and the version of the last line that it has processed."""

    copy: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: str = ""
    lines: int = 0

    @property
    def number(self) -> int:
        return int(self.version.rpartition("-")[2] or 0)

    def start(self) -> list[str]:
        """Return the arguments to resume; without a version to resume from, begin with an empty copy."""
        if self.number == 0:
            self.copy = {}
        return ["--since", self.version] if self.version else []

    def process(self, line: bytes) -> None:
        assert line.endswith(b"\n"), f"after {self.version}, the command printed {line!r}"
        change = json.loads(line)
        slug, before, after = change["slug"], change["before"], change["after"]
        assert self.copy.get(slug) == before, (change, self.copy.get(slug))
        if after is None:
            del self.copy[slug]
        else:
            self.copy[slug] = after
        old, self.version = self.number, change["version"]
        assert old == 0 or self.number == old + 1, (old, change)
        self.lines += 1


@dataclass
class Source:
    """A content folder that changes at random, and its store."""

    folder: Folder
    database: Path
    dice: random.Random

    def fill(self) -> None:
        for number in range(ARTICLES):
            self.write(number)
        self.ingest()

    def write(self, number: int) -> None:
        self.folder.article(
            f"{number}.md",
            f"https://example.com/{number}",
            title=self.dice.choice(["one", "two", "three"]),
            heat=self.dice.randrange(3),
            published=self.dice.random() < 0.8,
        )

    def change(self, ingests: int) -> None:
        for _ in range(ingests):
            for _ in range(self.dice.randint(1, EDITS)):
                number = self.dice.randrange(ARTICLES)
                if self.dice.random() < 0.2:
                    (self.folder.root / f"{number}.md").unlink(missing_ok=True)
                else:
                    self.write(number)
            self.ingest()

    def ingest(self) -> None:
        with closing(open_careless(self.database)) as db:
            run_ingest(db, self.folder)

    def number(self) -> int:
        (number,) = self._rows("SELECT number FROM site WHERE audience = 0")[0]
        return int(number)

    def articles(self) -> dict[str, dict[str, Any]]:
        rows = self._rows("SELECT slug, title, heat FROM article WHERE published = 1")
        return {slug: {"title": title, "heat": heat} for slug, title, heat in rows}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=DEADLINE)) as db:
            return db.execute(sql).fetchall()


@contextmanager
def changes(database: Path, *arguments: str) -> Iterator[IO[bytes]]:
    """Yield the output of the command, which is killed at the end of the block."""
    command = [sys.executable, "-m", "gqlnews", "changes", "--db", str(database), "--fields", "title,heat"]
    env = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
    with subprocess.Popen(  # noqa: S603 - our own program
        [*command, *arguments], cwd=ROOT, env=env, stdout=subprocess.PIPE
    ) as process:
        timer = threading.Timer(DEADLINE, process.kill)
        timer.start()
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            timer.cancel()
            process.kill()


def consume(consumer: Consumer, output: IO[bytes], lines: int) -> None:
    for _ in range(lines):
        consumer.process(output.readline())


def kill_repeatedly(root: Path, kills: int, seed: int) -> int:
    """Return the number of lines that the consumer has processed."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, no secret
    source = Source(Folder(root / "content"), root / "news.db", random.Random(seed + 1))  # noqa: S311
    source.fill()
    consumer = Consumer()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(kills):
            with changes(source.database, "--follow", *consumer.start()) as output:
                pending = source.number() - consumer.number
                ingesting = pool.submit(source.change, dice.randint(1, INGESTS))
                if consumer.number > 0:
                    consume(consumer, output, dice.randint(0, pending))
                elif dice.random() < 0.5:  # it lists the articles; some may be gone by then
                    consume(consumer, output, dice.randint(0, ARTICLES // 2))
                else:
                    while consumer.number == 0:
                        consumer.process(output.readline())
            ingesting.result()
    with changes(source.database, *consumer.start()) as output:
        for line in output:
            consumer.process(line)
    assert consumer.number == source.number()
    assert consumer.copy == source.articles()
    return consumer.lines


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        count = int(sys.argv[1])
        print(f"{count} kills, {kill_repeatedly(Path(folder), count, int((*sys.argv, '1')[2]))} lines")
