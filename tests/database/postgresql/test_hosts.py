"""URLs with several hosts."""

import pytest

from gqlnews.database.postgresql.hosts import single_host_urls


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
