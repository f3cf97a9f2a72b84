"""A server in a separate process over a folder with secrets, and values known from its API."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphql import build_schema

from tests.fuzz.client import Answer, Client, Request
from tests.fuzz.inputs import build_inputs
from tests.fuzz.intake import Intake
from tests.fuzz.place import HIDDEN, PUBLISHED, write_content, write_hidden, write_published
from tests.fuzz.promises import ROOT, SECONDS, violations
from tests.ingest.folder import Folder
from tests.product import run_ingest
from tests.server.support import TOKEN, TOKEN_HASH, Running, serving

SDL = (ROOT / "schema.graphql").read_text("utf-8")
KNOWN = """
{ site { version articleCount }
  articles(first: 3) { pageInfo { startCursor endCursor } edges { cursor node { id } } }
  trending(first: 2) { pageInfo { endCursor } }
  search(query: "quagga", first: 1) { pageInfo { endCursor } }
  stories(first: 1) { pageInfo { endCursor } nodes { id } }
  providers(first: 1) { pageInfo { endCursor } nodes { id articles(first: 1) { pageInfo { endCursor } } } }
  topics { id articles(first: 1) { pageInfo { endCursor } } }
  article(slug: "open-0") { referencedBy(first: 1) { pageInfo { endCursor } } } }
"""
SENTINEL = Request(b'{"query":"{ site { articleCount } }"}')
FAULTS = re.compile(r"Traceback|^\S+ (error|critical) |^\S*Error:")


class World:
    """The server under test. `cursors`, `ids` and `versions` came from the API, some as an editor."""

    def __init__(self, url: str, folder: Folder, database: Path, running: Running) -> None:
        self.url, self.folder, self.database = url, folder, database
        self._running = running
        self._client = Client(url)
        self._changes = 0
        public, editor = (
            self._query_known(()),
            self._query_known((("authorization", f"Bearer {TOKEN}".encode()),)),
        )
        self.cursors, self.ids = (
            sorted(_collect_strings(public, "ursor")),
            sorted(_collect_strings(public, "id")),
        )
        self.versions = sorted(_collect_strings(public, "version") | _collect_strings(editor, "version"))
        self.inputs = build_inputs(build_schema(SDL), folder.root, self.cursors, self.ids, self.versions)
        self.intake = Intake(database.parent / "intake")
        self.site_intake = Intake(database.parent / "site-intake")
        self.counts: Counter[str] = Counter()

    def _query_known(self, headers: tuple[tuple[str, bytes], ...]) -> Any:
        body = json.dumps({"query": KNOWN}).encode()
        answer = self._client.ask(Request(body, (("content-type", b"application/json"), *headers)))
        return json.loads(answer.body)["data"]

    def send(self, request: Request) -> Answer:
        """Send a request, check all invariants of the response, and check that the server still works."""
        before = self.cpu_seconds()
        answer = self._client.ask(request)
        took = self.cpu_seconds() - before
        found = violations(request, answer)
        assert not found, (found, request, answer)
        assert took < SECONDS, (took, request)
        self.assert_alive()
        return answer

    def assert_alive(self) -> None:
        after = self._client.ask(SENTINEL)
        assert (after.status, json.loads(after.body)) == (
            200,
            {"data": {"site": {"articleCount": len(PUBLISHED)}}},
        )

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has used so far."""
        fields = Path(f"/proc/{self._running.process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def change_content(self) -> None:
        """Change a published and an unpublished article."""
        self._changes += 1
        write_published(self.folder, PUBLISHED[self._changes % len(PUBLISHED)], self._changes % 8)
        write_hidden(self.folder, HIDDEN[self._changes % len(HIDDEN)], self._changes)
        run_ingest(self.folder.root, self.database)

    def faults(self) -> list[str]:
        """Return log lines that report failures or contain a token."""
        return [line for line in self._running.output_so_far() if FAULTS.search(line) or TOKEN in line]

    def close(self) -> None:
        self._client.close()


@contextmanager
def run_world(root: Path) -> Iterator[World]:
    """Run the server; at the end, its log must have no failures."""
    folder, database = write_content(root / "content"), root / "news.db"
    env = {
        "GQLNEWS_EDITOR_TOKENS": TOKEN_HASH,
        "GQLNEWS_MAX_STREAMS_PER_CLIENT": "0",
        "GQLNEWS_FORWARDED_ALLOW_IPS": "127.0.0.1",
    }
    with serving(root, folder.root, "--db", str(database), env=env) as (url, running):
        world = World(f"{url}/graphql", folder, database, running)
        try:
            yield world
            assert world.faults() == []
        finally:
            world.close()


def _collect_strings(value: Any, name: str) -> set[str]:
    """Return all strings in a response under keys that end in `name`."""
    if isinstance(value, list):
        return {text for one in value for text in _collect_strings(one, name)}
    if not isinstance(value, dict):
        return set()
    here = {one for key, one in value.items() if key.endswith(name) and isinstance(one, str)}
    return here.union(*(_collect_strings(one, name) for one in value.values()))
