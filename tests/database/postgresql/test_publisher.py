"""PostgreSQL has the rows of the SQLite store after each published batch."""

from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from gqlnews.database.postgresql.copy import restore
from gqlnews.database.postgresql.publisher import CONSUMER, SKIPPED_VERSIONS, skip_versions
from gqlnews.database.postgresql.schema import IndexWidth
from gqlnews.database.sqlite.outbox import current_position, list_consumers
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError, LostLeadError
from tests.conftest import EXAMPLES
from tests.database.postgresql.stores import (
    assert_equal,
    elect,
    load_store,
    publish,
    store_rows,
    with_connection,
)
from tests.ingest.folder import Folder
from tests.postgresql import Cluster
from tests.product import run_ingest

_NARROW_INDEXES = "SELECT relname FROM pg_class WHERE relkind = 'i' AND obj_description(oid, 'pg_class') = $1"
LONG = "".join(map(chr, range(0x4E00, 0x4E00 + 3_000)))  # 9,000 bytes that do not compress


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.create_database()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "content")
    for name in "abc":
        folder.article(f"{name}.md", f"https://example.org/{name}", topics=["AI", name])
    return folder


def test_changes_are_published(url: str, folder: Folder, tmp_path: Path) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        folder.article("a.md", "https://example.org/b", topics=["New"], title="Other")
        folder.remove("c.md")
        run_ingest(folder.root, store)
        (folder.root / "gqlnews.toml").write_text("[fields.rating]\ntype = 'Int'\norder = true\n")
        folder.article("d.md", "https://example.org/d", rating=3)
        run_ingest(folder.root, store)
        assert (await publish(connection, store, lead, position)).sequence == position.sequence + 2

    with_connection(url, work)
    assert_equal(url, store)


def test_a_field_that_no_article_has_gets_its_columns(url: str, folder: Folder, tmp_path: Path) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        (folder.root / "gqlnews.toml").write_text(
            "[fields.rating]\ntype = 'Int'\n[fields.labels]\ntype = ['String']\nfacet = true\n"
        )
        run_ingest(folder.root, store)
        await publish(connection, store, lead, position)
        assert await connection.fetch("SELECT * FROM field_labels_labels_view") == []
        assert (
            await connection.fetch(
                "SELECT b.field_int_rating, a.field_int_rating FROM article AS a, article_before AS b"
            )
            == []
        )

    with_connection(url, work)


def test_a_batch_from_before_a_field_was_declared_is_published(
    url: str, folder: Folder, tmp_path: Path
) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        folder.article("a.md", title="Edited before", topics=["AI"])
        run_ingest(folder.root, store)
        (folder.root / "gqlnews.toml").write_text(
            "[fields.rating]\ntype = 'String'\nfilter = true\nfacet = true\n"
        )
        folder.article("a.md", title="Edited after", rating="good")
        run_ingest(folder.root, store)
        await publish(connection, store, lead, position)

    with_connection(url, work)
    assert_equal(url, store)


def test_a_field_whose_name_postgresql_would_cut_off_is_rejected(
    url: str, folder: Folder, tmp_path: Path
) -> None:
    store = tmp_path / "news.db"
    (folder.root / "gqlnews.toml").write_text(f"[fields.{'long' * 15}]\ntype = 'String'\nfilter = true\n")
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        with pytest.raises(DatabaseError, match="too long for PostgreSQL"):
            await load_store(connection, store, await elect(connection))

    with_connection(url, work)


def test_a_store_is_restored(url: str, tmp_path: Path) -> None:
    store, other = tmp_path / "news.db", tmp_path / "other.db"
    run_ingest(EXAMPLES, store)

    async def work(connection: asyncpg.Connection) -> None:
        await load_store(connection, store, await elect(connection))
        with closing(open_writer(other)) as db:
            position = await restore(connection, db, CONSUMER)
            assert current_position(db) == position
            assert [consumer.position for consumer in list_consumers(db)] == [position]

    with_connection(url, work)
    assert store_rows(other) == store_rows(store)
    with closing(open_writer(other)) as db:
        for index in ("search_public", "search_all"):
            db.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")  # noqa: S608


@pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "published"])
def test_texts_of_any_length_are_published(url: str, folder: Folder, tmp_path: Path, is_loaded: bool) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    def add() -> None:
        address = f"https://example.org/{LONG}"
        for name in ("long", "other"):
            folder.article(
                f"{name}.md",
                address,
                topics=[LONG],
                authors=[LONG],
                category=LONG,
                translationKey=LONG,
                provider={"name": LONG, "domain": "a.example"},
                related=[{"title": LONG, "webUrl": f"{address}/{name}"}],
                body=f"{LONG} [link]({address})",
            )
        run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        if is_loaded:
            add()
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        if not is_loaded:
            add()
            position = await publish(connection, store, lead, position)
        narrow = {name for (name,) in await connection.fetch(_NARROW_INDEXES, IndexWidth.PREFIX.comment)}
        assert narrow >= {"article_topic_newest", "url_owner_url_key", "article_url_field", "author_name"}
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO url_owner SELECT * FROM url_owner")
        folder.remove("long.md")
        run_ingest(folder.root, store)
        await publish(connection, store, lead, position)

    with_connection(url, work)
    assert_equal(url, store)


def test_a_former_leader_publishes_nothing(url: str, folder: Folder, tmp_path: Path) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        former = await elect(connection)
        position = await load_store(connection, store, former)
        await connection.execute("UPDATE lease SET expires_at = '-infinity'")
        lead = await elect(connection)
        assert (lead.epoch, lead.holder != former.holder) == (former.epoch + 1, True)
        folder.remove("c.md")
        run_ingest(folder.root, store)
        with pytest.raises(LostLeadError):
            await publish(connection, store, former, position)
        assert await connection.fetchval("SELECT count(*) FROM article") == 3
        await publish(connection, store, lead, position)

    with_connection(url, work)
    assert_equal(url, store)


def test_a_batch_whose_acknowledgement_was_lost_is_recognized(
    url: str, folder: Folder, tmp_path: Path
) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        folder.remove("c.md")
        run_ingest(folder.root, store)
        before = store.read_bytes(), store.with_name("news.db-wal").exists()
        new = await publish(connection, store, lead, position)
        assert not before[1]
        store.write_bytes(before[0])  # the outbox has the batch again, not acknowledged
        published_at = await connection.fetchval("SELECT published_at FROM publication")
        assert await publish(connection, store, lead, position) == new
        assert await connection.fetchval("SELECT published_at FROM publication") == published_at

    with_connection(url, work)
    assert_equal(url, store)


def test_versions_are_skipped_in_all_audiences(url: str, folder: Folder, tmp_path: Path) -> None:
    store = tmp_path / "news.db"
    run_ingest(folder.root, store)

    async def work(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        before = await connection.fetch("SELECT number, version FROM site ORDER BY audience")
        with closing(open_writer(store)) as db:
            skip_versions(db)
        folder.article("d.md", "https://example.org/d")
        run_ingest(folder.root, store)
        await publish(connection, store, lead, position)
        after = await connection.fetch("SELECT number, version FROM site ORDER BY audience")
        for (number, version), (new_number, new_version) in zip(before, after, strict=True):
            assert new_number == number + SKIPPED_VERSIONS + 1
            assert new_version == f"{version.rpartition('-')[0]}-{new_number}"

    with_connection(url, work)
    assert_equal(url, store)
