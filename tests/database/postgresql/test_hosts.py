"""URLs with several hosts."""

import asyncio
from unittest.mock import Mock

import pytest

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.hosts import HostConnection, Hosts, single_host_urls
from gqlnews.errors import UnreachableDatabaseError


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("postgresql:///news", ["postgresql:///news"]),
        ("postgresql://a/news?sslmode=require", ["postgresql://a/news?sslmode=require"]),
        (
            "postgresql://u:p@a:1,b,[::1]:2/news?sslmode=require",
            [
                "postgresql://u:p@a:1/news?sslmode=require",
                "postgresql://u:p@b/news?sslmode=require",
                "postgresql://u:p@[::1]:2/news?sslmode=require",
            ],
        ),
        (
            "postgresql://u@/news?host=a,b&port=1,2&sslmode=require",
            [
                "postgresql://u@/news?host=a&port=1&sslmode=require",
                "postgresql://u@/news?host=b&port=2&sslmode=require",
            ],
        ),
        (
            "postgresql:///news?host=%2Frun,b&port=5433",
            ["postgresql:///news?host=%2Frun&port=5433", "postgresql:///news?host=b&port=5433"],
        ),
    ],
)
def test_a_url_is_split_into_one_for_each_host(url: str, urls: list[str]) -> None:
    assert single_host_urls(url) == urls


def test_a_host_that_fails_is_not_tried_again_while_another_one_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even though the primary, which answers, is only the second choice."""
    tried: list[str] = []

    async def connect(hosts: Hosts, url: str, wanted: str) -> HostConnection:
        tried.append(url)
        if "standby" in url:
            raise UnreachableDatabaseError("it does not answer")
        return HostConnection(Mock(), url, is_primary=True, connected_at=0.0)

    async def run() -> None:
        hosts = Hosts(PostgresUrl("postgresql://standby,primary/news"), 0)
        for _ in range(2):
            assert (await hosts.connect()).is_primary

    monkeypatch.setattr(Hosts, "_connect", connect)
    asyncio.run(run())
    assert sorted(tried) == ["postgresql://primary/news"] * 2 + ["postgresql://standby/news"]
