"""`python -m tests.image` (`make image-check`): build the Dockerfile, run the image, and check its promises.

Buildah builds over local base images (`base_images.py`). Bubblewrap runs the result from its root file
system: read-only except for its volume, as the image's user, with the image's own environment, command and
health command.

Needs root, npm, and Debian's `buildah`, `debootstrap` and `bubblewrap`.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import frontmatter

from tests.image.base_images import make_base_images
from tests.image.buildah import Buildah, ImageConfig

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/gqlnews:check"
TOOLS = ("buildah", "debootstrap", "bwrap", "npm")
EXAMPLES = ROOT / "examples/news"
CONTENT, VOLUME = "/content", "/data"
USER = 10001
READY_SECONDS, STOP_SECONDS, POLL_SECONDS = 60, 15, 0.2
JSON = {"Content-Type": "application/json"}
QUERY = "{ site { articleCount } articles(first: 50) { nodes { title related { title } } } }"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.image", description=__doc__)
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gqlnews-image"
    parser.add_argument("--cache", type=Path, default=default, help=f"base images and layers ({default})")
    cache: Path = parser.parse_args().cache
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        parser.error(
            f"run as root, with {', '.join(TOOLS)} installed (missing: {', '.join(missing) or 'none'})"
        )
    cache.mkdir(parents=True, exist_ok=True)
    buildah = Buildah(cache)
    make_base_images(buildah, cache)
    buildah.build(ROOT, IMAGE)
    config = buildah.config(IMAGE)
    container, root = buildah.mount(IMAGE)
    try:
        check(config, root)
    finally:
        buildah.remove(container)


def check(config: ImageConfig, root: Path) -> None:
    """Run the image once, and print each check that passed."""
    with tempfile.TemporaryDirectory(prefix="gqlnews-image-") as scratch:
        os.chmod(scratch, 0o755)  # noqa: S103 - the image's user has to reach the volume in it
        data = Path(scratch, "data")
        data.mkdir()
        os.chown(data, USER, USER)
        port = _free_port()
        sandbox = Sandbox(config, root, data, port)
        _expect(config.user == str(USER), f"the image's user is {USER}")
        _expect(config.volumes == (VOLUME,), f"its only volume is {VOLUME}")
        _expect(not sandbox.check_health(), "the health command fails while nothing is served")
        with sandbox.serving() as server:
            _wait_until_healthy(server, sandbox)
            print("ok: the health command passes once it serves")
            process = _only_child(server.pid)
            data_of_query = _post(port, QUERY)
            articles = _count_published(EXAMPLES)
            _expect(data_of_query["site"]["articleCount"] == articles, f"it serves all {articles} articles")
            related = [article["related"] for article in data_of_query["articles"]["nodes"]]
            _expect(any(related), "a query returns articles with their related coverage")
            for path, name in (("/", "reader"), ("/graphql", "explorer")):
                _expect(f'<div id="{name}"' in _get_page(port, path), f"a browser gets the {name} at {path}")
            _expect(sandbox.run("test", "-w", VOLUME) == 0, "its volume is writable")
            _expect(sandbox.run("touch", "/opt/gqlnews/x") != 0, "its root file system is read-only")
            _expect(_user_of(process) == USER, f"its process runs as user {USER}")
            os.kill(process, signal.Signals[config.stop_signal])
            _expect(server.wait(STOP_SECONDS) == 0, f"{config.stop_signal} ends it with exit code 0")


class Sandbox:
    """Processes in the image's root file system, under Bubblewrap."""

    def __init__(self, config: ImageConfig, root: Path, data: Path, port: int) -> None:
        environment = config.environment | {"GQLNEWS_PORT": str(port), "GQLNEWS_HOST": "127.0.0.1"}
        self._entrypoint = config.entrypoint
        self._health_command = config.health_command
        self._bubblewrap = [
            "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--clearenv",
            "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev",
            "--bind", str(data), VOLUME, "--ro-bind", str(EXAMPLES), CONTENT, "--chdir", config.folder,
            *(part for variable in environment.items() for part in ("--setenv", *variable)),
        ]  # fmt: skip
        user = config.user
        self._as_user = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]

    def run(self, *command: str) -> int:
        """Run a command to its end, and return its exit code."""
        started = [*self._bubblewrap, *self._as_user, *command]
        return subprocess.run(started, check=False, stderr=subprocess.DEVNULL).returncode  # noqa: S603

    def check_health(self) -> bool:
        """Run the image's health command, of the form `["CMD", program, argument, …]`."""
        return self.run(*self._health_command[1:]) == 0

    @contextmanager
    def serving(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the image's own command as process 1, as a container does; kill it at the end."""
        command = [*self._bubblewrap, "--as-pid-1", *self._as_user, *self._entrypoint]
        with subprocess.Popen(command) as process:  # noqa: S603
            try:
                yield process
            finally:
                if process.poll() is None:  # setpriv clears the signal that --die-with-parent relies on
                    os.kill(_only_child(process.pid), signal.SIGKILL)


def _count_published(folder: Path) -> int:
    posts = (frontmatter.load(str(file)) for file in folder.rglob("*") if file.is_file())
    return sum(post["published"] is True for post in posts)


def _wait_until_healthy(server: "subprocess.Popen[bytes]", sandbox: Sandbox) -> None:
    until = time.monotonic() + READY_SECONDS
    while not sandbox.check_health():
        if server.poll() is not None or time.monotonic() > until:
            raise SystemExit("failed: the server does not become healthy")
        time.sleep(POLL_SECONDS)


def _post(port: int, query: str) -> Any:
    body = json.dumps({"query": query}).encode()
    request = Request(f"http://127.0.0.1:{port}/graphql", body, JSON)
    with urlopen(request, timeout=10) as response:  # noqa: S310
        return json.load(response)["data"]


def _get_page(port: int, path: str) -> str:
    request = Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": "text/html"})
    with urlopen(request, timeout=10) as response:  # noqa: S310
        return str(response.read(), "utf-8")


def _only_child(parent: int) -> int:
    """Return the process that Bubblewrap started, as numbered outside."""
    (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return int(child)


def _user_of(process: int) -> int:
    return Path(f"/proc/{process}").stat().st_uid


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise SystemExit(f"failed: {what}")
    print(f"ok: {what}", flush=True)


if __name__ == "__main__":
    main()
