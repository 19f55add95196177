"""What a call says: the same however its JSON is written, and nothing that it does not say."""

from __future__ import annotations

import pytest

from heliograph.ledger.words import Words
from heliograph.model.ledger import Entry

ON = "2024-06-01"


def entry(on: str = ON, period: str = "1.50", accumulated: str | None = "10.5") -> Entry:
    """An entry that says this."""
    return Entry(
        accumulated_kwh=accumulated, at="", author="", device="", device_id=1, on=on, period_kwh=period, previous="",
        revision=1, sequence=1, statement="",
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b'[{"on": "2024-06-01", "period": "1.50", "total": "10.5"}]',
        b'{"Data": [{"on": " 2024-06-01 ", "period": 1.50, "total": 105e-1, "more": [null, true]}]}',
        b'[{"on": "2024\\u002d06-01T00:00", "period": "\\u0031.5", "total": "10.50"}]',
        b"on=2024-06-01&period=1.50&total=10.5",
    ],
)
def test_the_same_in_other_words_is_the_same(body: bytes) -> None:
    assert Words(body).say(entry())
    assert not Words(body).say(entry(period="1.6"))
    assert not Words(body).say(entry(accumulated="10.6"))
    assert not Words(body).say(entry(on="2024-06-02"))


def test_the_numbers_of_a_day_stand_in_one_record() -> None:
    words = Words(b'[{"on": "2024-06-01", "is": "1"}, {"on": "2024-06-02", "is": "2"}]')
    assert words.say(entry(period="1", accumulated=None))
    assert not words.say(entry(period="2", accumulated=None))


def test_a_month_may_be_written_in_any_way() -> None:
    words = Words(b'{"year": 2024, "months": {"Jun": "31.5"}}')
    assert words.say(entry("2024-06", "31.5", None))
    assert not words.say(entry("2024-06", "31.6", None))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"on": "sNaN", "a": "inf"}'])
def test_nothing_is_said_by_a_body_without_sense(body: bytes) -> None:
    assert not Words(body).say(entry())
