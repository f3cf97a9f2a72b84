"""The internals of uvicorn and watchfiles that gqlnews uses, so that an upgrade shows what has changed.

Both packages are pinned to one version. The tables are complete: a further use of an internal fails too.
"""

import ast
import importlib.metadata
import inspect
import logging
import os
import tomllib
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from packaging.requirements import Requirement
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gqlnews"

# Module of gqlnews → imported module of the package → names.
IMPORTS = {
    "discovery/fs_events.py": {
        "watchfiles": {"Change"},
        "watchfiles._rust_notify": {"RustNotify", "WatchfilesRustInternalError"},
    },
    "server/uvicorn/http_protocol.py": {
        "uvicorn.protocols.http.httptools_impl": {"HttpToolsProtocol", "RequestResponseCycle"},
        "uvicorn.server": {"ServerState"},
    },
    "server/uvicorn/run.py": {"uvicorn": {"Config", "Server"}},
    "server/uvicorn/transport.py": {
        "uvicorn.protocols.http.httptools_impl": {"RequestResponseCycle", "STATUS_LINE"},
    },
    "server/uvicorn/websocket_protocol.py": {
        "uvicorn.protocols.utils": {"ClientDisconnected"},
        "uvicorn.protocols.websockets.websockets_sansio_impl": {"WebSocketsSansIOProtocol"},
    },
}  # fmt: skip

# Subclass in gqlnews → the members of its base class that it uses, overrides or extends.
MEMBERS = {
    "CoalescingHttpProtocol": """
        _should_upgrade _start_asgi_task _unset_keepalive_if_required access_log access_logger app config
        connection_made connections cycle data_received expect_100_continue flow handle_websocket_upgrade
        headers logger loop on_header on_headers_complete on_message_begin on_message_complete
        on_response_complete parser pipeline root_path scope server_state shutdown timeout_keep_alive
        timeout_keep_alive_task transport""",
    "SingleWriteCycle": """
        default_headers disconnected flow keep_alive message_event on_response response_complete
        response_started scope transport waiting_for_100_continue""",
    "ClosingCycle": "chunked_encoding expected_content_length send",
    "WebSocketProtocol": """
        close_sent close_timer config conn connection_made curr_msg_data_type data_received frames
        handle_parser_exception handshake_complete handshake_initiated initial_response keepalive_timeout loop
        pause_writing pong_timer resume_writing send send_receive_event_to_app shutdown transport writable""",
    "Server": "capture_signals config handle_exit server_state should_exit shutdown startup",
    "ConnectionState": "",
}
# Of the cycle of a request, used by the protocol of its connection.
CYCLE_MEMBERS = (
    "disconnected keep_alive message_event more_body response_complete response_started run_asgi scope"
)
STATE_MEMBERS = "connections default_headers tasks"

SIGNATURES: dict[Any, str] = {
    HttpToolsProtocol.__init__: "self config server_state app_state _loop",
    HttpToolsProtocol.connection_made: "self transport",
    HttpToolsProtocol.data_received: "self data",
    HttpToolsProtocol.on_message_begin: "self",
    HttpToolsProtocol.on_header: "self name value",
    HttpToolsProtocol.on_headers_complete: "self",
    HttpToolsProtocol.on_message_complete: "self",
    HttpToolsProtocol.on_response_complete: "self",
    HttpToolsProtocol.shutdown: "self",
    HttpToolsProtocol.handle_websocket_upgrade: "self",
    HttpToolsProtocol._should_upgrade: "self",
    HttpToolsProtocol._start_asgi_task: "self cycle app",
    HttpToolsProtocol._unset_keepalive_if_required: "self",
    RequestResponseCycle.__init__: """self scope transport flow logger access_logger access_log
        default_headers message_event expect_100_continue keep_alive on_response""",
    RequestResponseCycle.send: "self message",
    RequestResponseCycle.run_asgi: "self app",
    WebSocketsSansIOProtocol.__init__: "self config server_state app_state _loop",
    WebSocketsSansIOProtocol.connection_made: "self transport",
    WebSocketsSansIOProtocol.data_received: "self data",
    WebSocketsSansIOProtocol.pause_writing: "self",
    WebSocketsSansIOProtocol.resume_writing: "self",
    WebSocketsSansIOProtocol.keepalive_timeout: "self",
    WebSocketsSansIOProtocol.handle_parser_exception: "self",
    WebSocketsSansIOProtocol.send_receive_event_to_app: "self",
    WebSocketsSansIOProtocol.send: "self message",
    WebSocketsSansIOProtocol.shutdown: "self",
    uvicorn.Server.__init__: "self config",
    uvicorn.Server.startup: "self sockets",
    uvicorn.Server.shutdown: "self sockets",
    uvicorn.Server.capture_signals: "self",
    uvicorn.Server.handle_exit: "self sig frame",
    uvicorn.Server.run: "self sockets",
    ServerState.__init__: "self",
    RustNotify: "watch_paths debug force_polling poll_delay_ms recursive ignore_permission_denied",
    RustNotify.watch: "self debounce_ms step_ms timeout_ms stop_event",
    RustNotify.close: "self",
}


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (str(file.relative_to(PACKAGE)), ast.parse(file.read_text()))
        for file in sorted(PACKAGE.rglob("*.py"))
    )


