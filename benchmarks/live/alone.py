"""From saving an article to seeing it: asked for again and again, until the new title is in the answer."""

import random
import time

import orjson

from benchmarks.live.edits import Edits, Saved
from benchmarks.throughput.client import Client

DOCUMENT = "query Seen($slug: String!) { article(slug: $slug) { title } }"
PAUSE = 0.001  # seconds between two questions: the client leaves the processors to others
WARMING = 3  # edits
LONGEST = 30.0  # seconds
QUIET = (
    0.1,
    0.2,
)  # seconds between edits, at random: no two fall on the same beat of what looks from time to time


def see(client: Client, saved: Saved) -> float:
    """Seconds from the rename until an answer had the title. SystemExit where none has it in LONGEST."""
    body = orjson.dumps({"query": DOCUMENT, "variables": {"slug": saved.slug}})
    title = saved.title.encode()
    while title not in (answer := client.ask(body).body):
        if time.monotonic() - saved.at > LONGEST:
            raise SystemExit(f"{saved.slug}: not seen within {LONGEST:.0f} s, but {answer!r}")
        time.sleep(PAUSE)
    return time.monotonic() - saved.at


def rest() -> None:
    """Until the next edit is an event of its own."""
    time.sleep(random.uniform(*QUIET))  # noqa: S311 - no secret


def delays(url: str, edits: Edits, number: int) -> list[float]:
    """Seconds, of so many edits, after some that are not counted."""
    found = []
    with Client(url) as client:
        for _ in range(WARMING + number):
            rest()
            found.append(see(client, edits.save()))
    return found[WARMING:]
