"""What every store keeps to, whatever database lies below: one suite, run on each that there is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, Level
from heliograph.errors import ConflictError, ReplayError, StoreError
from heliograph.model.access import Credential, Secret
from heliograph.model.devices import Device, DeviceKind
from heliograph.model.plants import Account, Plant
from heliograph.protocol.hub import AliasScheme, Ingested, Once
from heliograph.store.base import Bucket, Rows
from heliograph.store.buckets import put
from heliograph.store.keyring import Keyring
from heliograph.store.registry import Registry
from tests.unit.store.world import NaN, Store, at, block, columns

T = at("2024-03-30T00:00:00")
OPEN: dict[str, Callable[[Path], Store]] = {"sqlite": lambda folder: Store(folder / "store.db")}
"""How each store is opened; a new one adds its line."""


class Place:
    """A store in its folder, which can be left as by a kill and opened again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind, self._folder = kind, folder
        self._opened: list[Store] = []
        self.store = self.open()

    def open(self) -> Store:
        """Another opening of the same store."""
        made = OPEN[self._kind](self._folder)
        self._opened.append(made)
        return made

    def again(self) -> Store:
        """The store as the next process finds it; the old one was never closed."""
        self.store = self.open()
        return self.store

    def registry(self, store: Store | None = None) -> Registry:
        """The registry of the store."""
        return Registry((store or self.store).database, Keyring(self._folder / "key"))

    def close(self) -> None:
        """Close everything that was opened."""
        for store in self._opened:
            store.database.close()


