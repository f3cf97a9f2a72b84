"""Images of the content folder over HTTP: a real server on a port of its own, and attacks on it."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest

from gqlnews.config.settings import HttpSettings
from tests.images import HTML, SVG, TYPES, png
from tests.ingest.folder import Folder
from tests.ingest.watch_process import until
from tests.server.conftest import Serve
from tests.server.live import Site, running_site
from tests.server.support import DEADLINE, TOKEN

LARGE = png(300, 200, padding=1_000_000)
SECRET = png(1, 1, padding=7)
EDITOR = {"Authorization": f"Bearer {TOKEN}"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["errors"][0]["extensions"]["code"])


def write(folder: Folder, path: str, data: bytes) -> None:
    (folder.root / path).parent.mkdir(parents=True, exist_ok=True)
    (folder.root / path).write_bytes(data)


def article(folder: Folder, name: str, *images: str, published: bool = True) -> None:
    listed = [{"url": url} for url in images]
    folder.article(f"{name}.md", f"https://x.example/{name}", images=listed, published=published)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server over a folder with images of a published and of an unpublished article."""
    root = tmp_path_factory.mktemp("media")
    folder = Folder(root / "content")
    names = [mime_type.replace("/", ".") for mime_type in TYPES]
    for name, make in zip(names, TYPES.values(), strict=True):
        write(folder, f"img/{name}.txt", make(3, 2))
    write(folder, "img/a b\u00e9.png", png())
    write(folder, "img/large.png", LARGE)
    write(folder, "img/hidden.png", png(9, 9))
    write(folder, "img/unused.png", png(8, 8))
    write(folder, "img/both.png", png(7, 7))
    write(folder, "img/page.png", HTML)
    write(folder, "img/drawing.svg", SVG)
    write(folder, ".env.png", SECRET)
    (root / "outside.png").write_bytes(SECRET)
    (folder.root / "img/link.png").symlink_to(root / "outside.png")
    os.mkfifo(folder.root / "img/pipe.png")
    public = ["large.png", "a b\u00e9.png", "page.png", "drawing.svg", "link.png", "pipe.png", "both.png"]
    tricky = ["/../outside.png", "../../outside.png", "/.env.png", "public.md", "/img", "/dev/zero"]
    listed = [f"img/{name}" for name in (*public, *(f"{name}.txt" for name in names))]
    article(folder, "public", *listed, *tricky)
    article(folder, "draft", "img/hidden.png", "img/both.png", published=False)
    with running_site(root, folder=folder.root, metrics=True) as site:
        yield site


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> Answer:
    """Send a request for a path as it is written."""
    parts = urlsplit(site.url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=DEADLINE)
    try:
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


# What is served.


@pytest.mark.parametrize("mime_type", TYPES)
def test_the_type_is_that_of_the_content(images: Site, mime_type: str) -> None:
    found = ask(images, f"/media/img/{mime_type.replace('/', '.')}.txt")
    assert (found.status, found.headers["content-type"]) == (200, mime_type)
    assert found.body == TYPES[mime_type](3, 2)


def test_a_browser_treats_it_as_an_image_only(images: Site) -> None:
    headers = ask(images, "/media/img/large.png").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "content-disposition" not in headers


def test_the_url_in_the_api_leads_to_the_image(images: Site) -> None:
    query = '{ article(slug: "public") { images { url width mimeType } } }'
    body = json.loads(ask(images, f"/graphql?query={query.replace(' ', '%20').replace(chr(34), '%22')}").body)
    found = {each["url"]: each for each in body["data"]["article"]["images"]}
    assert found["/media/img/large.png"]["width"] == 300
    answer = ask(images, "/media/img/a%20b%C3%A9.png")
    assert "/media/img/a%20b%C3%A9.png" in found
    assert answer.body == png()


