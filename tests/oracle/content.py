"""Reads the articles of a content folder, with a cache outside the repository."""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from .fields import article
from .frontmatter import FileError, Tree, split_file
from .instants import of_nanoseconds
from .own_fields import Declared, read_declared, with_own_values
from .records import Article

SUFFIXES = (".md", ".markdown")
LARGEST = 1_048_576  # bytes
READERS = ("content", "fields", "frontmatter", "instants", "names", "own_fields", "records")
MANY = 500  # files from which the process pool and the cache pay off


def content_files(folder: Path) -> Iterator[Path]:
    """Yield the content files below the folder, without links that lead out of it."""
    inside = folder.resolve()
    for parent, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if name.startswith(".") or not name.endswith(SUFFIXES) or not path.is_file():
                continue
            if path.resolve().is_relative_to(inside):
                yield path


def slug_of(folder: Path, path: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def read_file(folder: Path, base_url: str | None, declared: Declared, path: Path) -> Article | None:
    """Return the file's article, or None if the file has an error."""
    try:
        content = path.read_bytes()
        if len(content) > LARGEST:
            return None
        keys, body = split_file(content)
        keys = with_native_date(keys)
        updated = of_nanoseconds(path.stat().st_mtime_ns)
        found = article(slug_of(folder, path), keys, body, base_url, updated)
        return with_own_values(found, keys, declared, base_url)
    except (FileError, OSError):
        return None


def with_native_date(keys: dict[str, Tree]) -> dict[str, Tree]:
    """Rename the `date` of a mapped file, which is otherwise written like a native one."""
    if "date" not in keys or "publishedDateTime" in keys:
        return keys
    return {("publishedDateTime" if key == "date" else key): value for key, value in keys.items()}


def read_folder(folder: Path, base_url: str | None = None) -> tuple[Article, ...]:
    """Return all articles, sorted by slug. Of files that share a slug, only the first by path counts."""
    first: dict[str, Path] = {}
    for path in sorted(content_files(folder), key=lambda path: path.relative_to(folder).as_posix()):
        first.setdefault(slug_of(folder, path), path)
    declared = read_declared(folder)
    base_url = base_url or declared.base_url
    if len(first) < MANY:
        found = [read_file(folder, base_url, declared, path) for path in first.values()]
    else:
        found = cached(folder, base_url, declared, list(first.values()))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.slug))


def cached(folder: Path, base_url: str | None, declared: Declared, paths: list[Path]) -> list[Article | None]:
    """Return the articles of many files, from the cache if neither the files nor the oracle changed."""
    cache = cache_folder() / f"{fingerprint(folder, (base_url, declared), paths)}.pickle"
    if cache.exists():
        with cache.open("rb") as file:
            stored: list[Article | None] = pickle.load(file)  # noqa: S301 - written below, in a folder of this user
        return stored
    with ProcessPoolExecutor(initializer=gc.disable) as pool:  # nothing here is cyclic garbage
        found = list(pool.map(partial(read_file, folder, base_url, declared), paths, chunksize=100))
    partly = cache.with_suffix(f".{os.getpid()}")
    partly.write_bytes(pickle.dumps(found, protocol=pickle.HIGHEST_PROTOCOL))
    partly.replace(cache)
    return found


def cache_folder() -> Path:
    """Return a folder that only this user can read and write."""
    folder = Path(tempfile.gettempdir(), f"gqlnews-oracle-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise PermissionError(f"{folder} is not this user's own: remove it")
    return folder


def fingerprint(folder: Path, configuration: object, paths: list[Path]) -> str:
    """Hash the files' sizes and times, the configuration, and the code that reads the files."""
    digest = hashlib.sha256(repr((str(folder.resolve()), configuration)).encode())
    for name in READERS:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    for path in paths:
        state = path.stat()
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()
