"""Times on the wire: what is formatted parses to the same instant, and nothing else parses."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import zone
from heliograph.errors import BadRequestError
from heliograph.protocol.times import (
    format_instant,
    format_local,
    parse_date,
    parse_epoch_ms,
    parse_instant,
    parse_local,
)
from tests.unit.store.world import at

UTC = zone("UTC")
LONDON = zone("Europe/London")
seconds = st.integers(946_684_800, 1_893_456_000)
zones = st.sampled_from(["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]).map(zone)


@given(seconds, zones)
def test_a_local_time_parses_to_the_instant_it_was_made_of_or_the_same_wall_time(second: int, tz: ZoneInfo) -> None:
    at_ms = second * 1000
    text = format_local(at_ms, tz)
    assert parse_local(text, tz, field="t", now_ms=at_ms) == at_ms
    assert format_local(parse_local(text, tz, field="t"), tz) == text


@given(st.integers(-62_000_000_000_000, 253_000_000_000_000), zones)
def test_an_instant_parses_to_itself_in_any_zone(at_ms: int, tz: ZoneInfo) -> None:
    assert parse_instant(format_instant(at_ms), tz, field="t") == at_ms
    assert parse_instant(str(at_ms), tz, field="t") == at_ms
    assert parse_epoch_ms(at_ms, field="t") == parse_epoch_ms(str(at_ms), field="t") == at_ms


def test_the_forms_that_are_understood() -> None:
    assert parse_local("2024-06-01 12:00:00", LONDON, field="t") == at("2024-06-01T11:00:00")
    assert parse_local("2024-06-01T12:00:00.25", LONDON, field="t") == at("2024-06-01T11:00:00") + 250
    assert parse_instant("2024-06-01", LONDON, field="t") == at("2024-05-31T23:00:00")
    assert parse_instant("2024-06-01T12:00:00", LONDON, field="t") == at("2024-06-01T11:00:00")
    assert parse_instant("2024-06-01T12:00:00+05:30", LONDON, field="t") == at("2024-06-01T06:30:00")
    assert parse_instant("2024-06-01T12:00:00Z", LONDON, field="t") == at("2024-06-01T12:00:00")
    assert parse_instant("-5", LONDON, field="t") == -5
    assert parse_epoch_ms(1.9, field="t") == 1
    assert parse_date("2024-02-29", field="t") == date(2024, 2, 29)
    assert format_instant(-1) == "1969-12-31T23:59:59.999Z"
    assert format_instant(1_717_236_000_007) == "2024-06-01T10:00:00.007Z"
    assert format_local(1_717_236_000_007, LONDON) == "2024-06-01 11:00:00"


def test_a_repeated_time_is_the_one_that_has_passed() -> None:
    first = at("2024-10-27T00:30:00")
    assert parse_local("2024-10-27 01:30:00", LONDON, field="t", now_ms=first + 10) == first
    assert parse_local("2024-10-27 01:30:00", LONDON, field="t", now_ms=first + 3_600_000) == first + 3_600_000


BAD_LOCAL = [
    "", "now", "2024-06-01", "2024-6-1 12:00:00", "2024-06-01 12:00", "2024-06-01 24:00:00", "2024-02-30 12:00:00",
    "2024-06-01 12:00:00Z", "2024-06-01 12:00:00+01:00", " 2024-06-01 12:00:00", "2024-06-01 12:00:00\n",
    "\uff12\uff10\uff12\uff14-06-01 12:00:00", "0000-01-01 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59",
    "2024-06-01 12:00:00.1234567",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_LOCAL)
@pytest.mark.parametrize("name", ["Asia/Tokyo", "America/New_York"])
def test_what_is_no_local_time_is_refused_with_its_field(text: str, name: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_local(text, zone(name), field="collectTime")
    assert caught.value.field == "collectTime"


@pytest.mark.parametrize(
    "text",
    ["", "soon", "--5", "²", "2024-13-01", "9" * 5000, "99999999999999999", "-99999999999999", "0001-01-01",
     "9999-12-31T23:59:59-14:00", "2024-06-01T12:00:00+99:00", "1e3"],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_instant(text, LONDON, field="since")
    assert caught.value.field == "since"
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "", "x", "1.5", 10**30, -(10**20), "1e3"])
def test_what_is_no_number_of_milliseconds_is_refused(value: float | str) -> None:
    with pytest.raises(BadRequestError):
        parse_epoch_ms(value, field="t")


@pytest.mark.parametrize("text", ["", "2024-02-30", "yesterday", "2024-06-01T00:00:00"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_date(text, field="t")
