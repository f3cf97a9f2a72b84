"""The content folder of a test: write and remove articles."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from gqlnews.errors import ReadOnlyFolderError

ARTICLE_SUFFIXES = (".md", ".markdown", ".mdx")
DEFAULT_DATE = "2024-01-01T12:00:00Z"
DEFAULT_SITE = "https://news.example"

FilePath = str | os.PathLike[str]


class ArticleFolder:
    """A content folder. If it is not `writable`, other tests share it, so writing raises an error."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path, self._is_writable = path, writable
        self.written: set[str] = set()

    def write(self, path: FilePath, body: str, front_matter: Mapping[str, Any]) -> Path:
        """Write an article; see `NewsClient.write`."""
        relative = self._check(path)
        if relative.suffix not in ARTICLE_SUFFIXES:
            raise ValueError(
                f"'{relative}' is not the name of an article, which ends in {', '.join(ARTICLE_SUFFIXES)}: "
                "rename it, or write another file with write_text"
            )
        keys = {
            name: value for name, value in with_defaults(relative, front_matter).items() if value is not None
        }
        return self.write_text(relative, f"---\n{to_yaml(keys, relative)}---\n{body}\n")

    def write_text(self, path: FilePath, text: str) -> Path:
        """Write a file at once, so that no reader sees a part of it."""
        relative = self._check(path)
        target = self.path / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".", dir=target.parent)  # a hidden file is no article
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            _make_newer(temporary, target)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
        self.written.add(str(relative))
        return target

    def remove(self, path: FilePath) -> None:
        """Remove a file, or a folder with everything in it."""
        relative = self._check(path)
        target = self.path / relative
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()
        self.written.discard(str(relative))

    def _check(self, path: FilePath) -> PurePosixPath:
        if not self._is_writable:
            raise ReadOnlyFolderError(
                f"tests cannot write into {self.path}, because they share it: use the fixture gqlnews_files, "
                "which has a folder for each test, or gqlnews_factory.serve(folder, copy=True)"
            )
        relative = PurePosixPath(os.fspath(path))
        if relative.is_absolute() or ".." in relative.parts or not relative.parts:
            raise ValueError(
                f"'{relative}' is not a path below the content folder: pass one such as 'world/a.md'"
            )
        return relative


def with_defaults(path: PurePosixPath, front_matter: Mapping[str, Any]) -> dict[str, Any]:
    """Add what a valid article needs.

    With a key `date`, the file has the keys of a site generator, so it gets a title only.
    """
    slug = path.with_suffix("").as_posix().removesuffix("/index")
    defaults: dict[str, Any] = {"title": slug.rpartition("/")[2].replace("-", " ").capitalize()}
    if "date" not in front_matter:
        defaults["publishedDateTime"] = DEFAULT_DATE
        if not {"originalUrl", "sourceUrl"} & front_matter.keys():
            defaults["webUrl"] = f"{DEFAULT_SITE}/{slug}"
    return {**defaults, **front_matter}


def to_yaml(keys: Mapping[str, Any], path: PurePosixPath) -> str:
    """Format front matter. Raises TypeError for a value that has no form in YAML."""
    try:
        return yaml.safe_dump(_plain(keys), allow_unicode=True, sort_keys=False, width=4096)
    except yaml.representer.RepresenterError as error:
        raise TypeError(
            f"the front matter of '{path}' cannot be written, because {error.args[1]!r} is no value of YAML: "
            "use texts, numbers, booleans, dates, lists and mappings"
        ) from error


def _plain(value: Any) -> Any:
    """Convert dates to ISO 8601, and tuples to lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _make_newer(temporary: str, target: Path) -> None:
    """Make the times of a file differ from those of the file that it replaces.

    Two writes within some milliseconds may get the same times, and ingests compare these.
    """
    with suppress(FileNotFoundError):
        before, now = target.stat().st_mtime_ns, os.stat(temporary).st_mtime_ns
        if now <= before:
            os.utime(temporary, ns=(before + 1, before + 1))
