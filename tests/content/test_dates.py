"""Dates of mapped files: every form has one meaning, or none."""

from datetime import UTC, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from gqlnews.content.dates import DateFault, WrittenDate, date_in_path, parse_date, split_name

BERLIN = ZoneInfo("Europe/Berlin")


def instant(text: str, zone: tzinfo = UTC) -> str | None:
    date = parse_date(text, zone)
    return date.instant.text if isinstance(date, WrittenDate) else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-04-15", "2021-04-15T00:00:00Z"),
        ("2021-4-5", "2021-04-05T00:00:00Z"),
        ("2021/04/15", "2021-04-15T00:00:00Z"),
        ("2021-04-15 13:00:00 +0200", "2021-04-15T11:00:00Z"),
        ("2021-04-15T13:00:00+0200", "2021-04-15T11:00:00Z"),
        ("2021-04-15T13:00:00+02:00", "2021-04-15T11:00:00Z"),
        ("2021-04-15T13:00:00-07", "2021-04-15T20:00:00Z"),
        ("2021-04-15 13:00 -4:00", "2021-04-15T17:00:00Z"),
        ("2021-04-15 9:05", "2021-04-15T09:05:00Z"),
        ("2021-04-15T12:00:00.250Z", "2021-04-15T12:00:00.250Z"),
        ("2021-04-15T12:00:00.123456789Z", "2021-04-15T12:00:00.123456789Z"),
        ("2021-04-15 12:00 UTC", "2021-04-15T12:00:00Z"),
        ("2021-04-15 12:00 gmt", "2021-04-15T12:00:00Z"),
        ("April 15, 2021", "2021-04-15T00:00:00Z"),
        ("Apr 15 2021 1:05 pm", "2021-04-15T13:05:00Z"),
        ("apr. 15th, 2021 12:30 a.m.", "2021-04-15T00:30:00Z"),
        ("Sept 3, 2021", "2021-09-03T00:00:00Z"),
        ("15 April 2021", "2021-04-15T00:00:00Z"),
        ("15-Apr-2021", "2021-04-15T00:00:00Z"),
        ("Thu, 15 Apr 2021 13:00:00 GMT", "2021-04-15T13:00:00Z"),
        ("Thursday, April 15, 2021", "2021-04-15T00:00:00Z"),
        ("15/04/2021", "2021-04-15T00:00:00Z"),
        ("04/15/2021", "2021-04-15T00:00:00Z"),
        ("04/04/2021", "2021-04-04T00:00:00Z"),
        ("  2021-04-15\n", "2021-04-15T00:00:00Z"),
    ],
)
def test_a_date_in_any_known_form_is_read(text: str, expected: str) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "2021", "2021-04", "April 2021", "yesterday", "20210415", "1618491600", "12:30", "15.04.2021"),
        *("2021-02-30", "2021-13-01", "2021-04/15", "2021-04-15 24:00", "2021-04-15 12:60", "Abc 15, 2021"),
        *(
            "2021-04-15 13:00 pm",
            "2021-04-15 0:30 am",
            "2021-04-15 12:00 EST",
            "2021-04-15 12:00 +2500",
            "2021-04-15 12:00 +2",
        ),
        *("2021-04-15 12:00 +0260", "13/13/2021", "0001-01-01 00:00 +0100", "9999-12-31 23:59 -0100"),
        *("2021-04-15T12:00:00.1234567890Z", "\u0662\u0660\u0662\u0661-04-15", "2021-04-15 and more"),
    ],
)
def test_anything_else_is_no_date(text: str) -> None:
    assert parse_date(text, UTC) is DateFault.UNKNOWN


def test_a_long_text_is_no_date_at_once() -> None:
    assert parse_date("2021-04-15" + " " * 1_000_000 + "x", UTC) is DateFault.UNKNOWN


@pytest.mark.parametrize("text", ["04/05/2021", "1/2/2021 10:00"])
def test_a_date_that_means_two_days_is_ambiguous(text: str) -> None:
    assert parse_date(text, UTC) is DateFault.AMBIGUOUS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-01-15", "2021-01-14T23:00:00Z"),
        ("2021-07-15 12:00", "2021-07-15T10:00:00Z"),
        ("2021-07-15 12:00Z", "2021-07-15T12:00:00Z"),
        ("2021-07-15 12:00 +0000", "2021-07-15T12:00:00Z"),
        ("1890-01-01", "1889-12-31T23:07:00Z"),  # local mean time, to the minute
    ],
)
def test_a_date_without_a_zone_is_in_the_zone_of_the_site(text: str, expected: str) -> None:
    assert instant(text, BERLIN) == expected


def test_the_wall_clock_keeps_the_zone_that_was_written() -> None:
    date = parse_date("2021-04-15 23:30 -0700", BERLIN)
    assert isinstance(date, WrittenDate)
    assert (date.local.day, date.local.hour, date.local.utcoffset()) == (15, 23, timedelta(hours=-7))


@pytest.mark.parametrize(
    ("name", "day", "rest"),
    [
        ("2021-04-15-launch", (2021, 4, 15), "launch"),
        ("2021-4-5_launch", (2021, 4, 5), "launch"),
        ("2021-04-15", (2021, 4, 15), ""),
        ("2021-04-15.launch", (2021, 4, 15), "launch"),
        ("2021-13-15-launch", None, "2021-13-15-launch"),
        ("2021-04-156-launch", None, "2021-04-156-launch"),
        ("launch-2021-04-15", None, "launch-2021-04-15"),
    ],
)
def test_a_file_name_may_begin_with_a_day(name: str, day: tuple[int, int, int] | None, rest: str) -> None:
    assert split_name(name) == (day, rest)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("2021/04/15/launch", "2021-04-15T00:00:00Z"),
        ("blog/2021-04-15-launch/index", "2021-04-15T00:00:00Z"),
        ("/2021/4/5/", "2021-04-05T00:00:00Z"),
        ("blog/2021/launch", None),
        ("blog/2021/13/15/launch", None),
        ("v12021/04/15/launch", None),
    ],
)
def test_a_path_may_contain_a_day(path: str, expected: str | None) -> None:
    date = date_in_path(path, UTC)
    assert (date and date.instant.text) == expected
