"""Dates in the contract's formats. The expected results come from the standard library."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.timestamps import Instant, from_epoch_ns, from_epoch_ns_to_ms, parse_instant, to_epoch_ns

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NINE = "0999-01-01T00:00:00.123456789"
LEAST, MOST = datetime(1, 1, 3), datetime(9999, 12, 29)  # noqa: DTZ001  # the zone is drawn beside them
moments = st.datetimes(min_value=LEAST, max_value=MOST, timezones=offsets)
fractions = st.from_regex(r"(\.[0-9]{1,9})?", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "text", "key"),
    [
        ("2021-04-15T13:00:00Z", "2021-04-15T13:00:00Z", "2021-04-15T13:00:00"),
        ("2021-04-15", "2021-04-15T00:00:00Z", "2021-04-15T00:00:00"),
        ("2021-04-15T13:05", "2021-04-15T13:05:00Z", "2021-04-15T13:05:00"),
        ("2021-04-15 13:05+02:00", "2021-04-15T11:05:00Z", "2021-04-15T11:05:00"),
        ("2021-04-15t13:00:00z", "2021-04-15T13:00:00Z", "2021-04-15T13:00:00"),
        ("2021-04-15T13:00:00.50Z", "2021-04-15T13:00:00.50Z", "2021-04-15T13:00:00.5"),
        ("2021-04-15T13:00:00.000Z", "2021-04-15T13:00:00.000Z", "2021-04-15T13:00:00"),
        ("0999-01-01T00:00:00.123456789-00:00", f"{NINE}Z", NINE),
        ("2020-02-29T23:30:00-01:00", "2020-03-01T00:30:00Z", "2020-03-01T00:30:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999"),
        ("0001-01-01T00:30:00+00:30", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
    ],
)
def test_timestamps_are_converted_to_utc(written: str, text: str, key: str) -> None:
    assert parse_instant(written) == Instant(key=key, text=text)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "2021",
            "2021-04",
            "20210415",
            "2021-4-15",
            "2021-02-29",
            "2021-04-31",
            "2021-13-01",
            "0000-01-01",
        ),
        *("2021-04-15T", "2021-04-15T13", "2021-04-15T24:00", "2021-04-15T13:60", "2021-04-15T13:00:60Z"),
        *("2021-04-15T13:00.5Z", "2021-04-15T13:00:00.Z", "2021-04-15T13:00:00.1234567890Z", "2021-04-15Z"),
        *(
            "2021-04-15T13:00:00+24:00",
            "2021-04-15T13:00:00+01:60",
            "2021-04-15T13:00:00+0100",
            "+2021-04-15",
        ),
        *(
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            " 2021-04-15",
            "2021-04-15\n",
            "2021-04-1\N{FULLWIDTH DIGIT FIVE}",
        ),
    ],
)
def test_invalid_timestamps_are_none(written: str) -> None:
    assert parse_instant(written) is None


@given(moments, fractions)
def test_an_offset_is_applied(moment: datetime, fraction: str) -> None:
    moment = moment.replace(microsecond=0)
    parsed = parse_instant(moment.isoformat()[:19] + fraction + moment.isoformat()[19:])
    assert parsed is not None
    assert parsed.text == moment.astimezone(UTC).replace(tzinfo=None).isoformat() + fraction + "Z"


@given(moments, fractions, moments, fractions)
def test_sort_keys_order_like_timestamps(one: datetime, part: str, other: datetime, other_part: str) -> None:
    def instant(moment: datetime, fraction: str) -> tuple[datetime, str]:
        return moment.replace(microsecond=0), fraction[1:].ljust(9, "0")

    def key(moment: datetime, fraction: str) -> str:
        parsed = parse_instant(
            moment.replace(microsecond=0).isoformat()[:19] + fraction + moment.isoformat()[-6:]
        )
        assert parsed is not None
        return parsed.key

    assert (key(one, part) < key(other, other_part)) == (instant(one, part) < instant(other, other_part))
    assert (key(one, part) == key(other, other_part)) == (instant(one, part) == instant(other, other_part))


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_618_491_600_123_456_789, "2021-04-15T13:00:00.123456789Z"),
        (1_618_491_600_500_000_000, "2021-04-15T13:00:00.5Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (-(10**20), "0001-01-01T00:00:00Z"),
        (10**21, "9999-12-31T23:59:59Z"),
    ],
)
def test_a_file_time_is_formatted(nanoseconds: int, text: str) -> None:
    assert from_epoch_ns(nanoseconds).text == text


@given(st.integers(-(10**18), 10**19))
def test_a_file_time_can_be_parsed_again(nanoseconds: int) -> None:
    parsed = parse_instant(from_epoch_ns(nanoseconds).text)
    assert parsed is not None
    assert parsed == from_epoch_ns(nanoseconds)
    assert f"{parsed.key}Z" == parsed.text


@pytest.mark.parametrize(
    "epoch_ns", [0, -1, 1_618_470_000_123_456_789, 1_500_000_000, 253_402_300_799_000_000_000]
)
def test_a_sort_key_is_an_exact_number_of_nanoseconds(epoch_ns: int) -> None:
    assert to_epoch_ns(from_epoch_ns(epoch_ns).key) == epoch_ns


@given(st.integers(-(10**18), 10**19))
def test_a_served_time_is_the_last_millisecond_before(nanoseconds: int) -> None:
    served = from_epoch_ns_to_ms(nanoseconds)
    assert served == parse_instant(served.text)
    assert len(served.key.partition(".")[2]) <= 3
    assert served.key <= from_epoch_ns(nanoseconds).key
    assert to_epoch_ns(served.key) // 10**6 == to_epoch_ns(from_epoch_ns(nanoseconds).key) // 10**6
