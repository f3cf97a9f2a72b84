"""Parsers of setting values, and rejected values."""

import pickle
from hashlib import sha256
from pathlib import Path

import pytest

from gqlnews.config.values import (
    PostgresUrl,
    check_cache_control,
    check_url,
    parse_database,
    parse_host_names,
    parse_origins,
    parse_proxies,
    parse_token_hashes,
)

ONE, OTHER = (sha256(token).hexdigest() for token in (b"one", b"other"))


def test_token_hashes_are_hex_digests() -> None:
    assert parse_token_hashes([ONE.upper(), OTHER]) == (bytes.fromhex(ONE), bytes.fromhex(OTHER))


@pytest.mark.parametrize("wrong", ["secret", ONE[:-1], ONE + "0", "x" * 64])
def test_an_invalid_hash_is_rejected_without_repeating_it(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^entry 2 is not a SHA-256 hash") as error:
        parse_token_hashes([ONE, wrong])
    assert wrong not in str(error.value).split()


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("*", "*"),
        ("HTTPS://News.Example/", "https://news.example"),
        ("https://news.example:443", "https://news.example"),
        ("http://news.example:443", "http://news.example:443"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_origins_are_normalized(given: str, origin: str) -> None:
    assert parse_origins([given]) == (origin,)


@pytest.mark.parametrize(
    "wrong", ["", "null", "news.example", "ftp://a", "https://a/b", "https://*.a", "https://"]
)
def test_an_invalid_origin_is_rejected(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not an origin; use one such as"):
        parse_origins([wrong])


def test_host_names_are_lower_case() -> None:
    assert parse_host_names(["Player.Vimeo.com", "a-b.example"]) == ("player.vimeo.com", "a-b.example")


@pytest.mark.parametrize("wrong", ["https://a.example", "a b", "a..b", "ä.example"])
def test_an_invalid_host_name_is_rejected(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a host name; use one such as"):
        parse_host_names(["valid.example", wrong])


def test_a_url_is_returned_as_it_is() -> None:
    assert check_url("https://News.example/a/") == "https://News.example/a/"


@pytest.mark.parametrize("wrong", ["example.com", "/relative", "ftp://a.example", "http://[x", "https://"])
def test_an_invalid_url_is_rejected(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL; use one such as"):
        check_url(wrong)


@pytest.mark.parametrize(
    ("given", "normalized"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.7/32", "10.0.0.7"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
        ("unix:", "unix:"),
    ],
)
def test_addresses_of_proxies_are_normalized(given: str, normalized: str) -> None:
    assert parse_proxies([given]) == (normalized,)


@pytest.mark.parametrize(
    "wrong", ["", "*", "localhost", "10.0.0.7/8", "10.0.0", "[::1]", "10.0.0.7:80", "fe80::1%eth0", "unix"]
)
def test_an_invalid_address_of_a_proxy_is_rejected(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address or network of a proxy; use one such as 10\."):
        parse_proxies(["10.0.0.7", wrong])


@pytest.mark.parametrize(
    "value",
    [
        "no-store",
        "public, no-cache",
        "public, max-age=10, stale-while-revalidate=60",
        "Public,MAX-AGE=0,no-transform",
        'private="set-cookie", max-age=5',
    ],
)
def test_a_cache_control_header_is_taken_as_it_is(value: str) -> None:
    assert check_cache_control(value) == value


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "is not a Cache-Control header"),
        ("public,", "is not a Cache-Control header"),
        ("public max-age=1", "is not a Cache-Control header"),
        ("max-age=1\r\nx: y", "is not a Cache-Control header"),
        ("public, max-age", "max-age in .* needs a whole number of seconds"),
        ("max-age=1.5", "max-age in .* needs a whole number of seconds"),
        ("stale-while-revalidate=a", "stale-while-revalidate in .* needs a whole number"),
        ("s-maxage=\u00b2", "is not a Cache-Control header"),
    ],
)
def test_a_malformed_cache_control_header_is_rejected(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_cache_control(wrong)


@pytest.mark.parametrize(
    "path",
    [
        "news.db",
        "/var/a b.db",
        "postgresql",
        "a/postgres://b",
        "a:b.db",
        "/srv/a:b@c/d.db",
        "ann@db.example",
        " a",
    ],
)
def test_a_database_is_a_path(path: str) -> None:
    assert parse_database(path) == Path(path) == parse_database(Path(path))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql:///news", "postgresql:///news"),
        ("postgres://ann@db:5433,[::1]/news", "postgres://ann@db:5433,[::1]/news"),
        ("postgresql://ann:s%40ret:x@db/news", "postgresql://ann@db/news"),
        ("postgresql://:s3cret@db/news", "postgresql://@db/news"),
        (
            "postgresql:///news?host=/run/pg&password=s3cret&sslmode=require",
            "postgresql:///news?host=/run/pg&sslmode=require",
        ),
        (
            "postgresql://db/news?sslkey=k&sslpassword=s3cret&service=a",
            "postgresql://db/news?sslkey=k&service=a",
        ),
    ],
)
def test_a_database_url_is_shown_without_its_password(url: str, shown: str) -> None:
    value = parse_database(url)
    assert isinstance(value, PostgresUrl)
    assert (value.url, str(value), repr(value)) == (url, shown, f"PostgresUrl({shown!r})")
    assert value.has_password == (url != shown)
    assert parse_database(value) == value == pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:/news",
        "POSTGRESQL://u:s3cret@db/news",
        "postgresql://u:s3@cret@db/news",
        "postgresql://u:s3/cret@db/news",
        "postgresql://u:s3?cret@db/news",
        "postgresql://u:s3?s3=cret@db/news",
        "postgresql://u:s3#cret@db/news",
        "postgresql://u:s3[cret@db/news",
        "postgresql://db:s3cret/news",
        "postgresql://db:70000/news",
        "postgresql://db/news?s3cret",
        "postgresql://db/news?S3=cret",
        "postgresql://db/news?port=s3cret",
        "postgresql://u:s3cret@db/news?connect_timeout=3",
        "postgresql://u:s3cret@db/news?sslrootcert=system",
    ],
)
def test_an_invalid_database_url_is_rejected_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|sslrootcert") as error:
        parse_database(url)
    assert "s3" not in str(error.value)
    assert "cret" not in str(error.value)


