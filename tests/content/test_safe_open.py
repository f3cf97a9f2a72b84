"""Path containment in a content folder, on a real file system, even while names are exchanged for links."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from gqlnews.content import openat2
from gqlnews.content.models import ParseOptions, SourceFile
from gqlnews.content.safe_open import (
    OpenFolder,
    PathEscapesError,
    open_beneath,
    open_by_component,
    open_within,
)
from gqlnews.discovery.fs_events import WatchTree
from gqlnews.discovery.scan import scan_folder, scan_paths
from tests.content.bad_files import fenced
from tests.content.exchange import ROOT, exchanging
from tests.content.parsing import parse_all

OPENERS = [pytest.param(open_beneath, id="default"), pytest.param(open_by_component, id="by-component")]
OPTIONS = ParseOptions()
OF_THE_HOST = "a file of the host"
ATTEMPTS, INSIDE_READS, DEADLINE = 3_000, 200, 60.0


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A folder with files at several depths, beside files that must not be read."""
    content = tmp_path / "content"
    for path in ("a.md", "deep/er/b.md", ".hidden/h.md"):
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_text(f"text of {path}")
    for path in ("secret.md", "outside/er/b.md", "content-too/a.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(OF_THE_HOST)
    os.mkfifo(content / "pipe")
    return content


@pytest.fixture(params=OPENERS)
def opened(request: pytest.FixtureRequest, content: Path) -> Iterator[OpenFolder]:
    with OpenFolder(content, os.open(content, os.O_RDONLY), request.param) as folder:
        before = descriptors_below(content.parent)
        yield folder
        assert descriptors_below(content.parent) == before


def descriptors_below(folder: Path) -> list[str]:
    """Return this process's descriptors at or below `folder`; other threads may open others."""
    found: list[str] = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            if os.readlink(descriptor).startswith(str(folder)):
                found.append(descriptor.name)
    return sorted(found)


def text_of(folder: OpenFolder | Path, path: str) -> str:
    with open(open_within(folder, path), "rb", buffering=0) as file:
        return file.read().decode()


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("a.md", "a.md"),
        ("./deep//er/b.md", "deep/er/b.md"),
        ("deep/../a.md", "a.md"),
        ("../content/a.md", "a.md"),
        ("{content}/deep/er/b.md", "deep/er/b.md"),
        ("linked/er/b.md", "deep/er/b.md"),
        ("linked/../a.md", "a.md"),
        ("chain", "deep/er/b.md"),
        (".hidden/h.md", ".hidden/h.md"),
        ("/proc/self/root{content}/a.md", "a.md"),
    ],
)
def test_a_link_to_a_file_inside_is_followed(opened: OpenFolder, target: str, leads_to: str) -> None:
    (opened.path / "linked").symlink_to("deep")
    (opened.path / "chain").symlink_to("linked/er/b.md")
    (opened.path / "deep" / "link.md").symlink_to("../link.md")
    (opened.path / "link.md").symlink_to(target.format(content=opened.path))
    for path in ("link.md", "deep/link.md", "linked/link.md"):
        assert text_of(opened, path) == f"text of {leads_to}"
        assert opened.stat_target(path).st_ino == (opened.path / leads_to).stat().st_ino


@pytest.mark.parametrize(
    "target",
    [
        "../secret.md",
        "{content}/../secret.md",
        "{content}-too/a.md",
        "deep/../../secret.md",
        "out/er/b.md",
        "out/../secret.md",
        "chain",
        "..",
        "/",
        "/etc/passwd",
        "/dev/null",
        "/dev/fd/{descriptor}",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "/proc/self/cwd/.",
        "/proc/thread-self/exe",
    ],
)
def test_a_link_out_of_the_folder_is_rejected(opened: OpenFolder, target: str) -> None:
    (opened.path / "out").symlink_to("../outside")
    (opened.path / "chain").symlink_to("out/er/b.md")
    with (opened.path.parent / "secret.md").open() as outside:
        target = target.format(content=opened.path, descriptor=outside.fileno())
        (opened.path / "link.md").symlink_to(target)
        with pytest.raises(PathEscapesError):
            opened.open_file("link.md")
        with pytest.raises(PathEscapesError):
            opened.stat_target("link.md")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("../secret.md", PathEscapesError),
        ("deep/../../secret.md", PathEscapesError),
        ("{content}/../secret.md", PathEscapesError),
        ("..", PathEscapesError),
        ("out/er/b.md", PathEscapesError),
        ("missing.md", FileNotFoundError),
        ("deep/missing.md", FileNotFoundError),
        ("a.md/b.md", NotADirectoryError),
        ("nowhere.md", FileNotFoundError),
        ("circle.md", OSError),
        ("deep/" + "x" * 300, OSError),
    ],
)
def test_a_path_that_escapes_or_does_not_exist_is_an_error(
    opened: OpenFolder, path: str, error: type[OSError]
) -> None:
    (opened.path / "out").symlink_to("../outside")
    (opened.path / "nowhere.md").symlink_to("deep/gone.md")
    (opened.path / "circle.md").symlink_to("circle.md")
    with pytest.raises(error):
        opened.open_file(path.format(content=opened.path))


