"""`changes`: its versions, and which audiences may use them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gqlnews.query.fields import Audience
from tests.ingest.folder import Folder
from tests.product import Product, take_in

VERSIONS = "{ site { version } changes { version nodes { kind slug version } } }"
SINCE = "query ($since: String) { changes(since: $since) { nodes { slug } } }"


class Served:
    """A folder, its store, and queries over it."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.folder, self.database = Folder(root / "content"), root / "store.db"

    def put(self, name: str, **keys: Any) -> None:
        self.folder.article(f"{name}.md", f"https://example.com/{name}", **keys)

    def take_in(self) -> None:
        take_in(self.folder.root, self.database)

    def versions(self) -> Any:
        """Return the public response, without the epoch of the store."""
        with Product(self.database) as product:
            return without_line(product.data(VERSIONS))


def without_line(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: value[12:] if key == "version" else without_line(value) for key, value in answer.items()}
    return [without_line(one) for one in answer] if isinstance(answer, list) else answer


def test_versions_do_not_tell_the_public_what_is_hidden(tmp_path: Path) -> None:
    plain, mixed = Served(tmp_path / "plain"), Served(tmp_path / "mixed")
    for title in ("first", "second"):
        for place in (plain, mixed):
            place.put("b", title=title)
            place.put(f"d-{title}")
        for name in "ace":
            mixed.put(name, published=False, title=title)
        for place in (plain, mixed):
            place.take_in()
        mixed.folder.remove("c.md")
        mixed.take_in()
    versions = mixed.versions()
    assert versions == plain.versions()
    assert [(one["slug"], one["version"]) for one in versions["changes"]["nodes"]] == [
        ("d-first", "0-2"),
        ("b", "0-3"),
        ("d-second", "0-4"),
    ]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    place = Served(tmp_path / "place")
    place.put("a")
    place.take_in()
    with Product(place.database) as product:
        yield product


def code_of(product: Product, given_to: Audience, asked_by: Audience) -> str | None:
    """Return the error code when `asked_by` sends a version that was issued to `given_to`."""
    since = product.data("{ site { version } }", audience=given_to)["site"]["version"]
    answer = product.ask(SINCE, {"since": since}, audience=asked_by)
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


OTHERS = [
    (Audience.PUBLIC, Audience.EDITOR, "VERSION_TOO_OLD"),
    (Audience.EDITOR, Audience.PUBLIC, "VERSION_TOO_OLD"),
    (Audience.PUBLIC, Audience.OPEN, "VERSION_TOO_OLD"),
    (Audience.OPEN, Audience.EDITOR, None),  # both see every article
    (Audience.PUBLIC, Audience.PUBLIC, None),
]


@pytest.mark.parametrize(("given_to", "asked_by", "code"), OTHERS)
def test_a_version_is_for_who_sees_the_same_articles(
    product: Product, given_to: Audience, asked_by: Audience, code: str | None
) -> None:
    assert code_of(product, given_to, asked_by) == code
