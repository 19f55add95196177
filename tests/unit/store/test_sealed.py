"""Both tiers read as one: whatever was appended, sealed, corrected and merged, in whatever order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, Level, period, zone
from heliograph.store.base import Rows
from heliograph.store.sealed import LONGEST_MS, MERGED_DAYS
from tests.unit.store.world import NaN, Store, at

T = at("2024-03-29T00:00:00")
DEVICES = itertools.count(1)
ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Antarctica/Casey")

Bag = dict[str, float | str]
values = st.one_of(st.just(NaN), st.integers(-5, 5).map(float), st.floats(-1e9, 1e9))
words = st.sampled_from(["run", "stop", ""])
bags = st.fixed_dictionaries({}, optional={"a": values, "b": values, "c": values, "word": words, "note": words})
readings = st.dictionaries(st.integers(0, 4 * 24 * 2 - 1).map(lambda n: T + n * HOUR_MS // 2), bags, max_size=30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), readings),
        st.tuples(st.just("seal"), st.sampled_from(ZONES)),
        st.tuples(st.just("merge"), st.none()),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples; each takes a device of its own."""
    made = Store(tmp_path_factory.mktemp("sealed") / "store.db")
    yield made
    made.database.close()


def seal_oldest(store: Store, device: int, zone_name: str = "UTC") -> tuple[int, int] | None:
    """Seal the local day of the oldest record that is not sealed; returns the span."""
    oldest = store.tiers.oldest_hot(device)
    if oldest is None:
        return None
    span = store.tiers.span(device, oldest, *period(Level.DAY, oldest, zone(zone_name)))
    store.database.write_now(lambda rows: store.tiers.seal(device, *span, rows))
    return span


def seal_all(store: Store, device: int, zone_name: str = "UTC") -> None:
    """Seal everything of a device."""
    while seal_oldest(store, device, zone_name) is not None:
        pass


def spans(store: Store, device: int) -> list[tuple[int, int]]:
    """The spans of a device's chunks."""
    return store.database.query("SELECT since, until FROM sealed WHERE device = ? ORDER BY since", (device,))


def keep(model: dict[int, Bag], readings: dict[int, Bag]) -> None:
    """What readings make of the model: a null takes nothing away, the newest value wins."""
    for instant, bag in readings.items():
        model.setdefault(instant, {}).update({key: value for key, value in bag.items() if value == value})


