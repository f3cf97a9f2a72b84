"""Buildah, with a store of its own and without privileges beyond chroot(2)."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What the image's configuration says about its process."""

    environment: dict[str, str]
    entrypoint: tuple[str, ...]
    user: str
    folder: str
    volumes: tuple[str, ...]
    stop_signal: str
    health_command: tuple[str, ...] = field(default=())


class Buildah:
    """Run Buildah commands on the store in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._options = (
            "--storage-driver=vfs", f"--root={folder / 'store'}", f"--runroot={folder / 'run'}",
        )  # fmt: skip

    def has_image(self, name: str) -> bool:
        return bool(self._output("images", "--quiet", "--filter", f"reference={name}"))

    def commit_root(self, root: Path, name: str, path: str) -> None:
        """Make an image of a root file system, with `path` as its PATH."""
        container = self._output("from", "scratch")
        self._output("add", "--quiet", container, str(root), "/")
        self._output("config", "--env", f"PATH={path}", container)
        self._output("commit", "--quiet", "--format=docker", "--rm", container, name)

    def build(self, context: Path, name: str) -> None:
        """Build the Dockerfile in `context`, from local base images only; prints its output."""
        self._run(
            "bud", "--isolation=chroot", "--format=docker", "--pull-never", f"--tag={name}", str(context)
        )

    def config(self, name: str) -> ImageConfig:
        """Return the configuration of an image."""
        raw: dict[str, Any] = json.loads(self._output("inspect", "--type=image", name))["Docker"]["config"]
        return ImageConfig(
            dict(entry.split("=", 1) for entry in raw["Env"]),
            tuple(raw["Entrypoint"]),
            raw["User"],
            raw["WorkingDir"],
            tuple(raw.get("Volumes") or ()),
            raw["StopSignal"],
            tuple(raw["Healthcheck"]["Test"]),
        )

    def mount(self, name: str) -> tuple[str, Path]:
        """Create a container of an image; return its name and its root file system."""
        container = self._output("from", "--pull-never", name)
        return container, Path(self._output("mount", container))

    def remove(self, container: str) -> None:
        self._output("rm", container)

    def _run(self, *arguments: str) -> None:
        subprocess.run(["buildah", *self._options, *arguments], check=True)  # noqa: S603, S607

    def _output(self, *arguments: str) -> str:
        command = ["buildah", *self._options, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603