def is_internal(module: str | None) -> bool:
    return (module or "").split(".")[0] in {"uvicorn", "watchfiles"}


def imported_names(tree: ast.Module) -> dict[str, set[str]]:
    """The names of uvicorn and watchfiles that a module imports, or uses of an imported package."""
    names: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and is_internal(node.module):
            names.setdefault(str(node.module), set()).update(alias.name for alias in node.names)
        if isinstance(node, ast.Import):
            for package in (alias.name for alias in node.names if is_internal(alias.name)):
                names.setdefault(package, set()).update(
                    use.attr
                    for use in ast.walk(tree)
                    if isinstance(use, ast.Attribute)
                    and isinstance(use.value, ast.Name)
                    and use.value.id == package
                )
    return names


def test_nothing_else_of_the_packages_is_imported() -> None:
    assert {file: names for file, tree in sources() if (names := imported_names(tree))} == IMPORTS


@pytest.mark.parametrize("package", ["uvicorn", "watchfiles"])
def test_a_package_whose_internals_are_used_is_pinned(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (requirement,) = [one for one in map(Requirement, project["dependencies"]) if one.name == package]
    assert str(requirement.specifier) == f"=={importlib.metadata.version(package)}"


async def app(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.fixture
def bases() -> dict[str, object]:
    """An instance of the base class of each subclass."""
    config = uvicorn.Config(app, log_config=None)
    loop: Any = SimpleNamespace()
    log = logging.getLogger("uvicorn.error")
    none: Any = None
    cycle = RequestResponseCycle(
        none, none, none, log, log, access_log=False, default_headers=[], message_event=none,
        expect_100_continue=False, keep_alive=True, on_response=lambda: None,
    )  # fmt: skip
    return {
        "CoalescingHttpProtocol": HttpToolsProtocol(config, ServerState(), {}, loop),
        "SingleWriteCycle": cycle,
        "ClosingCycle": cycle,
        "WebSocketProtocol": WebSocketsSansIOProtocol(config, ServerState(), {}, loop),
        "Server": uvicorn.Server(config),
        "ConnectionState": ServerState(),
    }


def members_of(instance: object) -> set[str]:
    return set(dir(instance)) - set(dir(object))


def used_members(kind: ast.ClassDef) -> set[str]:
    """The attributes of `self` and `super()`, and the methods of a class."""
    methods = {node.name for node in kind.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return methods | {
        node.attr
        for node in ast.walk(kind)
        if isinstance(node, ast.Attribute)
        and (
            (isinstance(node.value, ast.Name) and node.value.id == "self")
            or (isinstance(node.value, ast.Call) and ast.unparse(node.value) == "super()")
        )
    }


@pytest.mark.parametrize("kind", MEMBERS)
def test_a_subclass_uses_exactly_these_members_of_its_base(kind: str, bases: dict[str, object]) -> None:
    (definition,) = [
        node
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == kind
    ]
    available = members_of(bases[kind])
    assert set(MEMBERS[kind].split()) <= available
    assert used_members(definition) & available == set(MEMBERS[kind].split())


def test_the_members_of_cycle_and_state_exist(bases: dict[str, object]) -> None:
    assert set(CYCLE_MEMBERS.split()) <= members_of(bases["SingleWriteCycle"])
    assert set(STATE_MEMBERS.split()) <= members_of(bases["ConnectionState"])


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_the_signature_of_an_internal(function: Any) -> None:
    assert list(inspect.signature(function).parameters) == SIGNATURES[function].split()


def test_values_of_internals() -> None:
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"
    assert issubclass(ClientDisconnected, OSError)
    assert issubclass(WatchfilesRustInternalError, RuntimeError)


class Stop:
    """A stop event that is set after a number of checks."""

    def __init__(self, checks: int) -> None:
        self.left = checks

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_watch_starts_at_its_construction_and_returns_events_or_stops(tmp_path: Path) -> None:
    watch = RustNotify([str(tmp_path)], False, False, 0, False, False)
    try:
        (tmp_path / "a.md").write_text("")
        assert watch.watch(200, 15, 0, Stop(1_000)) == {(Change.added, str(tmp_path / "a.md"))}
        assert watch.watch(200, 15, 0, Stop(1)) == "stop"
        assert watch.watch(200, 15, 15, None) == "timeout"
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")).write_text("")
        with pytest.raises(WatchfilesRustInternalError):
            watch.watch(200, 15, 0, Stop(1_000))
    finally:
        watch.close()


def test_a_missing_folder_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RustNotify([str(tmp_path / "missing")], False, False, 0, False, False)
