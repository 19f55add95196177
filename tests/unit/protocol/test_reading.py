"""Answers whose numbers are text, and whose texts are numbers."""

from __future__ import annotations

import json
from typing import Generic, TypeVar

import msgspec
import pytest

from heliograph.protocol.reading import convert, read

T = TypeVar("T")


class Row(msgspec.Struct, rename={"serial": "SN"}):
    """One of each kind."""

    serial: str
    count: int
    power: float | None = None
    loose: float | int | str | None = None
    on: bool = False
    texts: dict[str, str] = {}


class Page(msgspec.Struct, Generic[T]):
    """Rows with something around them."""

    data: list[T]


PLAIN = {"SN": "12", "count": 3, "power": 1.5, "loose": "7", "on": True, "texts": {"a": "1"}}


def test_an_answer_that_fits_is_read_as_it_stands() -> None:
    assert read(json.dumps(PLAIN).encode(), Row) == Row("12", 3, 1.5, "7", on=True, texts={"a": "1"})


@pytest.mark.parametrize(
    "changed",
    [
        {"SN": 12}, {"count": "3"}, {"count": "3.0"}, {"count": 3.0}, {"power": "1.5"}, {"power": " 1.50 "},
        {"on": "true"}, {"on": 1}, {"texts": {"a": 1}}, {"SN": 12, "count": "3", "unknown": {"deep": [1]}},
    ],
)  # fmt: skip
def test_quotation_marks_make_no_difference(changed: dict[str, object]) -> None:
    expected = Row("12", 3, 1.5, "7", on=True, texts={"a": "1"})
    for body in (PLAIN | changed, PLAIN | changed | {"extra": None}):
        assert read(json.dumps(body).encode(), Row) == expected
    wrapped = json.dumps({"data": [PLAIN | changed]}).encode()
    assert read(wrapped, Page[Row]) == Page([expected])


def test_a_number_that_may_be_either_stays_what_it_was() -> None:
    assert read(json.dumps(PLAIN | {"loose": 7, "count": "3"}).encode(), Row).loose == 7


@pytest.mark.parametrize("text", ["", " ", "N/A", "--"])
def test_a_text_for_nothing_is_nothing_where_there_may_be_nothing(text: str) -> None:
    assert read(json.dumps(PLAIN | {"power": text}).encode(), Row).power is None
    with pytest.raises(msgspec.ValidationError):
        read(json.dumps(PLAIN | {"count": text}).encode(), Row)


def test_a_truth_is_a_number_where_a_number_is_wanted() -> None:
    assert read(b'{"SN":"1","count":true}', Row).count == 1


def test_a_large_number_in_quotation_marks_keeps_its_digits() -> None:
    assert read(b'{"SN":"1","count":"9007199254740993"}', Row).count == 9007199254740993


@pytest.mark.parametrize(
    "changed", [{"count": "three"}, {"power": "much"}, {"SN": None}, {"SN": ["12"]}, {"on": "perhaps"}, {"texts": 5}]
)
def test_what_does_not_fit_either_way_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        convert(PLAIN | changed, Row)
    with pytest.raises(msgspec.DecodeError):
        read(b"<html>", Row)
    with pytest.raises(msgspec.ValidationError):
        read(b"[1]", Row)
