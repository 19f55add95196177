"""The samples of a device on their way out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.native import DIALECT, history
from heliograph.dialects.native.history import column_pieces, rows_of
from heliograph.dialects.native.operations import GET_HISTORY
from heliograph.dialects.native.results import History
from heliograph.errors import StoreError
from heliograph.model.samples import Series
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import NOW_MS, Bag, FakeHub, series_of, utc_ms

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
BAGS = st.dictionaries(st.sampled_from("abcd"), st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text()))


def keep(hub: FakeHub, at_ms: int, **values: float | str) -> None:
    hub.samples[(7, at_ms)] = dict(values)


async def test_columns_are_as_long_as_the_instants_with_null_for_what_a_record_lacked(api: Api, hub: FakeHub) -> None:
    keep(hub, NOW_MS - 2 * MINUTE_MS, a=1.5, mode="eco")
    keep(hub, NOW_MS - MINUTE_MS, a=0.1 + 0.2, b=-0.0)
    keep(hub, NOW_MS, mode="off")
    assert (await api.get("/devices/7/history")).json == {
        "device": 7,
        "at": ["2026-06-21T11:58:00.000Z", "2026-06-21T11:59:00.000Z", "2026-06-21T12:00:00.000Z"],
        "columns": {"a": [1.5, 0.30000000000000004, None], "b": [None, -0.0, None]},
        "texts": {"mode": ["eco", None, "off"]},
    }


async def test_rows_hold_what_each_record_had(api: Api, hub: FakeHub) -> None:
    keep(hub, NOW_MS - MINUTE_MS, a=1.5, mode="eco")
    keep(hub, NOW_MS, b=2.0)
    assert (await api.get("/devices/7/history", "format=rows")).json == {
        "device": 7,
        "samples": [
            {"at": "2026-06-21T11:59:00.000Z", "values": {"a": 1.5, "mode": "eco"}},
            {"at": "2026-06-21T12:00:00.000Z", "values": {"b": 2.0}},
        ],
    }


async def test_a_device_without_samples_has_an_empty_history(api: Api) -> None:
    assert (await api.get("/devices/8/history")).json == {"device": 8, "at": [], "columns": {}, "texts": {}}
    assert (await api.get("/devices/8/history", "format=rows")).json == {"device": 8, "samples": []}


async def test_only_the_keys_asked_for_come(api: Api, hub: FakeHub) -> None:
    keep(hub, NOW_MS, a=1.0, b=2.0, mode="eco")
    found = (await api.get("/devices/7/history", "keys=b,mode,other")).json
    assert (found["columns"], found["texts"]) == ({"b": [2.0]}, {"mode": ["eco"]})
    rows = (await api.get("/devices/7/history", "keys=b&format=rows")).json
    assert rows["samples"] == [{"at": "2026-06-21T12:00:00.000Z", "values": {"b": 2.0}}]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("since=2026-06-21T10:00:00Z&until=2026-06-21T11:00:00Z", [10]),
        ("since=2026-06-21T12:00:00&until=2026-06-21T13:00:00", [10]),
        ("since=2026-06-21T12:00:00+02:00&until=2026-06-21T13:00+0200", [10]),
        ("since=2026-06-21T12:00:00%2B02:00&until=1782039600000", [10]),
        ("until=2026-06-21T11:00:00Z", [9, 10]),
        ("since=2026-06-21T11:00:00Z", [11, 12]),
        ("since=2026-06-21", [9, 10, 11, 12]),
        ("", [9, 10, 11, 12]),
        ("since=2026-06-21T12:00:00Z&until=2026-06-21T12:00:00Z", []),
    ],
)
async def test_a_span_holds_its_beginning_and_not_its_end(api: Api, hub: FakeHub, query: str, found: list[int]) -> None:
    for hour in (9, 10, 11, 12):
        keep(hub, utc_ms(f"2026-06-21T{hour:02}:00:00Z"), a=float(hour))
    keep(hub, utc_ms("2026-06-20T10:59:59Z"), a=0.0)
    keep(hub, NOW_MS + 1, a=99.0)
    assert (await api.get("/devices/7/history", query)).json["columns"].get("a", []) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=noon", "since"),
        ("until=2026-13-01", "until"),
        ("since=2026-06-21T11:00:00Z&until=2026-06-21T10:00:00Z", "since"),
        ("since=1960-01-01", "since"),
        ("until=9999-12-31", "until"),
        ("since=2020-01-01", "since"),
        ("format=csv", "format"),
        ("sinze=2026-06-21", ""),
        ("since=1&since=2", "since"),
        ("device=8", "device"),
        ("body=8", "body"),
    ],
)
async def test_a_query_that_is_none_is_refused_naming_the_parameter(api: Api, query: str, field: str) -> None:
    refused = await api.get("/devices/7/history", query)
    assert (refused.status, refused.json.get("field", "")) == (400, field)


async def test_years_come_as_rows_month_by_month_and_not_as_columns(api: Api, hub: FakeHub) -> None:
    for day in range(0, 1000, 100):
        keep(hub, NOW_MS - day * DAY_MS, a=float(day))
    rows = (await api.get("/devices/7/history", "since=2020-01-01&format=rows")).json["samples"]
    assert [row["values"]["a"] for row in rows] == list(map(float, range(900, -1, -100)))
    assert max(until - since for since, until in hub.histories) == 31 * DAY_MS
    assert all(a[1] == b[0] for a, b in pairwise(hub.histories))


async def test_a_long_history_is_sent_in_pieces(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PIECE", 7)
    api = Api(hub)
    for n in range(250):
        keep(hub, NOW_MS - n * MINUTE_MS, a=float(n), b=1.0, mode=str(n))
    answer = await api.get("/devices/7/history")
    assert answer.pieces > 4 * 250 / 7
    columns = answer.json
    assert columns["columns"]["a"] == list(map(float, range(249, -1, -1)))
    assert columns["texts"]["mode"] == [str(n) for n in range(249, -1, -1)]
    assert len(columns["at"]) == 250
    answer = await api.get("/devices/7/history", "format=rows")
    assert answer.pieces > 250 / 7
    rows = answer.json["samples"]
    assert [row["values"]["a"] for row in rows] == columns["columns"]["a"]
    assert [row["at"] for row in rows] == columns["at"]


@given(st.lists(st.lists(BAGS, min_size=1, max_size=5), max_size=4))
def test_both_forms_say_the_same_and_read_back_as_the_declared_type(batches: list[list[Bag]]) -> None:
    series = []
    for number, held in enumerate(batches):
        instants = [NOW_MS + number * DAY_MS + row for row in range(len(held))]
        series.append(series_of(7, instants, held, None))
    columns = DIALECT.envelope.open(GET_HISTORY, 200, b"".join(column_pieces(7, series)))
    assert isinstance(columns, History)
    rows = [msgspec.json.decode(row) for part in series for row in rows_of(part)]
    rebuilt = []
    assert isinstance(columns.at, list)
    assert isinstance(columns.columns, dict)
    assert isinstance(columns.texts, dict)
    for index, at in enumerate(columns.at):
        numbers = {key: column[index] for key, column in columns.columns.items() if column[index] is not None}
        words = {key: column[index] for key, column in columns.texts.items() if column[index] is not None}
        values = {**numbers, **words}
        if values:
            rebuilt.append({"at": at, "values": values})
    assert rebuilt == rows
    assert [row["values"] for row in rows] == [bag for held in batches for bag in held if bag]


def test_a_column_of_nothing_but_nulls_is_left_out() -> None:
    at_ms = np.array([NOW_MS, NOW_MS + 1], np.int64)
    columns = {"a": np.array([np.nan, 1.0]), "b": np.array([np.nan, np.nan])}
    empty = Series(7, at_ms[:1] - 5, {"b": np.array([np.nan])})
    told = msgspec.json.decode(b"".join(column_pieces(7, [empty, Series(7, at_ms, columns)])))
    assert told["columns"] == {"a": [None, None, 1.0]}


def test_instants_before_1970_and_at_odd_milliseconds_are_told_exactly() -> None:
    told = history.format_instants(np.array([-1, 0, 1_782_036_300_007], np.int64))
    assert told == ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2026-06-21T10:05:00.007Z"]


@pytest.mark.parametrize("query", ["format=rows", ""])
async def test_a_store_that_fails_is_told_before_the_answer_begins(query: str) -> None:
    class Broken(FakeHub):
        async def history(self, *_args: object, **_kwargs: object) -> AsyncIterator[Series]:
            raise StoreError("the disk is gone")
            yield

    refused = await Api(Broken()).get("/devices/7/history", query)
    assert (refused.status, refused.json["detail"]) == (503, "the disk is gone")


async def test_another_tenants_device_has_no_history(api: Api) -> None:
    for device in (30, 999):
        assert (await api.get(f"/devices/{device}/history")).json["type"] == "urn:heliograph:problem:unknown-device"
