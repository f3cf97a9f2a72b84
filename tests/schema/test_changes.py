"""`changes`: its versions, and which audiences may use them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gqlnews.query.entities import Audience
from tests.ingest.folder import Folder
from tests.product import Product, run_ingest

VERSIONS = "{ site { version } changes { version nodes { kind slug version } } }"
SINCE = "query ($since: String) { changes(since: $since) { nodes { slug } } }"


class Content:
    """A folder, its store, and queries over it."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.folder, self.database = Folder(root / "content"), root / "store.db"

    def put(self, name: str, **keys: Any) -> None:
        self.folder.article(f"{name}.md", f"https://example.com/{name}", **keys)

    def ingest(self) -> None:
        run_ingest(self.folder.root, self.database)

    def versions(self) -> Any:
        """Return the public response, without the epoch of the store."""
        with Product(self.database) as product:
            return without_epoch(product.data(VERSIONS))


def without_epoch(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {
            key: value[12:] if key == "version" else without_epoch(value) for key, value in answer.items()
        }
    return [without_epoch(one) for one in answer] if isinstance(answer, list) else answer


def test_versions_do_not_reveal_hidden_changes_to_the_public(tmp_path: Path) -> None:
    plain, mixed = Content(tmp_path / "plain"), Content(tmp_path / "mixed")
    for title in ("first", "second"):
        for content in (plain, mixed):
            content.put("b", title=title)
            content.put(f"d-{title}")
        for name in "ace":
            mixed.put(name, published=False, title=title)
        for content in (plain, mixed):
            content.ingest()
        mixed.folder.remove("c.md")
        mixed.ingest()
    versions = mixed.versions()
    assert versions == plain.versions()
    assert [(one["slug"], one["version"]) for one in versions["changes"]["nodes"]] == [
        ("d-first", "0-2"),
        ("b", "0-3"),
        ("d-second", "0-4"),
    ]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    content = Content(tmp_path / "content")
    content.put("a")
    content.ingest()
    with Product(content.database) as product:
        yield product


def code_of(product: Product, issued_to: Audience, used_by: Audience) -> str | None:
    """Return the error code when `used_by` sends a version that was issued to `issued_to`."""
    since = product.data("{ site { version } }", audience=issued_to)["site"]["version"]
    answer = product.ask(SINCE, {"since": since}, audience=used_by)
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


OTHERS = [
    (Audience.PUBLIC, Audience.EDITOR, "VERSION_TOO_OLD"),
    (Audience.EDITOR, Audience.PUBLIC, "VERSION_TOO_OLD"),
    (Audience.PUBLIC, Audience.OPEN, "VERSION_TOO_OLD"),
    (Audience.OPEN, Audience.EDITOR, None),  # both see every article
    (Audience.PUBLIC, Audience.PUBLIC, None),
]


@pytest.mark.parametrize(("issued_to", "used_by", "code"), OTHERS)
def test_a_version_is_valid_for_audiences_that_see_the_same_articles(
    product: Product, issued_to: Audience, used_by: Audience, code: str | None
) -> None:
    assert code_of(product, issued_to, used_by) == code