def test_a_null_byte_does_not_truncate_a_path(opened: OpenFolder) -> None:
    with pytest.raises(ValueError, match="null"):
        opened.open_file("deep/er/b.md\0x")


def test_a_link_to_the_folder_itself_is_stat_as_a_folder(opened: OpenFolder) -> None:
    (opened.path / "self.md").symlink_to(".")
    assert opened.stat_target("self.md").st_ino == opened.path.stat().st_ino
    assert [found for found in scan_folder(opened) if found.path == "self.md"] == []


def test_a_folder_path_may_be_a_link(content: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("content")
    (content / "link.md").symlink_to(content / "deep" / "er" / "b.md")
    assert text_of(tmp_path / "current", "link.md") == "text of deep/er/b.md"


def test_a_linked_folder_is_not_entered_or_listed(opened: OpenFolder) -> None:
    (opened.path / "linked").symlink_to("../outside")
    (opened.path / "deep" / "linked").symlink_to("../../outside")
    for path in ("linked", "linked/er", "deep/linked", "deep/linked/er"):
        with pytest.raises(NotADirectoryError):
            opened.open_folder(path)
        with pytest.raises(NotADirectoryError):
            opened.lstat(f"{path}/b.md")
    assert sorted(found.path for found in scan_folder(opened)) == ["a.md", "deep/er/b.md"]
    assert list(scan_paths(opened, ["linked/er/b.md", "deep/linked/er/b.md", "deep/linked"])) == []
    tree = WatchTree(opened.path)
    for path in ("", "linked", "linked/er"):
        tree.add(path)
    assert tree.folders == {"", "deep", "deep/er"}


def test_an_open_folder_stays_the_same_if_its_path_becomes_a_link(opened: OpenFolder) -> None:
    opened.path.rename(opened.path.with_name("moved"))
    opened.path.symlink_to("content-too")
    assert text_of(opened, "a.md") == "text of a.md"
    assert text_of(opened, "deep/er/b.md") == "text of deep/er/b.md"


def test_a_descriptor_is_not_inheritable_and_does_not_block(opened: OpenFolder) -> None:
    (opened.path / "deep" / "pipe.md").symlink_to("../pipe")
    for path in ("deep/er/b.md", "deep/pipe.md"):
        descriptor = opened.open_file(path)
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


@pytest.mark.skipif(not openat2.is_available(), reason="the kernel has no openat2")
@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM, errno.EAGAIN])
def test_without_openat2_the_results_are_the_same(content: Path, error: int) -> None:
    (content / "link.md").symlink_to("deep/er/b.md")
    (content / "out.md").symlink_to("../secret.md")
    command = [
        sys.executable,
        "-m",
        "tests.content.without_openat2",
        str(content),
        "deep/er/b.md",
        str(error),
    ]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert output.splitlines() == [str(error), "a.md deep/er/b.md link.md out.md", "text of deep/er/b.md"]


def under_attack(read: Callable[[], str], inside: str) -> None:
    """Read until there were enough attempts and successes. Every read must return `inside`."""
    attempts = reads = 0
    deadline = time.monotonic() + DEADLINE
    while attempts < ATTEMPTS or reads < INSIDE_READS:
        assert time.monotonic() < deadline, f"{reads} of {attempts} attempts read the file inside"
        attempts += 1
        try:
            found = read()
        except OSError:
            continue
        assert found == inside
        reads += 1


