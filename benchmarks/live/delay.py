"""Delay from saving an article to seeing it: poll until the response contains the new title."""

import random
import time

import orjson

from benchmarks.live.edits import Edits, SavedEdit
from benchmarks.throughput.client import Client

DOCUMENT = "query Seen($slug: String!) { article(slug: $slug) { title } }"
PAUSE = 0.001  # seconds between two requests, so that the client leaves the processors to others
WARM_UP_EDITS = 3  # edits
MAX_SECONDS = 30.0  # seconds
QUIET = (
    0.1,
    0.2,
)  # seconds between edits, random so that edits do not align with periodic polls


def poll_until_visible(client: Client, saved: SavedEdit) -> float:
    """Return the seconds from the rename to a response with the title. Raises SystemExit after LONGEST."""
    body = orjson.dumps({"query": DOCUMENT, "variables": {"slug": saved.slug}})
    title = saved.title.encode()
    while title not in (response := client.post(body).body):
        if time.monotonic() - saved.saved_at > MAX_SECONDS:
            raise SystemExit(f"{saved.slug}: not seen within {MAX_SECONDS:.0f} s, but {response!r}")
        time.sleep(PAUSE)
    return time.monotonic() - saved.saved_at


def pause() -> None:
    """Pause long enough for the next edit to be a separate event."""
    time.sleep(random.uniform(*QUIET))  # noqa: S311 - no secret


def delays(url: str, edits: Edits, number: int) -> list[float]:
    """Return the delays of `number` edits in seconds, after some unmeasured ones."""
    found = []
    with Client(url) as client:
        for _ in range(WARM_UP_EDITS + number):
            pause()
            found.append(poll_until_visible(client, edits.save()))
    return found[WARM_UP_EDITS:]