@given(steps)
@settings(max_examples=80)
def test_both_tiers_tell_what_a_plain_dictionary_would(shared: Store, steps: list[tuple[str, Any]]) -> None:
    device, model = next(DEVICES), dict[int, Bag]()
    for what, with_ in steps:
        if what == "append":
            shared.put(device, with_)
            keep(model, with_)
        elif what == "seal":
            seal_oldest(shared, device, with_)
        elif (found := shared.tiers.mergeable(device, 1 << 50)) is not None:
            shared.database.write_now(partial(shared.tiers.merge, device, *found))
        assert shared.bags(device) == dict(sorted(model.items()))
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans(shared, device)))
    assert shared.tiers.instants(device, 0, 1 << 50).tolist() == sorted(model)
    hours = shared.tiers.covered_hours(device)
    assert {instant // HOUR_MS for instant in model} <= set(hours)
    assert hours == sorted(set(hours))


@given(readings, readings, st.integers(-2, 4 * 24), st.integers(0, 4 * 24), st.sampled_from(ZONES))
def test_a_span_and_some_keys_are_cut_out_of_both_tiers(
    shared: Store, sealed: dict[int, Bag], late: dict[int, Bag], start: int, hours: int, zone_name: str
) -> None:
    device, model = next(DEVICES), dict[int, Bag]()
    shared.put(device, sealed)
    seal_all(shared, device, zone_name)
    shared.put(device, late)
    keep(model, sealed)
    keep(model, late)
    since = T + start * HOUR_MS
    until = since + hours * HOUR_MS
    inside = {instant: bag for instant, bag in sorted(model.items()) if since <= instant < until}
    assert shared.bags(device, since, until) == inside
    assert shared.tiers.instants(device, since, until).tolist() == list(inside)
    for keys in (["a"], ["a", "word"], ["nowhere"], [], list("abcdefghijklmnop")):
        cut = {instant: {k: v for k, v in bag.items() if k in keys} for instant, bag in inside.items()}
        assert shared.bags(device, since, until, keys) == cut


def test_columns_are_as_long_as_the_instants(store: Store) -> None:
    store.put(1, {T: {"a": 1.0, "word": "x"}, T + HOUR_MS: {"b": 2.0}})
    seal_all(store, 1)
    store.put(1, {T + 1: {"c": 3.0}, T + DAY_MS: {"note": "y"}})
    series = store.tiers.series(1, 0, 1 << 50)
    assert series.at_ms.dtype == np.int64
    assert series.at_ms.tolist() == [T, T + 1, T + HOUR_MS, T + DAY_MS]
    assert {len(column) for column in series.columns.values()} == {4}
    assert {len(line) for line in series.texts.values()} == {4}
    assert store.tiers.series(9, 0, 1 << 50).at_ms.tolist() == []


def test_sealing_moves_records_and_tells_how_many(store: Store) -> None:
    store.put(1, {T + n * HOUR_MS: {"a": float(n)} for n in range(30)})
    assert store.database.write_now(lambda rows: store.tiers.seal(1, T, T + DAY_MS, rows)) == 24
    assert store.database.query("SELECT count(*) FROM sample") == [(6,)]
    assert store.database.write_now(lambda rows: store.tiers.seal(1, T, T + DAY_MS, rows)) == 0
    assert spans(store, 1) == [(T, T + DAY_MS)]


def test_a_correction_of_sealed_data_is_written_down_when_it_is_sealed(store: Store) -> None:
    store.put(1, {T: {"a": 1.0, "b": 5.0}, T + HOUR_MS: {"a": 2.0}})
    seal_all(store, 1)
    store.put(1, {T: {"a": 9.0, "b": 5.0}})
    assert store.bags(1)[T] == {"a": 9.0, "b": 5.0}
    seal_all(store, 1)
    assert [json.loads(line) for line in store.audit()] == [
        {"device": 1, "at_ms": T, "old": {"a": 1.0}, "new": {"a": 9.0}}
    ]
    assert store.bags(1) == {T: {"a": 9.0, "b": 5.0}, T + HOUR_MS: {"a": 2.0}}


def test_a_corrected_text_of_sealed_data_is_written_down_too(store: Store) -> None:
    store.put(1, {T: {"word": "x"}})
    seal_all(store, 1)
    store.put(1, {T: {"word": "y"}})
    seal_all(store, 1)
    assert [json.loads(line) for line in store.audit()] == [
        {"device": 1, "at_ms": T, "old": {"word": "x"}, "new": {"word": "y"}}
    ]
    assert store.bags(1) == {T: {"word": "y"}}


def test_after_a_change_of_zone_new_chunks_stop_where_old_ones_begin(store: Store) -> None:
    store.put(1, {T + n * HOUR_MS: {"a": float(n)} for n in range(24, 48)})
    seal_oldest(store, 1, "UTC")
    store.put(1, {T + n * HOUR_MS: {"a": float(n)} for n in range(96)})
    seal_all(store, 1, "Asia/Tokyo")
    held = spans(store, 1)
    assert (T + DAY_MS, T + 2 * DAY_MS) in held
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(held))
    assert held[0][0] == T - 9 * HOUR_MS
    assert store.bags(1) == {T + n * HOUR_MS: {"a": float(n)} for n in range(96)}


