"""Delay from saving an article to seeing it: poll until the response contains the new title."""

import random
import time

import orjson

from benchmarks.live.edits import Edits, SavedEdit
from benchmarks.throughput.client import Client

DOCUMENT = "query Seen($slug: String!) { article(slug: $slug) { title } }"
REQUEST_INTERVAL = 0.001  # seconds between two requests, to leave processor time to the server
WARM_UP_EDITS = 3
MAX_SECONDS = 30.0
EDIT_INTERVAL = (0.1, 0.2)  # seconds, random so that edits do not align with periodic polls


def poll_until_visible(client: Client, saved: SavedEdit) -> float:
    """Return the seconds from the rename to a response with the title.

    Raises SystemExit after MAX_SECONDS.
    """
    body = orjson.dumps({"query": DOCUMENT, "variables": {"slug": saved.slug}})
    title = saved.title.encode()
    while title not in (response := client.post(body).body):
        if time.monotonic() - saved.saved_at > MAX_SECONDS:
            raise SystemExit(f"{saved.slug}: not seen within {MAX_SECONDS:.0f} s, but {response!r}")
        time.sleep(REQUEST_INTERVAL)
    return time.monotonic() - saved.saved_at


def pause() -> None:
    """Pause long enough for the next edit to be a separate event."""
    time.sleep(random.uniform(*EDIT_INTERVAL))  # noqa: S311 - not used for security


def delays(url: str, edits: Edits, number: int) -> list[float]:
    """Return the delays of `number` edits in seconds, after WARM_UP_EDITS that are not measured."""
    found = []
    with Client(url) as client:
        for _ in range(WARM_UP_EDITS + number):
            pause()
            found.append(poll_until_visible(client, edits.save()))
    return found[WARM_UP_EDITS:]