def test_head_has_the_headers_of_get(images: Site) -> None:
    for path in ("/media/img/large.png", "/media/img/both.png"):
        got, head = ask(images, path), ask(images, path, "HEAD")
        changing = {"x-request-id", "date"}
        assert head.body == b""
        assert head.headers.keys() == got.headers.keys()
        assert {k: v for k, v in head.headers.items() if k not in changing} == {
            k: v for k, v in got.headers.items() if k not in changing
        }


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("0-3", 0, 4),
        ("5-", 5, None),
        ("-7", -7, None),
        ("10-99999999", 10, None),
        ("300000-900000", 300000, 900001),
    ],
)
def test_a_range_is_served(images: Site, asked: str, start: int, end: int | None) -> None:
    found = ask(images, "/media/img/large.png", Range=f"bytes={asked}")
    assert (found.status, found.body) == (206, LARGE[start:end])
    first = start % len(LARGE)
    assert found.headers["content-range"] == f"bytes {first}-{first + len(found.body) - 1}/{len(LARGE)}"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,3-4", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=0-1", "bytes", f"bytes={'9' * 30}-"],
)
def test_a_range_that_is_not_supported_is_ignored(images: Site, asked: str) -> None:
    found = ask(images, "/media/img/both.png", Range=asked)
    assert (found.status, found.body) == (200, png(7, 7))


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
def test_a_range_outside_the_image_is_416(images: Site, asked: str) -> None:
    found = ask(images, "/media/img/both.png", Range=asked)
    assert (found.status, found.headers["content-range"]) == (416, f"bytes */{len(png(7, 7))}")


def test_an_image_that_the_client_has_is_304(images: Site) -> None:
    etag = ask(images, "/media/img/large.png").headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        found = ask(images, "/media/img/large.png", If_None_Match=known)
        assert (found.status, found.body, found.headers["etag"]) == (304, b"", etag)
    assert ask(images, "/media/img/large.png", If_None_Match='"other"').status == 200


def test_a_range_of_an_old_version_is_the_whole_image(images: Site) -> None:
    etag = ask(images, "/media/img/large.png").headers["etag"]
    for validator, status in ((etag, 206), (f"W/{etag}", 200), ('"other"', 200)):
        found = ask(images, "/media/img/large.png", Range="bytes=0-3", If_Range=validator)
        assert found.status == status, validator


def test_a_changed_image_has_another_etag(images: Site) -> None:
    first = ask(images, "/media/img/both.png")
    path = images.folder.root / "img/both.png"
    times = path.stat()
    path.write_bytes(png(7, 7))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert ask(images, "/media/img/both.png").headers["etag"] != first.headers["etag"]


# Who may see it.


def test_an_image_of_an_unpublished_article_is_for_editors(images: Site) -> None:
    hidden = ask(images, "/media/img/hidden.png")
    assert (hidden.status, hidden.code) == (404, "NOT_FOUND")
    assert hidden.body == ask(images, "/media/img/no-such.png").body
    found = ask(images, "/media/img/hidden.png", **EDITOR)
    assert (found.status, found.body) == (200, png(9, 9))
    assert found.headers["cache-control"] == "private, no-cache"


def test_only_responses_without_a_token_may_be_shared(images: Site) -> None:
    public, editor = ask(images, "/media/img/both.png"), ask(images, "/media/img/both.png", **EDITOR)
    assert public.headers["cache-control"] == "public, max-age=60"
    assert editor.headers["cache-control"] == "private, no-cache"
    assert public.headers["vary"] == editor.headers["vary"] == "Authorization"


def test_an_unknown_token_is_rejected(images: Site) -> None:
    found = ask(images, "/media/img/large.png", Authorization="Bearer nonsense")
    assert (found.status, found.code) == (401, "UNAUTHENTICATED")


def test_an_image_is_public_while_its_article_is(
    tmp_path: Path,
) -> None:
    with running_site(tmp_path, folder=tmp_path / "content") as site:
        write(site.folder, "a.png", png())
        for published, status in ((False, 404), (True, 200), (False, 404)):
            article(site.folder, "a", "a.png", published=published)
            site.ingest()
            assert ask(site, "/media/a.png").status == status


def test_unpublished_articles_that_everyone_sees_show_their_images(tmp_path: Path) -> None:
    with running_site(tmp_path, folder=tmp_path / "content", unpublished=True) as site:
        write(site.folder, "a.png", png())
        article(site.folder, "a", "a.png", published=False)
        site.ingest()
        found = ask(site, "/media/a.png")
        assert (found.status, found.headers["cache-control"]) == (200, "private, no-cache")


@pytest.mark.parametrize(
    ("settings", "hint"), [({"media": False}, "--no-media"), ({"folder": None}, "GQLNEWS_FOLDER")]
)
def test_without_media_or_a_folder_the_error_says_why(
    tmp_path: Path, settings: dict[str, bool | None], hint: str
) -> None:
    with running_site(tmp_path, **({"folder": tmp_path / "content"} | settings)) as site:
        write(site.folder, "a.png", png())
        article(site.folder, "a", "a.png")
        site.ingest()
        found = ask(site, "/media/a.png")
        assert found.status == 404
        assert hint in found.body.decode()


# Attacks.

