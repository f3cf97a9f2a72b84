"""Fork server: a process that imports gqlnews once, and forks the processes of each server.

1. It reads a command as a line of JSON on standard input, and writes the result as one on standard output.
2. `start` forks a process that ingests the folder and serves it, and then one that watches the folder.
3. `ingest` ingests the folder in this process, whatever the watcher does, and returns when the server has
   noticed every change. So a test does not depend on the speed of file system events.
4. Each process has a socket to this one. When that closes, the process exits: by `stop`, and also if this
   process is killed. This process exits when standard input ends, so all of them end with pytest.
"""

import asyncio
import gc
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from starlette.applications import Starlette

from gqlnews.app import build_app
from gqlnews.cli.commands import ingest_folder
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.ready_file import stored_problems
from gqlnews.cli.run_server import run_app
from gqlnews.cli.watch import watch_options
from gqlnews.config.settings import ConnectionSettings, EffectiveSettings
from gqlnews.config.values import LogFormat
from gqlnews.errors import CommandError
from gqlnews.ingest.watch_ingest import run_watch_ingest
from gqlnews.python_api import read_target, target_settings
from gqlnews.schema.query import build_schema
from gqlnews.server.observability import logs
from gqlnews.server.uvicorn.exit_timer import exit_now
from gqlnews.server.uvicorn.run import base_url, bind, return_freed_memory

HOST = "127.0.0.1"
CHECK = b"check\n"
LAZY_MODULES = (
    "gqlnews.content.parse_file",
    "gqlnews.content.parse_tree",
    "gqlnews.discovery.find_config",
    "gqlnews.discovery.sites",
    "gqlnews.ingest.pool_worker",
    "gqlnews.server.uvicorn.websocket_protocol",
    "uvicorn.lifespan.on",
    "uvloop",
)
"""Modules that a server or a watcher would import after its start."""

Command = Mapping[str, Any]
Result = dict[str, Any]


@dataclass
class ForkedServer:
    """A server and its watcher, seen from this process: closing the sockets ends them."""

    target: IngestTarget
    control: socket.socket
    pids: list[int]
    watcher: socket.socket | None = None

    def sockets(self) -> list[socket.socket]:
        return [self.control] if self.watcher is None else [self.control, self.watcher]

    def problems(self) -> "Result":
        """The problems in its store; each is a list of the members of FileProblem."""
        return {"problems": msgspec.to_builtins(stored_problems(self.target))}


class ForkServer:
    """The commands."""

    def __init__(self) -> None:
        self._servers: dict[int, ForkedServer] = {}
        self._stopping: list[int] = []  # processes that are exiting
        self._count = 0

    def run(self, command: Command) -> Result:
        """Run a command. Raises CommandError, and KeyError if the server is not running."""
        self._reap(os.WNOHANG)
        match command["command"]:
            case "start":
                return self._start(command)
            case "ingest":
                return self._ingest(self._servers[command["id"]])
            case "stop":
                return self._stop(self._servers.pop(command["id"]))
            case unknown:
                raise ValueError(f"unknown command {unknown!r}")

    def close(self) -> None:
        """Stop every server, and wait until its processes have exited."""
        while self._servers:
            self._stop(self._servers.popitem()[1])
        self._reap(0)

    def _start(self, command: Command) -> Result:
        target, settings = read_target(command["folder"], command["settings"])
        log = Path(command["log"])
        pid, control = self._fork(log, partial(_serve, target, settings))
        server = ForkedServer(target, control, [pid])
        ready = _receive(control)
        if ready is None or "error" in ready:
            self._stop(server)
            raise CommandError((ready or {}).get("error", "the server process exited while it started"))
        self._count += 1
        self._servers[self._count] = server
        if settings["watch"]:
            poll = settings["force_polling"]
            pid, server.watcher = self._fork(log, partial(_watch, target, poll))
            server.pids.append(pid)
        return {**ready, "id": self._count, "pids": server.pids, **server.problems()}

    def _ingest(self, server: ForkedServer) -> Result:
        ingest_folder(server.target)
        try:
            server.control.sendall(CHECK)
            is_running = _receive(server.control) is not None
        except OSError:
            is_running = False
        if not is_running:
            raise CommandError("the server process has exited: see its log")
        return server.problems()

    def _stop(self, server: ForkedServer) -> Result:
        for one in server.sockets():
            one.close()
        self._stopping += server.pids
        return {}

    def _reap(self, options: int) -> None:
        """Wait for the processes that exit."""
        self._stopping = [pid for pid in self._stopping if os.waitpid(pid, options) == (0, 0)]

    def _fork(self, log: Path, run: Callable[[socket.socket], None]) -> tuple[int, socket.socket]:
        """Run a function in a new process; returns its id, and the socket that ends it."""
        ours, theirs = socket.socketpair()
        if (pid := os.fork()) == 0:
            ours.close()
            self._run_in_child(log, partial(run, theirs))
        theirs.close()
        return pid, ours

    def _run_in_child(self, log: Path, run: Callable[[], None]) -> NoReturn:
        status = 1
        try:
            for server in self._servers.values():
                for one in server.sockets():
                    one.close()  # otherwise the others would not end with the parent
            _redirect(log)
            run()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status)


