"""Start servers for tests, and stop them at the end of the session."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gqlnews.testing.files import ArticleFolder, FilePath
from gqlnews.testing.server import ForkServerProcess, NewsServer, read_log

if TYPE_CHECKING:
    from gqlnews.testing.in_process import InProcessNews


class ServerFactory:
    """Starts servers. Those that are not closed stop at the end of the session.

    The first start also starts the process that all others are forked from.
    """

    def __init__(self, make_folder: Callable[[], Path], timeout: float) -> None:
        """`make_folder` creates a new folder; `timeout` is that of each start and ingest, in seconds."""
        self._make_folder, self._timeout = make_folder, timeout
        self._stack = ExitStack()
        self._fork_server: ForkServerProcess | None = None
        self._servers: list[NewsServer] = []

    def serve(self, folder: FilePath | None = None, *, copy: bool = False, **settings: Any) -> NewsServer:
        """Start a server over `folder`, over a copy of it that may be written, or over a new empty folder.

        `settings` are those of `gqlnews.create_app`, with `config` for the path of a gqlnews.toml. Raises
        ServerProcessError, with the log of the server.
        """
        home, content = self._prepare(folder, copy=copy)
        if self._fork_server is None:
            self._fork_server = ForkServerProcess(home / "fork_server.log")
            self._stack.callback(self._fork_server.close)
        server = NewsServer(self._fork_server, content, home, settings, self._timeout)
        self._servers.append(server)
        self._stack.callback(server.close)
        return server

    def in_process(
        self, folder: FilePath | None = None, *, copy: bool = False, **settings: Any
    ) -> "InProcessNews":
        """Start the application in this process, with the arguments of `serve`. Raises CommandError."""
        from gqlnews.testing.in_process import InProcessNews  # imports the whole of gqlnews

        home, content = self._prepare(folder, copy=copy)
        news = InProcessNews(content, home, settings, self._timeout)
        self._stack.callback(news.close)
        return news

    def close(self) -> None:
        """Stop all servers. The fixture does that at the end of the session."""
        self._stack.close()

    def log_sizes(self) -> dict[NewsServer, int]:
        """Return the present size of the log of each running server, in bytes; forget the others."""
        self._servers = [server for server in self._servers if server.is_running]
        return {server: server.log.stat().st_size for server in self._servers}

    def logs_since(self, sizes: dict[NewsServer, int]) -> dict[str, str]:
        """Return what the servers have logged since then, by URL; also those that have started meanwhile."""
        texts = {server.url: read_log(server.log, sizes.get(server, 0)) for server in self._servers}
        return {url: text for url, text in texts.items() if text}

    def _prepare(self, folder: FilePath | None, *, copy: bool) -> tuple[Path, ArticleFolder]:
        home = self._make_folder()
        if folder is not None and not copy:
            return home, ArticleFolder(Path(folder).absolute(), writable=False)
        content = home / "content"
        if folder is None:
            content.mkdir()
        else:
            shutil.copytree(folder, content, symlinks=True)
        return home, ArticleFolder(content, writable=True)
