"""Energy and performance by period, over the plant's own calendar."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, Level, zone
from heliograph.dialects.native.lookups import Span
from heliograph.dialects.native.periods import periods_of, source_of
from heliograph.dialects.native.results import EnergyBucket
from heliograph.model.buckets import QUANTITIES, BucketSeries
from heliograph.protocol.hub import Subject
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import NOW_MS, FakeHub, utc_ms

JUNE_20, JUNE_21 = utc_ms("2026-06-20T00:00:00+02:00"), utc_ms("2026-06-21T00:00:00+02:00")


def test_a_bucket_travels_with_every_quantity_the_hub_totals() -> None:
    assert set(EnergyBucket.__struct_fields__) == {*QUANTITIES, "since", "until", "source"}


@pytest.mark.parametrize(
    ("production_wh", "reported_wh", "source"),
    [
        (None, None, None),
        (None, 5.0, None),
        (5.0, None, "computed"),
        (0.0, None, "computed"),
        (5.0, 0.0, "computed"),
        (5.0, 5.0, "reported"),
        (0.1 + 0.2, 0.3, "reported"),
        (0.0, 0.0, "reported"),
        (5.0, 2.0, "mixed"),
    ],
)
def test_the_source_of_a_production_is_told_by_its_reported_share(
    production_wh: float | None, reported_wh: float | None, source: str | None
) -> None:
    assert source_of(production_wh, reported_wh) == source


@pytest.mark.parametrize("subject", ["plant", "device"])
async def test_a_reported_total_travels_beside_the_computed_one(api: Api, hub: FakeHub, subject: Subject) -> None:
    number = {"plant": 1, "device": 7}[subject]
    hub.kept_buckets[subject, number] = {
        JUNE_20: {"production": 51_200.0, "declared": 51_200.0, "reported": 51_200.0, "computed": 49_000.0},
        JUNE_21: {"production": 20_000.0, "declared": 20_100.0},
    }
    found = (await api.get(f"/{subject}s/{number}/energy", "since=2026-06-19")).json["buckets"]
    told = [
        tuple(bucket[name] for name in ("production", "declared", "computed", "reported", "source")) for bucket in found
    ]
    assert told == [
        (None, None, None, None, None),
        (51_200.0, 51_200.0, 49_000.0, 51_200.0, "reported"),
        (20_000.0, 20_100.0, None, None, "computed"),
    ]


async def test_the_month_so_far_comes_by_day_with_null_where_nothing_was_measured(api: Api, hub: FakeHub) -> None:
    hub.kept_buckets["plant", 1] = {
        JUNE_20: {"production": 51_000.0, "integrated": 250.0, "irradiation": 6000.0},
        JUNE_21: {"production": 20_000.0},
    }
    found = (await api.get("/plants/1/energy")).json
    assert (found["plant"], found["level"], found["zone"], found["currency"]) == (1, "day", "Europe/Berlin", "CNY")
    assert "device" not in found
    assert len(found["buckets"]) == 21
    first, *_, before, today = found["buckets"]
    assert set(first.values()) == {"2026-05-31T22:00:00.000Z", "2026-06-01T22:00:00.000Z", None}
    assert (before["production"], before["integrated"], before["purchase"]) == (51_000.0, 250.0, None)
    assert (today["since"], today["until"]) == ("2026-06-20T22:00:00.000Z", "2026-06-21T22:00:00.000Z")
    assert (today["production"], today["integrated"]) == (20_000.0, None)


async def test_a_device_tells_its_energy_by_the_calendar_of_its_plant(api: Api, hub: FakeHub) -> None:
    start = utc_ms("2026-06-21T04:00:00-04:00")
    hub.kept_buckets["device", 9] = {start: {"purchase": 1.0}}
    found = (await api.get("/devices/9/energy", "level=hour")).json
    assert (found["device"], found["plant"], found["zone"]) == (9, 2, "America/New_York")
    assert found["buckets"][0]["since"] == "2026-06-21T04:00:00.000Z"
    assert [bucket["purchase"] for bucket in found["buckets"]] == [None, None, None, None, 1.0, None, None, None, None]


@pytest.mark.parametrize(
    ("level", "query", "count"),
    [
        ("hour", "", 15),
        ("hour", "since=2026-03-29&until=2026-03-30", 23),
        ("hour", "since=2025-10-26&until=2025-10-27", 25),
        ("day", "since=2026-03-01&until=2026-04-01", 31),
        ("day", "since=2026-03-01T00:00:01&until=2026-04-01", 30),
        ("month", "", 6),
        ("month", "since=2025-06-01&until=2026-06-01", 12),
        ("year", "", 10),
        ("year", "since=1970-01-02&until=2200-01-01", 229),
    ],
)
async def test_a_span_holds_the_periods_that_start_in_it(api: Api, level: str, query: str, count: int) -> None:
    found = await api.get("/plants/1/energy", f"level={level}&{query}")
    assert len(found.json["buckets"]) == count


@pytest.mark.parametrize(
    "query", ["level=hour&since=2020-01-01", "level=week", "since=2026-07-01", "level=day&since=1970-01-02"]
)
@pytest.mark.parametrize("path", ["/plants/1/energy", "/plants/1/kpis", "/devices/7/energy"])
async def test_spans_that_are_too_long_or_none_are_refused(api: Api, path: str, query: str) -> None:
    assert (await api.get(path, query)).status == 400


@given(
    st.sampled_from(list(Level)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.integers(NOW_MS - 700 * DAY_MS, NOW_MS),
    st.integers(0, 20 * DAY_MS),
)
def test_periods_join_without_gap_or_overlap(level: Level, name: str, since_ms: int, length_ms: int) -> None:
    empty = BucketSeries(1, level, np.array([], np.int64), {})
    found = periods_of(empty, Span(since_ms, since_ms + length_ms), zone(name))
    assert all(since_ms <= start < since_ms + length_ms < end + 400 * DAY_MS for start, end, _ in found)
    assert all(before[1] == after[0] for before, after in pairwise(found))
    if level is Level.HOUR:
        assert len(found) >= length_ms // HOUR_MS - 2


async def test_kpis_tell_yields_uncapped_ratio_and_how_much_of_the_data_came(api: Api, hub: FakeHub) -> None:
    hub.kept_devices[10] = msgspec.structs.replace(hub.kept_devices[7], id=10, interval_s=900)
    hub.kept_devices[11] = msgspec.structs.replace(hub.kept_devices[7], id=11, disabled=True)
    hub.kept_buckets["plant", 1] = {JUNE_20: {"production": 60_000.0, "pv_input": 65_000.0, "irradiation": 5_000.0}}
    hub.kept_buckets["device", 7] = {JUNE_20: {"received": 280.0}, JUNE_21: {"received": 100.0}}
    hub.kept_buckets["device", 10] = {JUNE_20: {"received": 90.0, "production": 1.0}}
    found = (await api.get("/plants/1/kpis", "since=2026-06-20")).json
    assert (found["plant"], found["level"], found["zone"]) == (1, "day", "Europe/Berlin")
    before, today = found["periods"]
    assert before == {
        "since": "2026-06-19T22:00:00.000Z",
        "until": "2026-06-20T22:00:00.000Z",
        "reference_yield_h": 5.0,
        "array_yield_h": 6.5,
        "final_yield_h": 6.0,
        "capture_loss_h": -1.5,
        "system_loss_h": 0.5,
        "performance_ratio": pytest.approx(1.2),
        "expected": 288 + 96,
        "received": 370,
        "availability": 370 / 384,
    }
    assert (today["performance_ratio"], today["final_yield_h"]) == (None, None)
    assert (today["expected"], today["received"]) == (14 * 12 + 14 * 4, 100)


async def test_who_sends_more_than_it_owes_does_not_make_up_for_others(api: Api, hub: FakeHub) -> None:
    hub.kept_devices[10] = msgspec.structs.replace(hub.kept_devices[7], id=10)
    hub.kept_buckets["device", 7] = {JUNE_20: {"received": 289.0}}
    hub.kept_buckets["device", 10] = {JUNE_20: {"received": 144.0}}
    before, _ = (await api.get("/plants/1/kpis", "since=2026-06-20")).json["periods"]
    assert (before["expected"], before["received"], before["availability"]) == (577, 433, 433 / 577)


async def test_nothing_is_expected_before_a_plant_is_connected_or_of_a_plant_without_devices(
    api: Api, hub: FakeHub
) -> None:
    plant = hub.kept_plants[1]
    hub.kept_plants[1] = msgspec.convert({**msgspec.to_builtins(plant), "connected_on": "2026-06-20"}, type(plant))
    periods = (await api.get("/plants/1/kpis")).json["periods"]
    assert [period["expected"] for period in periods] == [0] * 19 + [288, 168]
    assert periods[0]["availability"] is None
    hub.kept_devices = {}
    assert [p["expected"] for p in (await api.get("/plants/1/kpis", "since=2026-06-20")).json["periods"]] == [0, 0]


async def test_the_periods_of_another_tenant_do_not_exist(api: Api) -> None:
    for path in ("/plants/3/energy", "/plants/99/kpis", "/devices/30/energy", "/devices/99/energy"):
        assert (await api.get(path)).status == 404