@pytest.mark.parametrize(
    ("exchanged", "target", "path", "link"),
    [
        ("a.md", "../secret.md", "a.md", None),
        ("deep", "../outside", "deep/er/b.md", None),
        ("deep/er", "../../outside/er", "deep/er/b.md", None),
        ("deep/er/b.md", "../../../outside/er/b.md", "deep/er/b.md", None),
        ("a.md", "../secret.md", "link.md", "a.md"),
        ("deep", "../outside", "link.md", "deep/er/b.md"),
        ("deep/er", "../../outside/er", "link.md", "{content}/deep/er/b.md"),
        ("deep", "../outside", "link.md", "linked/er/b.md"),
    ],
)
def test_a_race_with_a_link_opens_no_file_outside(
    opened: OpenFolder, exchanged: str, target: str, path: str, link: str | None
) -> None:
    (opened.path / "linked").symlink_to("deep")
    (opened.path / exchanged).with_name("other").symlink_to(target)
    if link:
        (opened.path / path).symlink_to(link.format(content=opened.path))
    inside = text_of(opened, path)
    with exchanging(opened.path / exchanged, (opened.path / exchanged).with_name("other")):
        under_attack(partial(text_of, opened, path), inside)


def test_a_race_on_the_folder_itself_opens_no_file_outside(opened: OpenFolder, tmp_path: Path) -> None:
    for folder in (opened.path, tmp_path / "host"):
        (folder / "deep" / "er").mkdir(parents=True, exist_ok=True)
        (folder / "link.md").symlink_to("deep/er/b.md")
    (tmp_path / "host" / "deep" / "er" / "b.md").write_text(OF_THE_HOST)
    (tmp_path / "other").symlink_to("host")
    with exchanging(opened.path, tmp_path / "other"):
        for path in ("deep/er/b.md", "link.md"):
            under_attack(partial(text_of, opened, path), "text of deep/er/b.md")


def test_a_race_with_a_link_stats_no_file_outside(opened: OpenFolder) -> None:
    (opened.path / "link.md").symlink_to("deep/er/b.md")
    (opened.path / "other").symlink_to("../outside")

    def size() -> str:
        return str(opened.stat_target("link.md").st_size)

    inside = size()
    with exchanging(opened.path / "deep", opened.path / "other"):
        under_attack(size, inside)


def test_a_race_with_a_link_lists_no_folder_outside(opened: OpenFolder) -> None:
    (opened.path / "other").symlink_to("../outside")
    (opened.path.parent / "outside" / "er" / "private.md").touch()
    deadline, whole = time.monotonic() + DEADLINE, 0
    with exchanging(opened.path / "deep", opened.path / "other"):
        for number in range(ATTEMPTS):
            found = scan_folder(opened) if number % 2 else scan_paths(opened, ["a.md", "deep"])
            paths = {each.path for each in found}
            assert paths <= {"a.md", "deep/er/b.md", "other/er/b.md"}
            whole += len(paths) > 1
            assert time.monotonic() < deadline
    assert whole > 0


def test_a_race_with_a_link_publishes_no_file_outside(tmp_path: Path) -> None:
    front = "title: {}\npublishedDateTime: 2021-04-15\nwebUrl: https://x.org/{}\n"
    for folder in ("content/deep", "outside"):
        (tmp_path / folder).mkdir(parents=True)
        title = folder.rpartition("/")[2]
        for number in range(50):
            (tmp_path / folder / f"{number}.md").write_bytes(fenced(front.format(title, number)))
        (tmp_path / folder / f"{title}.md").write_bytes(fenced(front.format(title, title)))
    content = tmp_path / "content"
    (content / "other").symlink_to("../outside")
    read = 0
    deadline = time.monotonic() + DEADLINE
    with exchanging(content / "deep", content / "other"):
        while read < ATTEMPTS:
            assert time.monotonic() < deadline
            files = (found for found in scan_folder(content) if isinstance(found, SourceFile))
            for outcome in parse_all(content, files, OPTIONS, processes=1):
                assert "outside" not in outcome.source.path
                if outcome.article is not None:
                    assert outcome.article.title == "deep"
                    read += 1


def test_the_opened_file_is_the_listed_one(opened: OpenFolder) -> None:
    (opened.path / "link.md").symlink_to("a.md")
    found = {each.path: each for each in scan_folder(opened)}
    link, file = found["link.md"], found["a.md"]
    assert isinstance(link, SourceFile)
    assert isinstance(file, SourceFile)
    assert (link.size, link.mtime_ns, link.ctime_ns) == (file.size, file.mtime_ns, file.ctime_ns)