PATHS = {
    "parent": "/media/../outside.png",
    "parent below": "/media/img/../../outside.png",
    "encoded dots": "/media/%2e%2e/outside.png",
    "encoded slash": "/media/..%2foutside.png",
    "encoded twice": "/media/%252e%252e%252foutside.png",
    "overlong UTF-8": "/media/%c0%ae%c0%ae/outside.png",
    "backslash": "/media/..%5coutside.png",
    "dot": "/media/./img/large.png",
    "back and forth": "/media/img/../img/large.png",
    "absolute": "/media//etc/passwd",
    "encoded absolute": "/media/%2fetc%2fpasswd",
    "double slash": "/media//img/large.png",
    "double slash below": "/media/img//large.png",
    "trailing slash": "/media/img/large.png/",
    "NUL": "/media/img/large.png%00.txt",
    "NUL at the end": "/media/img/large.png%00",
    "invalid UTF-8": "/media/img/%ff.png",
    "other case": "/media/img/LARGE.png",
    "nothing": "/media/",
    "folder": "/media/img",
    "article": "/media/public.md",
    "hidden file": "/media/.env.png",
    "unused image": "/media/img/unused.png",
    "link that leads out": "/media/img/link.png",
    "named pipe": "/media/img/pipe.png",
    "device": "/media/dev/zero",
    "HTML called .png": "/media/img/page.png",
    "SVG": "/media/img/drawing.svg",
    "query as path": "/media/?path=img/large.png",
    "very long": "/media/" + "a" * 5000,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("headers", [{}, EDITOR], ids=["public", "editor"])
def test_no_other_path_leads_to_a_file(images: Site, path: str, headers: dict[str, str]) -> None:
    found = ask(images, path, **headers)
    assert (found.status, found.code) == (404, "NOT_FOUND")


def test_a_slash_may_be_encoded(images: Site) -> None:
    """It is the same path, so it reveals nothing."""
    assert ask(images, "/media/img%2flarge.png").body == LARGE


@pytest.mark.parametrize("path", ["/media/img/large.png\0", "/media/img/large.png#x", "/media/\u00e9"])
def test_a_path_that_is_not_a_url_is_400(images: Site, path: str) -> None:
    parts = urlsplit(images.url)
    with socket.create_connection((parts.hostname, parts.port), DEADLINE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_any_other_method_is_405(images: Site, method: str) -> None:
    found = ask(images, "/media/img/large.png", method)
    assert (found.status, found.headers["allow"]) == (405, "GET, HEAD")


@contextmanager
def swapping(path: Path, *targets: Path) -> Iterator[None]:
    """Replace what is at `path` by links to one target after the other, as fast as possible."""
    stopped = threading.Event()
    beside = path.with_name(f"{path.name}.new")

    def swap() -> None:
        while not stopped.is_set():
            for target in targets:
                beside.symlink_to(target)
                beside.replace(path)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_a_link_that_is_swapped_while_it_is_opened_never_leads_out(tmp_path: Path) -> None:
    inside = png(30, 20)
    with running_site(tmp_path, folder=tmp_path / "content") as site:
        folder = site.folder.root
        write(site.folder, "img/a.png", inside)
        write(site.folder, "other/a.png", inside)
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside/a.png").write_bytes(SECRET)
        article(site.folder, "a", "img/a.png", "/through/a.png")
        (folder / "through").symlink_to("other")
        site.ingest()
        assert ask(site, "/media/through/a.png").body == inside
        bodies: set[bytes] = set()
        with (
            swapping(folder / "img/a.png", folder / "other/a.png", tmp_path / "outside/a.png"),
            swapping(folder / "through", folder / "other", tmp_path / "outside"),
        ):
            for _ in range(150):
                bodies |= {ask(site, f"/media/{path}").body for path in ("img/a.png", "through/a.png")}
    assert {body for body in bodies if not body.startswith(b"{")} == {inside}


def test_a_file_that_becomes_something_else_is_not_served(tmp_path: Path) -> None:
    with running_site(tmp_path, folder=tmp_path / "content") as site:
        write(site.folder, "a.png", png())
        article(site.folder, "a", "a.png")
        site.ingest()
        path = site.folder.root / "a.png"
        for data in (HTML, SVG, b""):
            path.write_bytes(data)
            assert ask(site, "/media/a.png").status == 404
        path.unlink()
        path.mkdir()
        assert ask(site, "/media/a.png").status == 404
        path.rmdir()
        os.mkfifo(path)
        assert ask(site, "/media/a.png").status == 404


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


class Pipelined:
    """A connection that sends many requests before it reads the responses."""

    def __init__(self, site: Site) -> None:
        parts = urlsplit(site.url)
        self.socket = socket.create_connection((parts.hostname, parts.port), DEADLINE)
        self._file = self.socket.makefile("rb")

    def send(self, *targets: str) -> None:
        lines = (f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n" for target in targets)
        self.socket.sendall("".join(lines).encode())

    def receive(self) -> tuple[int, bytes]:
        status = int(self._file.readline().split()[1])
        length = 0
        while (line := self._file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, self._file.read(length)

    def close(self) -> None:
        self._file.close()
        self.socket.close()


def test_ten_thousand_requests_leave_no_file_open(images: Site) -> None:
    targets = [
        "/media/img/both.png",
        "/media/img/hidden.png",
        "/media/img/page.png",
        "/media/img/image.gif.txt",
    ]
    expected = [(200, png(7, 7)), (404, None), (404, None), (200, TYPES["image/gif"](3, 2))]
    connection = Pipelined(images)
    ask(images, targets[0])
    before = open_files()
    for _ in range(250):
        connection.send(*targets * 10)
        for status, body in expected * 10:
            found = connection.receive()
            assert found[0] == status
            assert body in {None, found[1]}
    assert open_files() <= before
    connection.close()


def test_a_client_that_leaves_in_the_middle_leaves_no_file_open(tmp_path: Path) -> None:
    with running_site(tmp_path, folder=tmp_path / "content") as site:
        write(site.folder, "a.png", png(padding=50_000_000))
        article(site.folder, "a", "a.png")
        site.ingest()
        ask(site, "/media/a.png", "HEAD")
        before = open_files()
        for _ in range(20):
            connection = Pipelined(site)
            connection.send("/media/a.png")
            connection.socket.recv(1000)
            connection.close()
        until(lambda: open_files() <= before, "a file is open")
        until(lambda: site.app_state.stream_limiter.count == 0, "a download still counts")


def test_a_large_image_that_becomes_shorter_ends_the_connection(tmp_path: Path) -> None:
    with running_site(tmp_path, folder=tmp_path / "content") as site:
        write(site.folder, "a.png", png(padding=50_000_000))
        article(site.folder, "a", "a.png")
        site.ingest()
        connection = Pipelined(site)
        connection.send("/media/a.png")
        head = connection.socket.recv(1000)
        os.truncate(site.folder.root / "a.png", 1000)
        received = len(head)
        while data := connection.socket.recv(1 << 20):
            received += len(data)
        connection.close()
        assert b"content-length: 50000068" in head
        assert received < 50_000_000


def test_open_downloads_per_client_are_limited(tmp_path: Path) -> None:
    with running_site(tmp_path, folder=tmp_path / "content", max_streams_per_client=2) as site:
        write(site.folder, "a.png", png(padding=50_000_000))
        article(site.folder, "a", "a.png")
        site.ingest()
        slow = [Pipelined(site) for _ in range(2)]
        for connection in slow:
            connection.send("/media/a.png")
            connection.socket.recv(1000)
        found = ask(site, "/media/a.png")
        assert (found.status, found.code) == (429, "TOO_MANY_STREAMS")
        for connection in slow:
            connection.close()


def test_requests_for_images_count_towards_the_rate_limit(tmp_path: Path) -> None:
    with running_site(tmp_path, folder=tmp_path / "content", http=HttpSettings(rate_limit=1)) as site:
        statuses = [ask(site, "/media/a.png").status for _ in range(5)]
        assert 429 in statuses


def test_each_response_is_counted_and_logged(images: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gqlnews")
    ask(images, "/media/img/both.png")
    ask(images, "/media/img/hidden.png")
    assert images.app_state.metrics.media[200] > 0
    metrics = ask(images, "/metrics").body.decode()
    assert 'gqlnews_media_total{status="404"}' in metrics
    events = [record.getMessage() for record in caplog.records]
    assert any(event.startswith("media path=img/both.png ") and " status=200 " in event for event in events)
    assert any(event.startswith("rejected ") and " status=404 " in event for event in events)


def test_server_processes_and_the_watcher_serve_the_same_folder(tmp_path: Path, server: Serve) -> None:
    folder = Folder(tmp_path / "content")
    article(folder, "a", "a.png")
    with server(folder.root, "--workers", "2", env={"GQLNEWS_WATCH": "1"}) as url:
        write(folder, "a.png", png())
        until(lambda: httpx2.get(f"{url}/media/a.png").status_code == 200, "the image is not served")
