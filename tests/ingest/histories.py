"""Random histories of a content folder that is so small that slugs, URLs and domains often collide."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.ingest.folder import BROKEN, Folder, text_of


@dataclass(frozen=True)
class Edit:
    """A change to the folder, and the paths that it may touch: files, or folders that appear or disappear."""

    do: Callable[[Folder], None]
    paths: tuple[str, ...]


PATHS = ["a.md", "a.markdown", "b.md", "sub/c.md", "sub/d.markdown", "sub/d.md", "sub/deep/e.md"]
FOLDERS = ["sub", "sub/deep", "other"]
URLS = [f"https://example.com/{number}" for number in range(4)]
AUTHORS = ["Ann", "ann", "Bob", {"name": "A. B.", "slug": "ann", "url": "/ann"}, {"name": "Ann", "bio": "B."}]
IMAGES = [{"url": "https://example.com/logo.png"}]

LINKS = ["[b](b.md#part) [d](sub/d.md)\n", '[c](c.md) [a](../a.markdown) {{< ref "/b" >}}\n']

urls = st.sampled_from(URLS)
providers = st.fixed_dictionaries(
    {"domain": st.sampled_from(["p.example", "q.example"]), "name": st.sampled_from(["P", "Q", "R"])},
    optional={"images": st.just(IMAGES)},
)
dates = st.sampled_from(["2024-01-01", "2024-01-02", "2024-01-02T00:00:00.0Z", "2023-12-31T23:30:00-00:30"])
related = st.lists(
    st.fixed_dictionaries(
        {"title": st.sampled_from(["R", "two café"]), "webUrl": urls}, optional={"provider": providers}
    ),
    max_size=3,
)
articles: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"title": st.sampled_from(["one", "two"]), "publishedDateTime": dates, "webUrl": urls},
    optional={
        "excerpt": st.sampled_from(["", "Café twice, café", "word \x02 by \x03 word"]),
        "originalUrl": urls,
        "ampWebUrl": urls,
        "published": st.booleans(),
        "provider": providers,
        "topics": st.lists(st.sampled_from(["AI", "ai", "A.I.", "Art"]), max_size=3),
        "authors": st.lists(st.sampled_from(AUTHORS), max_size=3),
        "translationKey": st.sampled_from(["t", "u"]),
        "language": st.sampled_from(["en", "de"]),
        "related": related,
        "quality": st.sampled_from([36, "36", "many", 40]),
        "heat": st.sampled_from([0, 1, 2]),
    },
)
texts = st.builds(
    "{}{}".format,
    articles.map(text_of),
    st.sampled_from(["", "One word\n", "café\n\n{{< x >}} two\n", *LINKS]),
)
paths = st.sampled_from(PATHS)


folders = st.sampled_from(FOLDERS)


def write(path: str, text: str) -> Edit:
    return Edit(lambda folder: folder.write(path, text), (path,))


def remove(path: str) -> Edit:
    return Edit(lambda folder: (folder.root / path).unlink(missing_ok=True), (path,))


def touch(path: str) -> Edit:
    def edit(folder: Folder) -> None:
        if (folder.root / path).exists():
            folder.touch(path)

    return Edit(edit, (path,))


def rename(path: str, to: str) -> Edit:
    def edit(folder: Folder) -> None:
        if (folder.root / path).exists():
            (folder.root / to).parent.mkdir(parents=True, exist_ok=True)
            (folder.root / path).rename(folder.root / to)

    return Edit(edit, (path, to))


def remove_folder(path: str) -> Edit:
    return Edit(lambda folder: shutil.rmtree(folder.root / path, ignore_errors=True), (path,))


def rename_folder(path: str, to: str) -> Edit:
    def edit(folder: Folder) -> None:
        if (folder.root / path).exists() and not f"{to}/".startswith(f"{path}/"):
            shutil.rmtree(folder.root / to, ignore_errors=True)
            if (folder.root / path).exists():  # it was not inside the other
                (folder.root / to).parent.mkdir(parents=True, exist_ok=True)
                (folder.root / path).rename(folder.root / to)

    return Edit(edit, (path, to))


edits: st.SearchStrategy[Edit] = st.one_of(
    st.builds(write, paths, texts),
    st.builds(write, paths, texts),
    st.builds(write, paths, st.just(BROKEN)),
    st.builds(remove, paths),
    st.builds(touch, paths),
    st.builds(rename, paths, paths),
    st.builds(rename_folder, folders, folders),
    st.builds(remove_folder, folders),
)
histories = st.lists(st.lists(edits, min_size=1, max_size=4), min_size=1, max_size=6)
"""The edits before each ingest."""
