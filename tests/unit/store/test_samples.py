"""The hot tier: records once, corrections told, newest readings, days to fold."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from heliograph.errors import ConflictError, ReplayError, StoreError
from heliograph.model.samples import Block, Latest
from heliograph.protocol.hub import Ingested, Once
from heliograph.store import samples
from heliograph.store.base import DirtyDay, Rows
from tests.unit.store.world import NaN, Store, block

T = 1_700_000_000_000
STEP = 300_000


async def append(store: Store, *blocks: Block, once: Once | None = None) -> Ingested:
    """Keep blocks as a request does."""
    async with store.database.writing():
        return await store.hot.append(store.submission(*blocks, once=once))


def newest(store: Store, device: int = 1) -> dict[str, tuple[float | str, int]]:
    """The newest readings by key: value and steps since T."""
    found: Latest = store.hot.latest([device])[0]
    return {key: (reading.value, (reading.at_ms - T) // STEP) for key, reading in found.readings.items()}


# Records


def test_the_same_records_again_change_nothing(store: Store) -> None:
    readings = {T: {"a": 1.0, "b": NaN}, T + STEP: {"a": 2.0, "b": 3.0}}
    assert store.put(1, readings) == (2, 0, 0)
    assert store.put(1, readings) == (0, 2, 0)
    assert store.bags(1) == {T: {"a": 1.0}, T + STEP: {"a": 2.0, "b": 3.0}}
    assert store.audit() == []


def test_the_same_record_twice_in_one_request_is_once(store: Store) -> None:
    made = block(1, {T: {"a": 1.0}})
    twice = Block(made.keys, [1, 1], [T, T], made.values.repeat(2, axis=0))
    done = store.database.write_now(lambda rows: store.hot.apply(store.submission(twice), rows))
    assert (done.accepted, done.duplicates, done.corrected) == (1, 1, 0)
    assert store.bags(1) == {T: {"a": 1.0}}


def test_other_keys_at_the_same_instant_complete_the_record(store: Store) -> None:
    store.put(1, {T: {"a": 1.0, "model": "X"}})
    assert store.put(1, {T: {"b": 2.0, "firmware": "7"}}) == (1, 0, 0)
    assert store.put(1, {T: {"b": 2.0}}) == (0, 1, 0)
    assert store.bags(1) == {T: {"a": 1.0, "model": "X", "b": 2.0, "firmware": "7"}}
    assert store.audit() == []


def test_a_null_never_takes_a_value_away(store: Store) -> None:
    store.put(1, {T: {"a": 1.0}})
    assert store.put(1, {T: {"a": NaN, "b": 5.0}}) == (1, 0, 0)
    assert store.put(1, {T: {"a": NaN}}) == (0, 1, 0)
    assert store.bags(1) == {T: {"a": 1.0, "b": 5.0}}


def test_a_value_that_changes_is_a_correction_and_written_down(store: Store) -> None:
    store.put(1, {T: {"a": 1.0, "b": 2.0, "word": "x"}})
    assert store.put(1, {T: {"a": 9.0, "word": "y"}}) == (0, 0, 1)
    assert store.bags(1) == {T: {"a": 9.0, "b": 2.0, "word": "y"}}
    (line,) = store.audit()
    assert json.loads(line) == {
        "device": 1,
        "at_ms": T,
        "old": {"a": 1.0, "word": "x"},
        "new": {"a": 9.0, "word": "y"},
    }


def test_of_two_values_for_one_instant_in_a_request_the_later_wins(store: Store) -> None:
    made = store.submission(block(1, {T: {"a": 1.0}}), block(1, {T: {"a": 2.0}}))
    done = store.database.write_now(lambda rows: store.hot.apply(made, rows))
    assert (done.accepted, done.corrected) == (1, 1)
    assert store.bags(1) == {T: {"a": 2.0}}


def test_a_record_of_texts_alone_is_kept(store: Store) -> None:
    assert store.put(1, {T: {"word": "x"}, T + 1: {}}) == (2, 0, 0)
    assert store.bags(1) == {T: {"word": "x"}, T + 1: {}}
    assert store.bags(1, keys=["a"]) == {T: {}, T + 1: {}}


def test_devices_do_not_mix(store: Store) -> None:
    store.put(1, {T: {"a": 1.0}})
    store.put(2, {T: {"a": 2.0}})
    assert (store.bags(1), store.bags(2), store.bags(3)) == ({T: {"a": 1.0}}, {T: {"a": 2.0}}, {})


# Replays


async def test_a_mark_opens_once_also_after_reopening(store: Store, tmp_path: Path) -> None:
    once = Once("dialect:1:nonce", T + 600_000)
    await append(store, block(1, {T: {"a": 1.0}}), once=once)
    with pytest.raises(ReplayError):
        await append(store, block(1, {T + STEP: {"a": 2.0}}), once=once)
    assert set(store.bags(1)) == {T}
    again = Store(store.database.path)
    with pytest.raises(ReplayError):
        await append(again, block(1, {T + STEP: {"a": 2.0}}), once=once)
    await append(again, block(1, {T + STEP: {"a": 2.0}}), once=Once("dialect:1:other", T + 600_000))
    assert set(again.bags(1)) == {T, T + STEP}
    again.database.close()


async def test_a_refused_replay_leaves_others_of_its_transaction_alone(store: Store) -> None:
    once = Once("n", T)
    made = [store.submission(block(n, {T: {"k": 1.0}}), once=once if n % 2 else None) for n in range(4)]
    async with store.database.writing():
        outcomes = await asyncio.gather(*map(store.hot.append, made), return_exceptions=True)
    assert [isinstance(outcome, ReplayError) for outcome in outcomes] == [False, False, False, True]
    assert [bool(store.bags(n)) for n in range(4)] == [True, True, True, False]


# Newest readings


async def test_the_newest_of_each_key_is_told_whatever_record_it_came_in(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0, "b": 1.0}}))
    await append(store, block(1, {T + STEP: {"a": 2.0}}), block(1, {T - STEP: {"c": 0.5}}))
    assert newest(store) == {"a": (2.0, 1), "b": (1.0, 0), "c": (0.5, -1)}
    assert store.hot.latest([1])[0].at_ms == T + STEP


async def test_an_older_record_never_hides_a_newer_reading(store: Store) -> None:
    await append(store, block(1, {T + STEP: {"a": 2.0}}))
    await append(store, block(1, {T: {"a": 1.0}}))
    assert newest(store) == {"a": (2.0, 1)}
    async with store.database.writing():
        await store.hot.flush()
        await store.hot.append(store.submission(block(1, {T: {"a": 0.5}})))
    assert newest(store) == {"a": (2.0, 1)}
    async with store.database.writing():
        await store.hot.flush()
    assert newest(store) == {"a": (2.0, 1)}


async def test_a_null_does_not_hide_the_last_value(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0, "b": 1.0}}))
    await append(store, block(1, {T + STEP: {"a": 2.0, "b": NaN}}))
    assert newest(store) == {"a": (2.0, 1), "b": (1.0, 0)}


async def test_a_text_stays_when_later_records_carry_none(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0, "model": "X"}}))
    await append(store, block(1, {T + STEP: {"a": 2.0}}))
    await append(store, block(1, {T + 2 * STEP: {"mode": "eco"}}))
    assert newest(store) == {"a": (2.0, 1), "model": ("X", 0), "mode": ("eco", 2)}
    async with store.database.writing():
        await store.hot.flush()
    assert store.hot.pending == 0
    assert newest(store) == {"a": (2.0, 1), "model": ("X", 0), "mode": ("eco", 2)}


async def test_a_device_that_sent_nothing_has_no_newest_reading(store: Store) -> None:
    assert store.hot.latest([5]) == [Latest(5, None, {})]
    await append(store, block(5, {T: {"a": NaN}}))
    assert store.hot.latest([5]) == [Latest(5, T, {})]


async def test_newest_readings_come_in_the_order_asked(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0}}), block(2, {T: {"a": 2.0}}))
    assert [found.device_id for found in store.hot.latest([2, 3, 1])] == [2, 3, 1]


async def test_after_a_kill_the_newest_readings_are_made_again_from_the_records(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0, "b": 7.0}, T + STEP: {"a": 2.0, "b": NaN}}))
    await append(store, block(1, {T + STEP: {"model": "X"}}))
    before = newest(store)
    killed = Store(store.database.path)
    assert newest(killed) == {}
    killed.database.write_now(killed.hot.recover)
    assert newest(killed) == before == {"a": (2.0, 1), "b": (7.0, 0), "model": ("X", 1)}
    killed.database.close()


async def test_readings_wait_in_memory_until_they_are_flushed(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0}}))
    assert store.hot.pending == 1
    async with store.database.writing():
        await store.hot.flush()
        await store.hot.flush()
    assert (store.hot.pending, newest(store)) == (0, {"a": (1.0, 0)})


async def test_a_reading_that_comes_during_a_flush_is_not_lost(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0}}))
    async with store.database.writing():
        flushing = asyncio.create_task(store.hot.flush())
        await store.hot.append(store.submission(block(1, {T + STEP: {"a": 2.0}})))
        await flushing
    assert newest(store) == {"a": (2.0, 1)}


async def test_what_could_not_be_kept_is_not_shown_as_newest(store: Store) -> None:
    async with store.database.writing():
        await store.hot.append(store.submission(block(1, {T: {"a": 1.0}})))

        def fail(_: Rows) -> None:
            raise StoreError("no")

        doomed = [
            asyncio.create_task(store.hot.append(store.submission(block(1, {T + STEP: {"a": 2.0}})))),
            asyncio.create_task(store.database.write(fail)),
        ]
        outcomes = await asyncio.gather(*doomed, return_exceptions=True)
    assert all(isinstance(outcome, StoreError) for outcome in outcomes)
    assert newest(store) == {"a": (1.0, 0)}
    assert set(store.bags(1)) == {T}


# Days to fold


def mark(store: Store, *days: int) -> None:
    """Mark days of device 1."""
    store.database.write_now(lambda rows: store.hot.mark({day: {1} for day in days}, rows))


def test_days_to_fold_come_oldest_first(store: Store) -> None:
    mark(store, 12, 10, 11)
    assert [found.day for found in store.hot.dirty(2)] == [10, 11]
    assert [found.day for found in store.hot.dirty_until(11, {1, 2})] == [10, 11]
    assert store.hot.dirty_until(12, {2}) == []
    assert store.hot.has_dirty(10, {1})
    assert not store.hot.has_dirty(9, {1})
    assert store.hot.any_dirty()


def test_a_day_that_is_marked_is_not_marked_again_until_it_is_taken(store: Store) -> None:
    mark(store, 10)
    (first,) = store.hot.dirty_until(10, {1})
    mark(store, 10)
    (second,) = store.hot.dirty_until(10, {1})
    assert second.seq > first.seq
    assert isinstance(first, DirtyDay)
    mark(store, 10)
    mark(store, 10)
    assert store.database.query("SELECT count(*) FROM dirty") == [(1,)]


def test_a_mark_that_was_undone_is_made_again(store: Store) -> None:
    def job(rows: Rows) -> None:
        store.hot.mark({10: {1}}, rows)
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        store.database.write_now(job)
    assert not store.hot.has_dirty(10, {1})
    mark(store, 10)
    assert store.hot.has_dirty(10, {1})


async def test_newest_readings_that_were_asked_for_before_follow_whatever_comes(store: Store) -> None:
    for step, value in enumerate((1.0, 2.0, 2.0)):
        await append(store, block(1, {T + step * STEP: {"a": value}}))
        assert newest(store) == newest(store) == {"a": (value, step)}
    await append(store, block(1, {T + 5 * STEP: {"state": "on"}}))
    expected = {"a": (2.0, 2), "state": ("on", 5)}
    assert newest(store) == expected
    store.database.write_now(lambda rows: store.hot.flush_device(rows, 1, T, T + 9 * STEP))
    assert newest(store) == newest(store) == expected


async def test_newest_readings_follow_what_another_process_wrote(store: Store) -> None:
    await append(store, block(1, {T: {"a": 1.0}}))
    async with store.database.writing():
        await store.hot.flush()
    assert newest(store) == newest(store) == {"a": (1.0, 0)}
    with closing(sqlite3.connect(store.database.path)) as other, other:
        other.execute("UPDATE latest SET at = at + ?", (STEP,))
    assert newest(store) == newest(store) == {"a": (1.0, 1)}


async def test_no_more_devices_are_remembered_than_fit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "REMEMBERED", 2)
    for device in (1, 2, 3):
        await append(store, block(device, {T: {"a": float(device)}}))
        assert store.hot.latest([device], again=False)[0].readings["a"].value == device
        assert newest(store, device) == {"a": (float(device), 0)}
    assert list(store.hot._read) == [2, 3]