def test_a_week_of_days_becomes_one_chunk_that_reads_the_same(store: Store) -> None:
    store.put(1, {T + n * HOUR_MS: {"a": float(n), "word": str(n // 40)} for n in range(24 * 9)})
    seal_all(store, 1)
    before = store.bags(1)
    assert store.tiers.mergeable(1, T + (MERGED_DAYS - 1) * DAY_MS) is None
    span = store.tiers.mergeable(1, 1 << 50)
    assert span == (T, T + MERGED_DAYS * DAY_MS)
    store.database.write_now(lambda rows: store.tiers.merge(1, *span, rows))
    assert spans(store, 1) == [span, *((T + n * DAY_MS, T + (n + 1) * DAY_MS) for n in (7, 8))]
    assert store.bags(1) == before
    assert store.tiers.mergeable(1, 1 << 50) is None
    assert store.database.query("SELECT count(DISTINCT id >> 20) FROM chunk") == [(3,)]


def test_a_late_record_goes_into_the_week_that_holds_it(store: Store) -> None:
    store.put(1, {T + n * HOUR_MS: {"a": float(n)} for n in range(24 * 7)})
    seal_all(store, 1)
    week = (T, T + 7 * DAY_MS)
    store.database.write_now(lambda rows: store.tiers.merge(1, *week, rows))
    store.put(1, {T + 3 * DAY_MS + 1: {"a": -1.0}})
    assert seal_oldest(store, 1, "Asia/Tokyo") == week
    assert len(store.bags(1)) == 24 * 7 + 1
    assert spans(store, 1) == [week]


def test_days_far_apart_are_not_merged_into_a_chunk_that_readers_miss(store: Store) -> None:
    days = [0, 1, 2, 30, 31, 32, 33, 34, 35, 36, 37]
    store.put(1, {T + n * DAY_MS + HOUR_MS: {"a": float(n)} for n in days})
    seal_all(store, 1)
    while (span := store.tiers.mergeable(1, 1 << 50)) is not None:
        store.database.write_now(partial(store.tiers.merge, 1, *span))
    assert all(until - since <= LONGEST_MS for since, until in spans(store, 1))
    for day in days:
        instant = T + day * DAY_MS + HOUR_MS
        assert store.bags(1, instant, instant + 1) == {instant: {"a": float(day)}}


def test_a_reader_sees_a_day_whole_while_it_moves_between_the_tiers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(1, {T + n * HOUR_MS: {"a": float(n)} for n in range(24)})
    other = Store(store.database.path)
    original = store.tiers._chunks

    def sealed_meanwhile(*arguments: Any) -> Any:
        found = original(*arguments)
        seal_all(other, 1)
        return found

    monkeypatch.setattr(store.tiers, "_chunks", sealed_meanwhile)
    assert len(store.bags(1)) == 24
    monkeypatch.undo()
    assert len(store.bags(1)) == 24
    assert store.database.query("SELECT count(*) FROM sample") == [(0,)]
    other.database.close()


@contextmanager
def failing_at(store: Store, text: str) -> Iterator[None]:
    """Make the writer fail at statements that hold a text."""
    store.database.writer.execute(f"CREATE TEMP TRIGGER boom BEFORE {text} BEGIN SELECT RAISE(ABORT, 'boom'); END")
    yield
    store.database.writer.execute("DROP TRIGGER boom")


def test_a_seal_that_fails_midway_leaves_the_records_where_they_were(store: Store, tmp_path: Path) -> None:
    from heliograph.errors import StoreError

    store.put(1, {T + n * HOUR_MS: {"a": float(n)} for n in range(24)})
    seal_all(store, 1)
    store.put(1, {T: {"a": 99.0}, T + 1: {"fresh": 1.0}})
    before = store.bags(1)
    with failing_at(store, "DELETE ON main.sample"), pytest.raises(StoreError):
        seal_oldest(store, 1)
    assert store.bags(1) == before
    again = Store(store.database.path)
    assert again.bags(1) == before
    again.database.close()
    seal_all(store, 1)
    assert store.bags(1) == before


def test_rows_that_a_transaction_has_not_committed_count_as_covered(store: Store) -> None:
    def job(rows: Rows) -> tuple[list[int], list[int]]:
        store.hot.apply(store.submission(), rows)
        rows.execute("INSERT INTO sample VALUES (1, ?, 1, x'', NULL)", (T,))
        return store.tiers.covered_hours(1), store.tiers.covered_hours(1, rows)

    assert store.database.write_now(job) == ([], [T // HOUR_MS])
