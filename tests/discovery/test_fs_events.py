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
def test_network_file_systems_do_not_support_inotify(tmp_path: Path, kind: str, tells: bool) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/srv", kind))
    assert supports_inotify(Path("/srv/content"), mounts) is tells


def test_the_nearest_and_latest_mount_counts(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "nfs"), ("/srv", "nfs"), ("/srv", "ext4"), ("/srv2", "nfs"))
    assert supports_inotify(Path("/srv/content"), mounts)


def test_mounts_below_the_folder_count(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/srv/content/shared", "nfs"))
    assert not supports_inotify(Path("/srv/content"), mounts)


def test_mount_points_with_spaces_are_decoded(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/", "ext4"), ("/srv\\040x", "nfs"))
    assert not supports_inotify(Path("/srv x/content"), mounts)


def test_without_a_mount_table_inotify_is_assumed(tmp_path: Path) -> None:
    assert supports_inotify(Path("/srv"), tmp_path / "missing")
