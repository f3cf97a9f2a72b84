"""Whether a file system reports changes, by the table of mounts."""

from pathlib import Path

import pytest

from gqlnews.discovery.fs_events import supports_inotify

LINE = "36 35 98:0 / {point} rw,noatime master:1 - {kind} source rw\n"


def table(tmp_path: Path, *mounts: tuple[str, str]) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text("".join(LINE.format(point=point, kind=kind) for point, kind in mounts))
    return file


@pytest.mark.parametrize(
    ("kind", "tells"),
    [
        ("ext4", True),
        ("overlay", True),
        ("tmpfs", True),
        ("btrfs", True),
        ("nfs", False),
        ("nfs4", False),
        ("cifs", False),
        ("smb3", False),
        ("9p", False),
        ("fuse.sshfs", False),
        ("virtiofs", False),
        ("vboxsf", False),
    ],
)
def test_what_other_machines_write_to_does_not_tell(tmp_path: Path, kind: str, tells: bool) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/srv", kind))
    assert supports_inotify(Path("/srv/content"), mounts) is tells


def test_the_nearest_mount_counts_and_of_two_the_later(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "nfs"), ("/srv", "nfs"), ("/srv", "ext4"), ("/srv2", "nfs"))
    assert supports_inotify(Path("/srv/content"), mounts)


def test_what_is_mounted_below_counts_too(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/srv/content/shared", "nfs"))
    assert not supports_inotify(Path("/srv/content"), mounts)


def test_names_with_blanks_are_read(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/srv\\040x", "nfs"))
    assert not supports_inotify(Path("/srv x/content"), mounts)


def test_where_there_is_no_table_the_system_is_taken_to_tell(tmp_path: Path) -> None:
    assert supports_inotify(Path("/srv"), tmp_path / "missing")