@pytest.mark.parametrize("text", [" postgresql://u:s3cret@db/news", "\tpostgresql://u:s3cret@db/news\r\n"])
def test_blanks_around_a_database_url_are_removed(text: str) -> None:
    assert parse_database(text) == PostgresUrl("postgresql://u:s3cret@db/news")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "postgresql+asyncpg://u:s3cret@db/news",
            "with the scheme postgresql+asyncpg, which is not supported",
        ),
        ("pgsql://u:s3cret@db/news", "with the scheme pgsql,"),
        ("pgsql:/u:s3cret@db/news", "with the scheme pgsql,"),
        ("Postgres-QL://u:s3cret@db/news", "with the scheme Postgres-QL,"),
        ("jdbc:postgresql://u:s3cret@db/news", "with the scheme jdbc:postgresql,"),
        ("sqlite:///s3cret.db", "with the scheme sqlite,"),
        (" '\"pgsql://u:s3cret@db/news\"'", "with the scheme pgsql,"),
        ('"postgresql://u:s3cret@db/news"', "the postgresql URL is in quotes"),
        (" 'postgres://u:s3cret@db/news'", "the postgres URL is in quotes"),
        ("GQLNEWS_DB=postgresql://u:s3cret@db/news", "has no scheme"),
        ("postgresql ://u:s3cret@db/news", "has no scheme"),
        ("postgresql//u:s3cret@db/news", "has no scheme"),
        ("//u:s3cret@db/news", "has no scheme"),
        ("u:s3cret@db/news", "has no scheme"),
        ("u:s3cret:/news", "has no scheme"),
        ("host=db password=s3cret", "has no scheme"),
        (" 'dbname = news password=s3cret'", "has no scheme"),
    ],
)
def test_what_is_meant_as_a_database_url_is_no_path(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="URL") as error:
        parse_database(text)
    assert message in str(error.value)
    assert "remove them" in str(error.value) or "use one such as postgresql://" in str(error.value)
    assert "s3" not in str(error.value)
    assert "cret" not in str(error.value)