@pytest.fixture(params=list(OPEN))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each kind of store in turn, empty."""
    made = Place(request.param, tmp_path)
    yield made
    made.close()


async def append(store: Store, *blocks: Any, **more: Any) -> Ingested:
    """Keep blocks as one request."""
    async with store.database.writing():
        return await store.hot.append(store.submission(*blocks, **more))


# Samples


async def test_what_was_acknowledged_is_there_after_a_kill(place: Place) -> None:
    done = await append(place.store, block(1, {T: {"a": 1.5, "word": "x"}, T + 1: {"a": NaN, "b": -0.25}}))
    assert done == Ingested(2)
    assert place.again().bags(1) == {T: {"a": 1.5, "word": "x"}, T + 1: {"b": -0.25}}


async def test_the_same_record_is_kept_once_and_counted_as_a_duplicate(place: Place) -> None:
    made = block(1, {T: {"a": 1.0}, T + 1: {"a": 2.0}})
    await append(place.store, made)
    assert await append(place.store, made) == Ingested(0, duplicates=2)
    assert await append(place.again(), made) == Ingested(0, duplicates=2)
    assert place.store.bags(1) == {T: {"a": 1.0}, T + 1: {"a": 2.0}}


async def test_a_correction_replaces_and_leaves_a_trace(place: Place) -> None:
    await append(place.store, block(1, {T: {"a": 1.0, "b": 2.0}}))
    assert await append(place.store, block(1, {T: {"a": 3.0}}), account_id=7) == Ingested(0, corrected=1)
    assert place.again().bags(1) == {T: {"a": 3.0, "b": 2.0}}
    trace = [msgspec.json.decode(line) for line in place.store.audit()]
    assert trace == [{"device": 1, "at_ms": T, "old": {"a": 1.0}, "new": {"a": 3.0}}]


numbers = st.floats(allow_nan=False, allow_infinity=False)
bags = st.dictionaries(st.sampled_from(["a", "b", "c"]), numbers, max_size=3)
requests = st.lists(st.dictionaries(st.integers(0, 60).map(lambda n: T + n * HOUR_MS), bags, max_size=8), max_size=6)


@given(requests, st.sets(st.integers(0, 5)))
def test_any_requests_and_sealings_read_as_a_dictionary(
    place: Place, listed: list[dict[int, Any]], seal_after: set[int]
) -> None:
    device = int(place.store.database.query("SELECT coalesce(max(device), 0) + 1 FROM sample")[0][0])
    device = max(device, 1 + int(place.store.database.query("SELECT coalesce(max(device), 0) FROM sealed")[0][0]))
    model: dict[int, dict[str, float]] = {}
    for index, readings in enumerate(listed):
        place.store.put(device, readings)
        for instant, bag in readings.items():
            model.setdefault(instant, {}).update(bag)
        if index in seal_after:
            for day in range(3):
                span = T + day * DAY_MS, T + (day + 1) * DAY_MS
                place.store.database.write_now(partial(place.store.tiers.seal, device, *span))
    assert place.store.bags(device) == model
    middle = T + 30 * HOUR_MS
    assert place.store.bags(device, middle, middle + 10 * HOUR_MS, ["b"]) == {
        instant: {key: bag[key] for key in bag if key == "b"}
        for instant, bag in model.items()
        if middle <= instant < middle + 10 * HOUR_MS
    }


async def test_a_request_is_kept_whole_or_not_at_all(place: Place) -> None:
    def fail(rows: Rows) -> None:
        made = place.store.submission(block(1, {T: {"new": 1.0}}), dirty={5: {1}})
        place.store.hot.apply(made, rows)
        raise StoreError("no")

    async with place.store.database.writing():
        with pytest.raises(StoreError):
            await place.store.database.write(fail)
        await place.store.hot.append(place.store.submission(block(2, {T: {"new": 2.0}}), dirty={5: {2}}))
    again = place.again()
    assert (again.bags(1), again.bags(2)) == ({}, {T: {"new": 2.0}})
    assert (again.hot.has_dirty(5, {1}), again.hot.has_dirty(5, {2})) == (False, True)


async def test_requests_that_come_together_are_all_kept(place: Place) -> None:
    made = [place.store.submission(block(n, {T + k: {f"key{n % 7}": float(k)} for k in range(5)})) for n in range(60)]
    async with place.store.database.writing():
        done = await asyncio.gather(*map(place.store.hot.append, made))
    assert done == [Ingested(5)] * 60
    again = place.again()
    assert all(again.bags(n) == {T + k: {f"key{n % 7}": float(k)} for k in range(5)} for n in range(60))


async def test_a_mark_is_taken_once_for_ever(place: Place) -> None:
    once = Once("dialect:1:nonce", T)
    await append(place.store, block(1, {T: {"a": 1.0}}), once=once)
    for store in (place.store, place.again()):
        with pytest.raises(ReplayError):
            await append(store, block(1, {T + 1: {"a": 1.0}}), once=once)
    assert set(place.store.bags(1)) == {T}


async def test_the_newest_of_everything_is_told_also_after_a_kill(place: Place) -> None:
    await append(place.store, block(1, {T: {"a": 1.0, "b": 1.0, "word": "x"}}))
    await append(place.store, block(1, {T + 2: {"a": 2.0}, T + 1: {"a": 5.0, "c": 9.0}}))
    before = place.store.hot.latest([1])
    assert {key: reading.value for key, reading in before[0].readings.items()} == {
        "a": 2.0, "b": 1.0, "c": 9.0, "word": "x",
    }  # fmt: skip
    again = place.again()
    again.database.write_now(again.hot.recover)
    assert again.hot.latest([1]) == before


# Buckets, marks, names


def test_buckets_come_back_by_level_subject_and_span(place: Place) -> None:
    for day in range(3):
        bucket = Bucket(Level.DAY, T + day * DAY_MS, {"production": float(day)}, {"ac.energy": 10.0 * day})
        place.store.database.write_now(partial(put, plant=1, device=2, bucket=bucket))
    again = place.again()
    assert columns(again.buckets.read(1, 2, Level.DAY, T + DAY_MS, T + 3 * DAY_MS)) == {
        T + DAY_MS: {"production": 1.0},
        T + 2 * DAY_MS: {"production": 2.0},
    }
    assert again.buckets.carry_before(1, 2, T + 2 * DAY_MS) == {"ac.energy": 10.0}
    assert again.buckets.read(1, 0, Level.DAY, 0, 1 << 50).since_ms.dtype == np.int64


def test_marks_survive_a_kill_and_are_numbered_upwards(place: Place) -> None:
    place.store.database.write_now(lambda rows: place.store.hot.mark({5: {1, 2}, 4: {1}}, rows))
    first = place.store.hot.dirty_until(9, {1, 2})
    again = place.again()
    again.database.write_now(lambda rows: again.hot.mark({5: {1}}, rows))
    second = again.hot.dirty_until(9, {1, 2})
    assert [(mark.day, mark.device_id) for mark in first] == [(mark.day, mark.device_id) for mark in second]
    newer = {mark.seq for mark in second} - {mark.seq for mark in first}
    assert len(newer) == 1
    assert newer.pop() > max(mark.seq for mark in first)


def test_names_are_the_same_in_every_process(place: Place) -> None:
    shape = place.store.database.write_now(lambda rows: place.store.names.shape(("x", "y"), rows))
    other = place.open()
    assert other.names.columns[shape] == ("x", "y")
    later = place.store.database.write_now(lambda rows: place.store.names.shape(("z", "x"), rows))
    assert other.names.columns[later] == ("z", "x")
    with pytest.raises(KeyError):
        other.names.columns[later + 1]


# The registry


def test_what_is_named_comes_back_and_what_was_undone_does_not(place: Place) -> None:
    registry = place.registry()
    place.store.database.after_rollback = registry.load
    scheme = AliasScheme("fox", "device", lambda number, attempt: f"{number}.{attempt}")

    def fill(rows: Rows) -> None:
        account = registry.put_account(rows, Account(id=0, name="ours"))
        plant = registry.put_plant(rows, Plant(id=0, account_id=account.id, name="p", zone="UTC"))
        device = registry.put_device(rows, Device(id=0, plant_id=plant.id, kind=DeviceKind.METER, name="d"))
        registry.put_credential(
            rows, Credential(id=0, account_id=account.id, dialect="fox", name="u", secret=Secret("s"))
        )
        registry.mint(rows, scheme, [device.id])

    def undone(rows: Rows) -> None:
        registry.put_account(rows, Account(id=0, name="theirs"))
        raise ConflictError("no")

    place.store.database.write_now(fill)
    with pytest.raises(ConflictError):
        place.store.database.write_now(undone)
    again = place.registry(place.again())
    for one, other in ((registry.accounts, again.accounts), (registry.plants, again.plants)):
        assert one == other
        assert len(one) == 1
    assert registry.devices == again.devices
    assert registry.credentials == again.credentials
    assert registry.by_wire(scheme) == again.by_wire(scheme) == {"1.0": 1}
