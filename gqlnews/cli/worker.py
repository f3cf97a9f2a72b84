"""Worker process of `gqlnews serve --workers N`: its configuration, readiness and shutdown.

The parent writes the configuration to the worker's standard input as one line of JSON, and keeps the pipe
open. The worker listens on an inherited socket, and writes one line of JSON to its standard output once it
serves. It stops on a signal; when its standard input ends, it stops as on SIGTERM.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

import msgspec

from gqlnews.config.settings import ConnectionSettings, ServerSettings
from gqlnews.config.values import LogFormat
from gqlnews.server.observability import logs

_START = "from gqlnews.cli.worker import main; main()"


class WorkerConfig(msgspec.Struct, frozen=True):
    """Configuration of a worker.

    It contains hashes of the editors' tokens, so it is not passed on the command line, which other users can
    read.
    """

    listener: int
    log_format: LogFormat
    settings: ServerSettings
    connections: ConnectionSettings


def start_worker(
    listener: socket.socket,
    log_format: LogFormat,
    settings: ServerSettings,
    connections: ConnectionSettings,
) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(  # noqa: S603 - our own module, run by our own interpreter
        [sys.executable, "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[listener.fileno()],
        process_group=0,  # so that Ctrl-C reaches only the parent, which forwards it
    )
    assert process.stdin is not None
    config = WorkerConfig(listener.fileno(), log_format, settings, connections)
    try:
        process.stdin.write(msgspec.json.encode(config, enc_hook=str) + b"\n")
        process.stdin.flush()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def wait_until_ready(process: "subprocess.Popen[bytes]") -> int | None:
    """Return the number of articles that a client without a token sees; None if the process has exited."""
    assert process.stdout is not None
    line = process.stdout.readline()
    return msgspec.json.decode(line, type=int) if line else None


def main() -> None:
    """Entry point of the worker process."""
    from gqlnews.cli.run_server import run_server
    from gqlnews.server.uvicorn.exit_timer import exit_now

    config = msgspec.json.decode(
        sys.stdin.buffer.readline(), type=WorkerConfig, dec_hook=lambda kind, value: kind(value)
    )
    logs.configure(config.log_format)
    with socket.socket(fileno=config.listener) as listener:
        run_server(listener, config.settings, _notify_ready, config.connections)
    exit_now()


def _notify_ready(articles: int) -> None:
    with suppress(BrokenPipeError):  # the parent has exited, so standard input ends too
        sys.stdout.buffer.write(msgspec.json.encode(articles) + b"\n")
        sys.stdout.buffer.flush()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _terminate)


def _terminate() -> None:
    """Stop as on SIGTERM. Standard input becomes readable only when it ends."""
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    os.kill(os.getpid(), signal.SIGTERM)
