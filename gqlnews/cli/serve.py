"""`gqlnews serve`: ingest what changed, serve it, and watch the folder."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

import typer

from gqlnews.app import documents_of
from gqlnews.cli.banner import Banner
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.first_ingest import ingest_before_serving
from gqlnews.cli.ingest import ROLLED_BACK
from gqlnews.cli.run_server import Ready, serve
from gqlnews.cli.signals import exit_on_signal
from gqlnews.cli.supervisor import SupervisedProcess
from gqlnews.cli.watcher_process import start_watcher
from gqlnews.cli.worker import start_worker, wait_until_ready
from gqlnews.config.settings import LogFormat, ServerSettings
from gqlnews.errors import StartupError
from gqlnews.schema.build import build_schema
from gqlnews.server.observability import logs
from gqlnews.server.uvicorn.listener import base_url, listen
from gqlnews.server.uvicorn.uvicorn_server import NAMES

NOT_SERVED = "nothing was served"

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Serve options: address, log format and number of worker processes; `watch`: watch the folder."""

    host: str
    port: int
    log_format: LogFormat
    workers: int
    watch: bool
    poll: bool


def run_server(source: IngestTarget, serving: ServeOptions, settings: ServerSettings) -> None:
    """Serve until a signal. Raises StartupError if that fails before anything is served."""
    logs.configure(serving.log_format)
    with closing(listen(serving.host, serving.port)) as listener:
        if settings.http.documents is not None:
            documents_of(settings, build_schema())  # report errors in the documents before the ingest
        with exit_on_signal(ROLLED_BACK):
            report = ingest_before_serving(source, follows=serving.watch)

        url = base_url(listener)

        def on_ready(articles: int) -> None:
            _print_banner(Banner(settings, source.folder, url, articles, report), serving.log_format)

        with _watcher(source, serving):
            if serving.workers == 1:
                serve(listener, settings, on_ready)
            else:
                _run_workers(listener, serving, settings, on_ready)


@contextmanager
def _watcher(source: IngestTarget, serving: ServeOptions) -> Iterator[None]:
    if not serving.watch:
        yield
        return
    follower = SupervisedProcess(
        "follower", lambda: start_watcher(source, serving.log_format, poll=serving.poll)
    )
    try:
        yield
    finally:
        follower.stop()


def _run_workers(
    listener: socket.socket, serving: ServeOptions, settings: ServerSettings, on_ready: Ready
) -> None:
    """Run several worker processes until a signal, which is forwarded to them; restart workers that exit."""
    start = partial(start_worker, listener, serving.log_format, settings)
    with exit_on_signal(NOT_SERVED):
        started, articles = _start_workers(start, serving.workers)
    workers = [SupervisedProcess("worker", start, process) for process in started]

    def tell(number: int, frame: FrameType | None) -> None:
        listener.close()  # so that the socket closes when the last worker has stopped
        for worker in workers:
            worker.signal(number)

    before = {number: signal.signal(number, tell) for number in NAMES}
    on_ready(articles)
    try:
        for worker in workers:
            worker.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start_workers(start: Callable[[], Process], count: int) -> tuple[list[Process], int]:
    """Start all workers or none; return them, and how many articles a client without a token sees."""
    processes: list[Process] = []
    try:
        processes.extend(start() for _ in range(count))
        served = [wait_until_ready(process) for process in processes]
        if None in served:
            raise StartupError("a process that serves could not start: its log says why")
        return processes, max(one.articles for one in served if one is not None)
    except BaseException:
        for process in processes:
            process.kill()
            process.wait()
        raise


def _print_banner(banner: Banner, log_format: LogFormat) -> None:
    """Print the banner on standard output; with JSON logs, log it as an event instead."""
    if log_format is LogFormat.TEXT:
        typer.echo(banner.text())
    else:
        logs.note("serving", **banner.fields())
