"""However files are saved, the store ends up equal to a fresh ingest."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.ingest.folder import Folder, keys_of, text_of
from tests.ingest.watch_process import command, kill, running, until, wait_until_ingested, watching
from tests.server.support import SOON, Running

TEXT = text_of(keys_of("https://example.com/new", title="new"))


def fill(folder: Folder) -> None:
    for path in ("a.md", "b.md", "b.markdown", "sub/c.md", "sub/deep/d.md"):
        folder.article(path, f"https://example.com/{path}", title=path)


@pytest.fixture
def watcher(folder: Folder, database: Path) -> Iterator[Running]:
    fill(folder)
    with watching(folder, database) as run:
        yield run


def in_place(root: Path) -> None:
    (root / "a.md").write_text(TEXT)


def aside(root: Path) -> None:
    (root / ".a.md.tmp").write_text(TEXT)
    (root / ".a.md.tmp").rename(root / "a.md")


def with_a_backup(root: Path) -> None:
    (root / "a.md").rename(root / "a.md~")
    (root / "a.md").write_text(TEXT)
    (root / "a.md~").unlink()


def in_two_halves(root: Path) -> None:
    with (root / "a.md").open("w") as file:
        file.write(TEXT[:20])
        file.flush()
        os.fsync(file.fileno())
        file.write(TEXT[20:])


def byte_by_byte(root: Path) -> None:
    with (root / "a.md").open("w", buffering=1) as file:
        for sign in TEXT:
            file.write(sign)
            file.flush()


def a_new_folder_at_once(root: Path) -> None:
    for number in range(50):
        path = root / "new" / str(number % 7) / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT.replace("example.com/new", f"example.com/{number}"))


def moved_in(root: Path) -> None:
    a_new_folder_at_once(root.parent / "elsewhere")
    (root.parent / "elsewhere" / "new").rename(root / "in")


def replaced_by_a_folder(root: Path) -> None:
    (root / "a.md").unlink()
    (root / "a.md").mkdir()
    (root / "a.md" / "x.md").write_text(TEXT)


SAVES: list[Callable[[Path], object]] = [
    in_place,
    aside,
    with_a_backup,
    in_two_halves,
    byte_by_byte,
    a_new_folder_at_once,
    moved_in,
    replaced_by_a_folder,
]
CHANGES: dict[str, Callable[[Path], object]] = {
    "touched": lambda root: os.utime(root / "a.md"),
    "dated 2300": lambda root: os.utime(root / "a.md", ns=(10_413_792 * 10**12, 10_413_792 * 10**12)),
    "dated before 1970": lambda root: os.utime(root / "a.md", ns=(-(10**18), -(10**18))),
    "mode changed": lambda root: (root / "a.md").chmod(0o600),
    "removed": lambda root: (root / "b.markdown").unlink(),
    "renamed": lambda root: (root / "a.md").rename(root / "z.md"),
    "folder renamed": lambda root: (root / "sub").rename(root / "other"),
    "folder moved into another": lambda root: (root / "sub" / "deep").rename(root / "deep"),
    "folder removed": lambda root: shutil.rmtree(root / "sub"),
    "folder moved out": lambda root: (root / "sub").rename(root.parent / "out"),
    "folder hidden": lambda root: (root / "sub").rename(root / ".sub"),
    "link made": lambda root: (root / "l.md").symlink_to("a.md"),
}


@pytest.mark.parametrize("save", SAVES, ids=lambda save: save.__name__)
def test_every_way_of_saving_a_file_is_ingested(
    watcher: Running, folder: Folder, database: Path, save: Callable[[Path], object]
) -> None:
    save(folder.root)
    wait_until_ingested(folder, database)


@pytest.mark.parametrize("change", CHANGES)
def test_every_other_file_operation_is_ingested(
    watcher: Running, folder: Folder, database: Path, change: str
) -> None:
    CHANGES[change](folder.root)
    wait_until_ingested(folder, database)


def test_consecutive_edits_are_ingested(watcher: Running, folder: Folder, database: Path) -> None:
    for number in range(10):
        folder.article("sub/deep/d.md", "https://example.com/d", title=f"title {number}")
        watcher.wait_for("ingested added=0 changed=1 removed=0")
    wait_until_ingested(folder, database)


def test_a_branch_switch_is_ingested(folder: Folder, database: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")

    def run(*arguments: str) -> None:
        who = ("-c", "user.name=T", "-c", "user.email=t@example.com")
        subprocess.run([git, *who, *arguments], cwd=folder.root, check=True, capture_output=True)  # noqa: S603

    for number in range(400):
        folder.article(f"{number % 9}/{number}.md", f"https://example.com/{number}")
    run("init", "-q", "-b", "main")
    run("add", ".")
    run("commit", "-qm", "one")
    run("checkout", "-qb", "other")
    for number in range(0, 400, 2):
        folder.article(f"{number % 9}/{number}.md", f"https://example.com/{number}", title="other")
    for number in range(1, 400, 5):
        folder.remove(f"{number % 9}/{number}.md")
    for number in range(60):
        folder.article(f"new/{number}.md", f"https://example.com/new/{number}")
    run("add", ".")
    run("commit", "-qm", "other")
    with watching(folder, database):
        for branch in ("main", "other"):
            run("checkout", "-q", branch)
            wait_until_ingested(folder, database)


def test_a_storm_of_changes_is_ingested(folder: Folder, database: Path) -> None:
    """Folders are created, removed and renamed faster than watches can be added."""
    fill(folder)
    dice = random.Random(1)  # noqa: S311 - the same storm in every run
    with watching(folder, database):
        for turn in range(4):
            for number in range(60):
                with suppress(OSError):  # the source is gone, or the target is inside it
                    rage(folder, dice, f"{turn}-{number}")
            wait_until_ingested(folder, database)


def rage(folder: Folder, dice: random.Random, name: str) -> None:
    """Do something at random; the order in which a file system lists its files does not matter."""
    folders = sorted(path for path in folder.root.rglob("*") if path.is_dir())
    files = sorted(folder.root.rglob("*.md"))
    match dice.randrange(6):
        case 0 | 1:
            deep = f"n{dice.randrange(9)}/m{dice.randrange(3)}/{name}.md"
            path = str(dice.choice(folders).relative_to(folder.root) / deep)
            folder.article(path, f"https://example.com/{name}")
        case 2:
            dice.choice(folders).rename(dice.choice(folders) / f"r{name}")
        case 3:
            shutil.rmtree(dice.choice(folders[-3:]))
        case 4:
            dice.choice(files).rename(dice.choice(folders) / f"x{name}.md")
        case _:
            dice.choice(files).unlink()


def test_an_updated_config_map_is_ingested_at_once(folder: Folder, database: Path) -> None:
    """Kubernetes mounts a ConfigMap as links over an intermediate one, which it switches."""
    for version, title in (("..1", "one"), ("..2", "two")):
        folder.article(f"{version}/a.md", title=title)
    (folder.root / "..data").symlink_to("..1")
    (folder.root / "a.md").symlink_to("..data/a.md")
    with watching(folder, database) as run:
        start = time.monotonic()
        (folder.root / "..data_tmp").symlink_to("..2")
        (folder.root / "..data_tmp").rename(folder.root / "..data")
        run.wait_for("ingested added=0 changed=1")
        assert time.monotonic() - start < SOON
        shutil.rmtree(folder.root / "..1")
        wait_until_ingested(folder, database)


def test_changes_made_while_not_running_are_ingested(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database):
        pass
    folder.remove("a.md")
    with watching(folder, database):
        pass


def test_without_events_it_polls(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database, "--force-polling"):
        folder.remove("a.md")
        wait_until_ingested(folder, database)


def test_it_exits_at_the_end_of_its_input(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database) as run:
        start = time.monotonic()
        assert run.process.stdin is not None
        run.process.stdin.close()
        assert run.process.wait(10) == 0
        assert time.monotonic() - start < SOON


def test_it_exits_at_the_end_of_its_input_during_an_ingest(folder: Folder, database: Path) -> None:
    for number in range(1500):
        folder.article(f"{number}.md", f"https://example.com/{number}")
    with running(command(folder, database), database.parent) as run:
        run.wait_for("watching")
        start = time.monotonic()
        assert run.process.stdin is not None
        run.process.stdin.close()
        assert run.process.wait(10) == 0
        assert time.monotonic() - start < SOON
    with watching(folder, database):
        pass


def test_a_signal_stops_it_with_a_log_line(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database, "--log-format", "json") as run:
        run.wait_for('"ingested"')
        assert run.stop(signal.SIGTERM) < SOON
        assert run.process.returncode == 0
        lines = [json.loads(line) for line in run.remaining_output().splitlines()]
    assert [line["message"].partition(";")[0] for line in lines] == [
        "watching",
        "ingested",
        "stopped by SIGTERM",
    ]


def test_ctrl_c_is_left_to_the_parent_server(watcher: Running, folder: Folder, database: Path) -> None:
    watcher.process.send_signal(signal.SIGINT)
    folder.remove("a.md")
    wait_until_ingested(folder, database)
    assert watcher.process.poll() is None


def test_a_standby_loads_no_parsers_and_takes_over(folder: Folder, database: Path) -> None:
    fill(folder)
    with (
        watching(folder, database) as first,
        running(command(folder, database), database.parent) as second,
    ):
        until(lambda: "-watcher" in blocked_on(second.process.pid), "it does not wait for the lock")
        maps = Path(f"/proc/{second.process.pid}/maps").read_text()
        assert "yaml_rs" not in maps
        assert "nh3" not in maps
        start = time.monotonic()
        kill(first)
        second.wait_for("watching")
        assert time.monotonic() - start < SOON
        folder.remove("a.md")
        wait_until_ingested(folder, database)


def test_a_standby_stops_immediately(folder: Folder, database: Path) -> None:
    fill(folder)
    with watching(folder, database), running(command(folder, database), database.parent) as second:
        until(lambda: "-watcher" in blocked_on(second.process.pid), "it does not wait for the lock")
        assert second.stop(signal.SIGTERM) < SOON
        assert second.process.returncode == 0


def blocked_on(pid: int) -> str:
    """Return the paths of the files that a process has open."""
    try:
        return " ".join(os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return ""
