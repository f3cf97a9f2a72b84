"""Third-party clients, each a separate program, and the newsroom whose articles they watch."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server.support import Running, close_input, environment, running

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-clients/bin/python"
CODEGEN_PYTHON = HERE.parents[1] / ".venv-codegen/bin/python"
MADE = (HERE / "node_modules/.package-lock.json", PYTHON, CODEGEN_PYTHON)

Change = tuple[str, str, str | None]
"""(kind, slug, title, or None if there is no article)."""


@dataclass(frozen=True, slots=True)
class Client:
    """The command of a client, and the log lines of its subscriptions and its queries."""

    command: tuple[str, ...]
    watches: str
    asks: str


SOCKET, EVENTS, HTTP = "over=websocket", "over=events", "status=200"


def _node(name: str, watches: str, asks: str) -> Client:
    return Client(("node", str(HERE / "program.mjs"), name), watches, asks)


CLIENTS: Mapping[str, Client] = {
    "graphql-ws": _node("graphql-ws", SOCKET, SOCKET),
    "graphql-sse": _node("graphql-sse", EVENTS, EVENTS),
    "apollo": _node("apollo", SOCKET, HTTP),
    "urql-ws": _node("urql-ws", SOCKET, HTTP),
    "urql-sse": _node("urql-sse", EVENTS, HTTP),
    "gql": Client((str(PYTHON), str(HERE / "gql_program.py")), SOCKET, SOCKET),
}


@dataclass(frozen=True, slots=True)
class Program:
    """A running client: commands go in and events come out, as lines of JSON."""

    run: Running

    def send(self, command: str, what: Any = True) -> None:
        into = self.run.process.stdin
        assert into is not None
        into.write(json.dumps({command: what}) + "\n")
        into.flush()

    def next(self) -> Any:
        line = self.run.next()
        assert line is not None, "the client has ended"
        return json.loads(line)

    def ask(self, query: str) -> Any:
        self.send("ask", query)
        return self.next()["answer"]

    def watch(self, where: Any = None) -> None:
        self.send("watch", where)
        assert list(self.next()) == ["watching"]

    def change(self) -> Change:
        """Return the client's next line, which must be a change."""
        change = self.next()["change"]
        article = change["article"]
        return change["kind"], change["slug"], None if article is None else article["title"]

    def rest(self) -> list[str]:
        """Stop the client, and return all further lines."""
        close_input(self.run.process)
        return list(iter(self.run.next, None))


@contextmanager
def program(home: Path, *command: str) -> Iterator[Program]:
    """Run a client for as long as the block runs."""
    with running(command, environment(home), subprocess.Popen.kill, stderr=None) as run:
        yield Program(run)


@contextmanager
def programs(home: Path, *arguments: str, names: Iterable[str] = CLIENTS) -> Iterator[dict[str, Program]]:
    """Run the clients with these arguments: the URL, and optionally a token."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(program(home, *CLIENTS[name].command, *arguments)) for name in names}


@dataclass(frozen=True, slots=True)
class Newsroom:
    """A folder of articles whose files are saved as editors do: write a temporary file, then rename it."""

    folder: Path

    def save(self, name: str, text: str) -> None:
        aside = self.folder / f".{name}.new"
        aside.write_text(text, "utf-8")
        aside.rename(self.folder / name)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        self.save(name, text.replace(old, new, 1))

    def retitle(self, name: str, title: str) -> None:
        text = (self.folder / name).read_text("utf-8")
        self.save(name, re.sub("^title: .*$", f"title: {title}", text, count=1, flags=re.MULTILINE))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()
