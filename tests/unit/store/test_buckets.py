"""Buckets on disk: small rows, read back in columns."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, Level, hour_starts, zone
from heliograph.model.buckets import QUANTITIES
from heliograph.store.base import Bucket, Rows
from heliograph.store.buckets import (
    _decode,
    _decode_hours,
    count_days,
    drop_plant,
    encode,
    encode_hours,
    put,
    read_hours,
    read_one,
    summed,
)  # fmt: skip
from tests.unit.store.world import NaN, Store, at, columns

DAY = at("2024-03-31T00:00:00")
amounts = st.one_of(st.just(NaN), st.floats(allow_infinity=False))
bags = st.dictionaries(st.sampled_from(QUANTITIES), amounts)


def real(values: dict[str, float]) -> dict[str, float]:
    """Without what is missing."""
    return {name: value for name, value in values.items() if value == value}


def packed(since: int, hours: list[Bucket]) -> bytes:
    """The hours of a day as the store writes them."""
    ends = [hour.since_ms for hour in hours] + [hours[-1].since_ms + HOUR_MS]
    names = {name for hour in hours for name in hour.values}
    arrays = {name: np.array([hour.values.get(name, NaN) for hour in hours]) for name in names}
    return encode_hours(np.array([since, *ends[1:]], np.int64), arrays)


def keep(store: Store, bucket: Bucket, plant: int = 1, device: int = 2) -> None:
    """Keep one bucket."""
    store.database.write_now(lambda rows: put(rows, plant, device, bucket))


def keep_hours(store: Store, since: int, hours: list[Bucket], plant: int = 1, device: int = 2) -> None:
    """Keep the hours of a day."""
    body = packed(since, hours)
    store.database.write_now(lambda rows: put(rows, plant, device, Bucket(Level.HOUR, since, {}), body))


@given(st.lists(bags, min_size=1, max_size=12))
def test_buckets_come_back_in_columns_whatever_each_of_them_has(listed: list[dict[str, float]]) -> None:
    since, found = _decode([(n * DAY_MS, encode(values)) for n, values in enumerate(listed)])
    assert since.tolist() == [n * DAY_MS for n in range(len(listed))]
    for index, values in enumerate(listed):
        assert {name: column[index] for name, column in found.items() if column[index] == column[index]} == real(values)


@given(st.integers(1, 27), st.data())
def test_the_hours_of_a_day_come_back(count: int, data: st.DataObject) -> None:
    hours = [Bucket(Level.HOUR, DAY + n * HOUR_MS, data.draw(bags)) for n in range(count)]
    starts, found = _decode_hours(DAY, packed(DAY, hours))
    assert starts.tolist() == [hour.since_ms for hour in hours]
    for index, hour in enumerate(hours):
        shown = {name: column[index] for name, column in found.items() if column[index] == column[index]}
        assert shown == real(hour.values)


def test_hours_of_an_odd_clock_change_keep_their_starts() -> None:
    starts = hour_starts(738_802, zone("Australia/Lord_Howe"))
    hours = [Bucket(Level.HOUR, start, {"production": 1.0}) for start in starts[:-1]]
    assert _decode_hours(starts[0], packed(starts[0], hours))[0].tolist() == list(starts[:-1])


def test_a_bucket_takes_room_only_for_what_it_has() -> None:
    assert len(encode({})) == 4
    assert len(encode({"production": NaN})) == 4
    assert len(encode({"production": 1.0, "received": 288.0, "idle": NaN})) == 20


def test_each_level_device_and_plant_has_its_own(store: Store) -> None:
    keep(store, Bucket(Level.DAY, DAY, {"production": 1.0}))
    keep(store, Bucket(Level.MONTH, DAY, {"production": 2.0}))
    keep(store, Bucket(Level.DAY, DAY, {"production": 3.0}), device=0)
    keep(store, Bucket(Level.DAY, DAY, {"production": 4.0}), plant=9)

    def shown(plant: int, device: int, level: Level) -> list[float]:
        series = store.buckets.read(plant, device, level, 0, 1 << 50)
        return series.columns["production"].tolist() if len(series.since_ms) else []

    assert shown(1, 2, Level.DAY) == [1.0]
    assert shown(1, 2, Level.MONTH) == [2.0]
    assert shown(1, 0, Level.DAY) == [3.0]
    assert shown(9, 2, Level.DAY) == [4.0]
    assert shown(9, 0, Level.DAY) == []
    assert store.buckets.read(1, 0, Level.DAY, 0, 1 << 50).subject_id == 1
    assert store.buckets.read(1, 2, Level.DAY, 0, 1 << 50).subject_id == 2


def test_buckets_that_start_in_the_span_are_read(store: Store) -> None:
    for day in range(3):
        keep(store, Bucket(Level.DAY, DAY + day * DAY_MS, {"production": float(day)}))
    read = store.buckets.read
    assert read(1, 2, Level.DAY, DAY, DAY + DAY_MS).columns["production"].tolist() == [0.0]
    assert read(1, 2, Level.DAY, DAY + 1, DAY + DAY_MS + 1).columns["production"].tolist() == [1.0]
    assert read(1, 2, Level.DAY, 0, DAY).since_ms.tolist() == []


def test_hours_are_cut_out_of_their_days(store: Store) -> None:
    for day in range(2):
        since = DAY + day * DAY_MS
        keep_hours(store, since, [Bucket(Level.HOUR, since + n * HOUR_MS, {"received": n}) for n in range(24)])
    found = store.buckets.read(1, 2, Level.HOUR, DAY + 22 * HOUR_MS, DAY + 26 * HOUR_MS)
    assert columns(found) == {DAY + n * HOUR_MS: {"received": n % 24} for n in range(22, 26)}
    assert store.buckets.read(1, 2, Level.HOUR, DAY - DAY_MS, DAY).since_ms.tolist() == []


def test_the_last_hour_of_the_longest_day_is_found(store: Store) -> None:
    starts = hour_starts(733_835, zone("Antarctica/Casey"))
    assert len(starts) == 28
    keep_hours(store, starts[0], [Bucket(Level.HOUR, start, {"received": 1.0}) for start in starts[:-1]])
    assert store.buckets.read(1, 2, Level.HOUR, starts[-2], starts[-1]).since_ms.tolist() == [starts[-2]]


def test_days_with_different_quantities_share_columns(store: Store) -> None:
    keep_hours(store, DAY, [Bucket(Level.HOUR, DAY, {"production": 1.0})])
    keep_hours(store, DAY + DAY_MS, [Bucket(Level.HOUR, DAY + DAY_MS, {"feed_in": 2.0})])
    found = store.buckets.read(1, 2, Level.HOUR, 0, 1 << 50)
    assert columns(found) == {DAY: {"production": 1.0}, DAY + DAY_MS: {"feed_in": 2.0}}


def test_a_bucket_without_anything_is_removed(store: Store) -> None:
    keep(store, Bucket(Level.DAY, DAY, {"production": 1.0}, {"ac.energy": 5.0}))
    keep(store, Bucket(Level.DAY, DAY, {}))
    assert store.database.query("SELECT count(*) FROM bucket") == [(0,)]


def test_a_day_that_only_hands_on_a_reading_is_kept_and_not_shown(store: Store) -> None:
    keep(store, Bucket(Level.DAY, DAY, {}, {"ac.energy": 5.0}))
    assert store.buckets.carry_before(1, 2, DAY + DAY_MS) == {"ac.energy": 5.0}
    assert store.buckets.read(1, 2, Level.DAY, 0, 1 << 50).since_ms.tolist() == []


def test_a_day_starts_from_the_newest_readings_before_it(store: Store) -> None:
    for day in (0, 2):
        keep(store, Bucket(Level.DAY, DAY + day * DAY_MS, {"production": 1.0}, {"ac.energy": float(day)}))
    before = store.buckets.carry_before
    assert before(1, 2, DAY) == {}
    assert before(1, 2, DAY + 1) == before(1, 2, DAY + 2 * DAY_MS) == {"ac.energy": 0.0}
    assert store.buckets.carry_at(1, 2, DAY + 2 * DAY_MS) == {"ac.energy": 2.0}
    assert store.buckets.next_day(1, 2, DAY + 1) == DAY + 2 * DAY_MS
    assert store.buckets.next_day(1, 2, DAY + 3 * DAY_MS) is None


def test_a_whole_is_the_sum_of_its_parts_where_they_are_known(store: Store) -> None:
    keep(store, Bucket(Level.DAY, DAY, {"production": 1.0, "feed_in": 5.0}))
    keep(store, Bucket(Level.DAY, DAY + DAY_MS, {"production": 2.0}))
    keep(store, Bucket(Level.DAY, DAY + 9 * DAY_MS, {"production": 100.0}))
    found = store.database.write_now(lambda rows: summed(rows, 1, 2, Level.DAY, DAY, DAY + 9 * DAY_MS))
    assert found == {"production": 3.0, "feed_in": 5.0}


def test_a_whole_without_parts_is_nothing(store: Store) -> None:
    keep(store, Bucket(Level.MONTH, DAY, {"production": 3.0}))
    assert store.database.write_now(lambda rows: summed(rows, 1, 2, Level.DAY, DAY, DAY + DAY_MS)) == {}


def test_one_bucket_is_read_by_its_start_and_days_with_a_quantity_are_counted(store: Store) -> None:
    keep(store, Bucket(Level.DAY, DAY, {"production": 1.0}))
    keep(store, Bucket(Level.DAY, DAY + DAY_MS, {"production": 0.0, "feed_in": 5.0}))
    keep(store, Bucket(Level.DAY, DAY + 2 * DAY_MS, {"feed_in": 5.0}))

    def job(rows: Rows) -> tuple[dict[str, float], dict[str, float], int, int]:
        span = (DAY, DAY + 3 * DAY_MS)
        return (
            read_one(rows, 1, 2, Level.DAY, DAY + DAY_MS),
            read_one(rows, 1, 2, Level.DAY, DAY + 5),
            count_days(rows, 1, 2, span, "production"),
            count_days(rows, 1, 2, span, "purchase"),
        )

    assert store.database.write_now(job) == ({"production": 0.0, "feed_in": 5.0}, {}, 2, 0)


def test_a_transaction_reads_the_hours_it_has_just_written(store: Store) -> None:
    def job(rows: Rows) -> list[float]:
        body = packed(DAY, [Bucket(Level.HOUR, DAY, {"production": 7.0})])
        put(rows, 1, 2, Bucket(Level.HOUR, DAY, {}), body)
        assert read_hours(rows, 1, 3, DAY) == {}
        return list(read_hours(rows, 1, 2, DAY)["production"].tolist())

    assert store.database.write_now(job) == [7.0]


def test_dropping_a_plant_leaves_the_others(store: Store) -> None:
    keep(store, Bucket(Level.DAY, DAY, {"production": 1.0}))
    keep(store, Bucket(Level.DAY, DAY, {"production": 1.0}), plant=9)
    store.database.write_now(lambda rows: drop_plant(rows, 1))
    assert len(store.buckets.read(1, 2, Level.DAY, 0, 1 << 50).since_ms) == 0
    assert np.array_equal(store.buckets.read(9, 2, Level.DAY, 0, 1 << 50).columns["production"], [1.0])
