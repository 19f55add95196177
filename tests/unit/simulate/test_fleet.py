"""The laws of the fleet: same seed, same bytes; counters, days, gaps and balances."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS, day_of, day_start, instant_ms
from heliograph.model.devices import METERS, DeviceKind
from heliograph.model.measurements import CATALOGUE, Aggregation
from heliograph.simulate.fleet import DeviceRecords, State, advance, fleet, initial
from heliograph.simulate.steps import STEP_MS, stamps

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

SEED = 7
NEW_YEAR_MS = 1_704_067_200_000
# A span over the change of the clocks, for each zone that has one. UTC days.
CHANGES = {
    "london": [(2024, 3, 30), (2024, 10, 26)],
    "new-york": [(2024, 3, 9), (2024, 11, 2)],
    "adelaide": [(2024, 4, 5), (2024, 10, 4)],
    "shanghai": [(2024, 6, 1)],
}


def joined(*parts: list[DeviceRecords]) -> dict[str, tuple[tuple[str, ...], bytes, bytes]]:
    """By device: keys, and all stamps and values of the parts, as bytes."""
    found: dict[str, tuple[tuple[str, ...], bytes, bytes]] = {}
    for record in (record for part in parts for record in part):
        keys, at, values = found.get(record.device, (record.keys, b"", b""))
        assert keys == record.keys
        found[record.device] = (keys, at + record.at_ms.tobytes(), values + record.values.tobytes())
    return found


def column(records: list[DeviceRecords], device: str, key: str) -> tuple[list[int], list[float]]:
    record = next(record for record in records if record.device == device)
    return record.at_ms.tolist(), record.values[:, record.keys.index(key)].tolist()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 3), st.integers(0, 3000), st.lists(st.integers(0, 1500), min_size=1, max_size=4), st.data())
def test_a_span_split_anywhere_gives_the_same_bytes(
    which: int, start: int, steps: list[int], data: st.DataObject
) -> None:
    plant = fleet(SEED)[which]
    since_ms = NEW_YEAR_MS + 100 * DAY_MS + start * STEP_MS
    edges = [since_ms, *(since_ms + step * STEP_MS for step in sorted(steps)), since_ms + 1600 * STEP_MS]
    state = first = initial(plant, since_ms, SEED)
    parts = []
    for since, until in itertools.pairwise(edges):
        state, records = advance(plant, state, since, until)
        parts.append(records)
    whole_state, whole = advance(plant, first, edges[0], edges[-1])
    assert msgspec.json.encode(state) == msgspec.json.encode(whole_state)
    assert joined(*parts) == joined(whole)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(plant: SimulatedPlant) -> None:
    until_ms = NEW_YEAR_MS + 2 * DAY_MS
    again = next(other for other in fleet(SEED) if other.key == plant.key)
    other = next(other for other in fleet(SEED + 1) if other.key == plant.key)
    runs = [joined(advance(p, initial(p, NEW_YEAR_MS, 1), NEW_YEAR_MS, until_ms)[1]) for p in (plant, again, other)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_a_state_survives_json(plant: SimulatedPlant) -> None:
    state = initial(plant, NEW_YEAR_MS, 1)
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state


def test_one_step_at_a_time_is_the_same_as_a_day(plant: SimulatedPlant) -> None:
    since_ms = NEW_YEAR_MS + 170 * DAY_MS
    first = state = initial(plant, since_ms, 1)
    parts = []
    for at_ms in range(since_ms, since_ms + 8 * HOUR_MS, STEP_MS):
        state, records = advance(plant, state, at_ms, at_ms + STEP_MS)
        parts.append(records)
    after, whole = advance(plant, first, since_ms, since_ms + 8 * HOUR_MS)
    assert state == after
    assert joined(*parts) == joined(whole)


def test_a_span_that_does_not_follow_on_is_refused(plant: SimulatedPlant) -> None:
    state = initial(plant, NEW_YEAR_MS, 1)
    with pytest.raises(ValueError, match="stands at"):
        advance(plant, state, NEW_YEAR_MS + STEP_MS, NEW_YEAR_MS + DAY_MS)


def test_a_span_without_a_stamp_changes_nothing(plant: SimulatedPlant) -> None:
    state = initial(plant, NEW_YEAR_MS, 1)
    assert advance(plant, state, NEW_YEAR_MS, NEW_YEAR_MS) == (state, [])
    assert advance(plant, state, NEW_YEAR_MS - 1, NEW_YEAR_MS) == (state, [])


def test_records_lie_on_the_grid_and_have_the_shape_they_say(plant: SimulatedPlant) -> None:
    since_ms, until_ms = NEW_YEAR_MS + 1, NEW_YEAR_MS + 30 * DAY_MS
    _, records = advance(plant, initial(plant, since_ms, 1), since_ms, until_ms)
    assert [record.device for record in records] == [device.key for device in plant.devices]
    for record in records:
        assert record.at_ms.dtype == np.int64
        assert record.values.dtype == np.float64
        assert record.values.shape == (record.at_ms.size, len(record.keys))
        assert (np.diff(record.at_ms) >= STEP_MS).all()
        assert not (record.at_ms % STEP_MS).any()
        assert since_ms <= record.at_ms[0] <= record.at_ms[-1] < until_ms
        assert set(record.keys) <= set(CATALOGUE)
        assert not np.isnan(record.values).any()
        assert not np.signbit(record.values[record.values == 0]).any()


def test_counters_never_fall_not_even_over_gaps(plant: SimulatedPlant) -> None:
    _, records = advance(plant, initial(plant, NEW_YEAR_MS, 1), NEW_YEAR_MS, NEW_YEAR_MS + 60 * DAY_MS)
    counted = 0
    for record in records:
        for key, values in zip(record.keys, record.values.T, strict=True):
            if CATALOGUE[key].aggregation is Aggregation.COUNTER:
                counted += 1
                assert (np.diff(values) >= 0).all()
                assert values[0] > 0 or "reactive" in key
    assert counted >= 4


def test_devices_fall_silent_and_their_counters_jump(plants: dict[str, SimulatedPlant]) -> None:
    until_ms = NEW_YEAR_MS + 120 * DAY_MS
    _, records = advance(plants["shanghai"], initial(plants["shanghai"], NEW_YEAR_MS, 1), NEW_YEAR_MS, until_ms)
    at_ms, energy = column(records, "inverter-1", "ac.energy")
    assert 0.97 < len(at_ms) / stamps(NEW_YEAR_MS, until_ms).size < 1
    gaps = [n for n in range(1, len(at_ms)) if at_ms[n] - at_ms[n - 1] > 3 * STEP_MS]
    assert any(energy[n] > energy[n - 1] for n in gaps)


def test_a_device_is_silent_with_its_gateway(plants: dict[str, SimulatedPlant]) -> None:
    plant, until_ms = plants["new-york"], NEW_YEAR_MS + 60 * DAY_MS
    _, records = advance(plant, initial(plant, NEW_YEAR_MS, 1), NEW_YEAR_MS, until_ms)
    sent = {record.device: set(record.at_ms.tolist()) for record in records}
    assert len(sent["ecu-1"]) < stamps(NEW_YEAR_MS, until_ms).size
    assert sent["micro-1"] < sent["ecu-1"]
    assert sent["micro-8"] < sent["ecu-2"]


@pytest.mark.parametrize(("key", "day"), [(key, day) for key, days in CHANGES.items() for day in days])
def test_today_begins_again_at_local_midnight(
    plants: dict[str, SimulatedPlant], key: str, day: tuple[int, int, int]
) -> None:
    plant, tz = plants[key], plants[key].tz
    since_ms = instant_ms(datetime(*day, tzinfo=UTC))
    _, records = advance(plant, initial(plant, since_ms, 1), since_ms, since_ms + 4 * DAY_MS)
    device = plant.inverters[0]
    at_ms, today = column(records, device.key, "ac.energy_today")
    _, life = column(records, device.key, "ac.energy")
    base: dict[int, float] = {}
    for at, shown, total in zip(at_ms, today, life, strict=True):
        ordinal = day_of(at, tz)
        if day_start(ordinal, tz) == at:
            assert shown == 0
        base.setdefault(ordinal, total - shown)
        assert abs(total - shown - base[ordinal]) <= device.register_wh
    assert max(today) > 0
    assert len(base) >= 4
    lengths = {day_start(n + 1, tz) - day_start(n, tz) for n in base}
    assert (len(lengths) > 1) == (key != "shanghai")


def test_counters_rise_by_power_times_five_minutes(plant: SimulatedPlant) -> None:
    since_ms = NEW_YEAR_MS + 150 * DAY_MS
    _, records = advance(plant, initial(plant, since_ms, 1), since_ms, since_ms + 10 * DAY_MS)
    meter = next(device for device in plant.devices if device.kind in METERS)
    for device, power_key, up, down in (
        (plant.inverters[0], "ac.power", "ac.energy", None),
        (meter, "meter.power", "meter.energy_forward", "meter.energy_reverse"),
    ):
        at_ms, power = (np.array(part) for part in column(records, device.key, power_key))
        energy = np.array(column(records, device.key, up)[1])
        if down is not None:
            energy -= column(records, device.key, down)[1]
        next_to = np.diff(at_ms) == STEP_MS
        assert next_to.sum() > 2500
        error = np.diff(energy)[next_to] - power[1:][next_to] / 12
        assert np.abs(error).max() <= device.register_wh + 0.05


def test_a_year_balances_at_the_meter(plants: dict[str, SimulatedPlant], years: dict[str, tuple[State, State]]) -> None:
    before, after = years["london"]
    gained = {key: after.counters[key] - before.counters[key] for key in after.counters}
    net = gained["sensor/meter.energy_forward"] - gained["sensor/meter.energy_reverse"]
    assert net == gained["hybrid/load.energy"] - gained["hybrid/ac.energy"]


def test_a_year_of_the_battery_loses_only_what_its_efficiencies_take(
    plants: dict[str, SimulatedPlant], years: dict[str, tuple[State, State]]
) -> None:
    storage = plants["london"].storage
    assert storage is not None
    assert storage.battery is not None
    before, after = years["london"]
    put_in = after.counters["battery/battery.energy_charged"] - before.counters["battery/battery.energy_charged"]
    out = after.counters["battery/battery.energy_discharged"] - before.counters["battery/battery.energy_discharged"]
    expected = put_in * storage.battery.charge_permille / 1000 - out * 1000 / storage.battery.discharge_permille
    assert abs(after.stored - before.stored - expected) <= 366 * 288
    assert out > 100 * storage.battery.capacity_wh * 1000


def test_an_inverter_starts_at_dawn_and_stops_at_dusk(plants: dict[str, SimulatedPlant]) -> None:
    plant, since_ms = plants["adelaide"], NEW_YEAR_MS + 20 * DAY_MS
    _, records = advance(plant, initial(plant, since_ms, 1), since_ms, since_ms + 6 * DAY_MS)
    at_ms, state = column(records, "inverter", "inverter.state")
    _, started = column(records, "inverter", "inverter.started_at")
    _, halted = column(records, "inverter", "inverter.stopped_at")
    for at, code, start, stop in zip(at_ms, state, started, halted, strict=True):
        assert max(start, stop) <= at
        assert (start > stop) == (code == 0x0200)
        assert at - max(start, stop) < 20 * HOUR_MS


def test_every_device_says_that_it_is_online(plant: SimulatedPlant) -> None:
    _, records = advance(plant, initial(plant, NEW_YEAR_MS, 1), NEW_YEAR_MS, NEW_YEAR_MS + DAY_MS)
    for record in records:
        assert (record.values[:, record.keys.index("device.online")] == 1).all()


def test_micro_inverters_tell_of_their_channels(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["new-york"]
    _, records = advance(plant, initial(plant, NEW_YEAR_MS, 1), NEW_YEAR_MS, NEW_YEAR_MS + DAY_MS)
    for record in records:
        device = next(device for device in plant.devices if device.key == record.device)
        if device.kind is DeviceKind.MICRO_INVERTER:
            assert device.inverter is not None
            channels = sum(key.startswith("pv.") and key.endswith(".power") for key in record.keys)
            assert channels == len(device.inverter.trackers)
            assert {"ac.energy", "ac.energy_today", "inverter.state"} <= set(record.keys)


def test_a_plant_that_starts_by_day_has_made_something_today(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["shanghai"]
    since_ms = day_start(day_of(NEW_YEAR_MS, plant.tz), plant.tz) + 15 * HOUR_MS
    state = initial(plant, since_ms, 1)
    assert state.at_ms == since_ms
    assert state.counters["inverter-1/ac.energy"] > state.midnight["inverter-1/ac.energy"] > 0
    assert state.started["inverter-1"] > state.halted["inverter-1"] > 0