def main() -> None:
    """Entry point of the process."""
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever is printed is no result
    logs.configure(LogFormat.TEXT)
    _warm_up()
    server = ForkServer()
    for line in sys.stdin.buffer:
        try:
            result = server.run(json.loads(line))
        except CommandError as error:
            result = {"error": str(error)}
        with suppress(BrokenPipeError):  # pytest was killed, so standard input ends too
            results.write(json.dumps(result) + "\n")
            results.flush()
    server.close()
    exit_now()


def _warm_up() -> None:
    """Do once what each server would do: import, and compile."""
    for module in LAZY_MODULES:
        import_module(module)
    build_schema()
    gc.collect()
    gc.freeze()  # the processes share these objects, which a collection would copy


def _redirect(log: Path) -> None:
    """Send the output of this process to its log, and close its input."""
    empty = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, source in ((0, empty), (1, output), (2, output)):
        os.dup2(source, descriptor)
    os.close(empty)
    os.close(output)


# The server process.


def _serve(target: IngestTarget, settings: EffectiveSettings, control: socket.socket) -> None:
    try:
        application_settings = target_settings(target, settings)
        logs.configure(settings["log_format"])
        ingest_folder(target)
        app = build_app(application_settings)
        listener = bind(HOST, 0)
    except CommandError as error:
        _send(control, {"error": str(error)})
        return
    return_freed_memory()
    with closing(listener):
        url = base_url(listener)

        def on_ready(articles: int) -> None:
            _send(control, {"base_url": url})
            asyncio.get_running_loop().add_reader(control, _on_command, app, control)

        run_app(app, listener, on_ready, ConnectionSettings())


def _on_command(app: Starlette, control: socket.socket) -> None:
    """Check the database now, or stop at the end of the commands."""
    loop = asyncio.get_running_loop()
    if control.recv(len(CHECK)):
        app.state.checking = loop.create_task(_check(app, control))
    else:
        loop.remove_reader(control)
        os.kill(os.getpid(), signal.SIGINT)


async def _check(app: Starlette, control: socket.socket) -> None:
    await app.state.app_state.store.check_file()
    _send(control, {})


# The watcher process.


def _watch(target: IngestTarget, force_polling: bool, control: socket.socket) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_at_end, args=(control,), daemon=True).start()
    run_watch_ingest(watch_options(target, force_polling=force_polling))


def _exit_at_end(control: socket.socket) -> None:
    control.recv(1)
    os._exit(0)  # SQLite rolls back an unfinished ingest


# Lines of JSON.


def _send(control: socket.socket, result: Result) -> None:
    control.sendall(json.dumps(result).encode() + b"\n")


def _receive(control: socket.socket) -> Result | None:
    """Return the next line; None if the process has exited."""
    line = b""
    while not line.endswith(b"\n"):
        if not (part := control.recv(4096)):
            return None
        line += part
    result: Result = json.loads(line)
    return result


if __name__ == "__main__":
    main()
