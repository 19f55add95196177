"""Inverters that are switched off make nothing, and the plant around them stays in balance."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model.devices import METERS
from heliograph.simulate.fleet import DeviceRecords, State, Switch, advance, fleet, initial
from heliograph.simulate.steps import STEP_MS, stamps
from heliograph.simulate.switching import still_off, switched_off

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

SEED = 7
DAY = 1_718_841_600_000  # 2024-06-20 UTC
COMMANDED = 0x0301


def columns(records: list[DeviceRecords], device: str) -> dict[str, np.ndarray]:
    """The readings of a device by measurement, and its stamps as `at`."""
    record = next(record for record in records if record.device == device)
    return {"at": record.at_ms, **dict(zip(record.keys, record.values.T, strict=True))}


def run(
    plant: SimulatedPlant, *switches: Switch, days: int = 2, split: tuple[int, ...] = ()
) -> tuple[State, list[DeviceRecords]]:
    """Some days of a plant from 20 June 2024, in parts if wanted."""
    state, found = initial(plant, DAY, SEED), []
    edges = [DAY, *(DAY + step * STEP_MS for step in sorted(split)), DAY + days * DAY_MS]
    for since, until in itertools.pairwise(edges):
        state, records = advance(plant, state, since, until, switches)
        found.extend(records)
    return state, found


def test_a_switch_counts_from_the_first_stamp_not_before_it() -> None:
    at_ms = stamps(DAY, DAY + 6 * STEP_MS)
    off = switched_off(["a", "b"], (), [Switch("a", DAY + 1, on=False), Switch("a", DAY + 4 * STEP_MS, on=True)], at_ms)
    assert {key: flags.tolist() for key, flags in off.items()} == {"a": [False, True, True, True, False, False]}
    assert still_off(off) == ()


def test_what_was_off_before_stays_off_until_it_is_switched_on() -> None:
    at_ms = stamps(DAY, DAY + 3 * STEP_MS)
    earlier = Switch("a", DAY - 1 - STEP_MS, on=True)  # the state knows of it already
    off = switched_off(["a", "b", "c"], ("a", "c"), [earlier, Switch("c", DAY + 2 * STEP_MS, on=True)], at_ms)
    assert {key: flags.tolist() for key, flags in off.items()} == {"a": [True] * 3, "c": [True, True, False]}
    assert still_off(off) == ("a",)


def test_of_two_at_one_stamp_the_later_counts_and_devices_without_an_array_cannot_be_switched() -> None:
    at_ms = stamps(DAY, DAY + 3 * STEP_MS)
    both = [Switch("a", DAY, on=False), Switch("a", DAY, on=True), Switch("meter", DAY, on=False)]
    assert switched_off(["a"], (), both, at_ms) == {}
    assert list(switched_off(["a"], (), both[1::-1], at_ms)) == ["a"]


def test_an_inverter_that_is_off_makes_nothing_and_its_counters_stand_still(plant: SimulatedPlant) -> None:
    device, since_ms, until_ms = plant.inverters[0], DAY + 3 * HOUR_MS, DAY + 30 * HOUR_MS
    switches = Switch(device.key, since_ms - 7, on=False), Switch(device.key, until_ms - STEP_MS + 1, on=True)
    _, records = run(plant, *switches)
    _, usual = run(plant)
    own, others = columns(records, device.key), columns(usual, device.key)
    assert np.array_equal(own["at"], others["at"])
    off = (own["at"] >= since_ms) & (own["at"] < until_ms)
    assert others["ac.power"][off].max() > 0
    for key in own:
        still = key.endswith(("power", "current")) or key in ("ac.frequency", "inverter.efficiency")
        if still and not key.startswith(("grid.", "load.")):
            assert not own[key][off].any(), key
        if key in ("ac.energy", "pv.energy") or key.startswith("mppt."):
            assert np.unique(own[key][off]).size == 1, key
    assert set(own["inverter.state"][off].tolist()) == {COMMANDED}
    assert COMMANDED not in own["inverter.state"][~off]
    assert own["ac.power"][own["at"] >= until_ms].max() > 0
    assert own["ac.energy"][-1] < others["ac.energy"][-1]


def test_before_it_is_switched_nothing_differs_and_others_of_the_plant_never_do(
    plants: dict[str, SimulatedPlant],
) -> None:
    plant, since_ms = plants["shanghai"], DAY + 3 * HOUR_MS
    _, records = run(plant, Switch("inverter-2", since_ms, on=False))
    _, usual = run(plant)
    for record, other in zip(records, usual, strict=True):
        if record.device in ("inverter-1", "inverter-3", "inverter-4", "logger", "weather"):
            assert record.values.tobytes() == other.values.tobytes()
        else:
            before = record.at_ms < since_ms
            assert record.values[before].tobytes() == other.values[before].tobytes()
            assert record.values.tobytes() != other.values.tobytes()


def test_the_meter_counts_what_is_missing_to_the_milliwatt_hour(plants: dict[str, SimulatedPlant]) -> None:
    for plant in plants.values():
        device = plant.inverters[0]
        after, _ = run(plant, Switch(device.key, DAY + 4 * HOUR_MS, on=False))
        usual, _ = run(plant)
        meter = next(device for device in plant.devices if device.kind in METERS)

        def net(state: State, key: str = meter.key) -> int:
            return state.counters[f"{key}/meter.energy_forward"] - state.counters[f"{key}/meter.energy_reverse"]

        missing = sum(
            usual.counters[f"{one.key}/ac.energy"] - after.counters[f"{one.key}/ac.energy"] for one in plant.inverters
        )
        assert missing > 0
        assert net(after) - net(usual) == missing


def test_a_battery_rests_while_its_inverter_is_off(plants: dict[str, SimulatedPlant]) -> None:
    plant, since_ms = plants["london"], DAY + 9 * HOUR_MS
    after, records = run(plant, Switch("hybrid", since_ms, on=False))
    _, usual = run(plant)
    own, others = columns(records, "battery"), columns(usual, "battery")
    off = own["at"] >= since_ms
    assert others["battery.power"][off].any()
    assert not own["battery.power"][off].any()
    assert np.unique(own["battery.soc"][off]).size == 1
    assert after.off == ("hybrid",)
    sensor, hybrid = columns(records, "sensor"), columns(records, "hybrid")
    at = np.intersect1d(sensor["at"], hybrid["at"])
    at = at[at >= since_ms]
    taken = sensor["meter.power"][np.isin(sensor["at"], at)]
    assert np.array_equal(taken, hybrid["load.power"][np.isin(hybrid["at"], at)])


@pytest.fixture(scope="module")
def switches() -> list[list[Switch]]:
    """Some switchings of an inverter or two of each plant."""
    chance = np.random.default_rng(3)
    return [
        [
            Switch(plant.inverters[int(n) % min(2, len(plant.inverters))].key, DAY + int(at), on=bool(n % 3 == 0))
            for n, at in zip(chance.integers(0, 6, 8), sorted(chance.integers(0, 2 * DAY_MS, 8)), strict=True)
        ]
        for plant in fleet(SEED)
    ]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 3), st.lists(st.integers(0, 575), max_size=4))
def test_a_span_split_anywhere_gives_the_same_bytes(switches: list[list[Switch]], which: int, split: list[int]) -> None:
    plant = fleet(SEED)[which]
    state, parts = run(plant, *switches[which], split=tuple(split))
    whole_state, whole = run(plant, *switches[which])
    assert msgspec.json.encode(state) == msgspec.json.encode(whole_state)
    for record in whole:
        own = [part for part in parts if part.device == record.device]
        assert b"".join(part.at_ms.tobytes() for part in own) == record.at_ms.tobytes()
        assert b"".join(part.values.tobytes() for part in own) == record.values.tobytes()


def test_switchings_make_a_difference(switches: list[list[Switch]]) -> None:
    for plant, own in zip(fleet(SEED), switches, strict=True):
        assert run(plant, *own)[0].counters != run(plant)[0].counters


def test_a_state_that_was_kept_before_there_were_switches_has_none_off(plant: SimulatedPlant) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(initial(plant, DAY, SEED)))
    del kept["off"]
    assert msgspec.convert(kept, State).off == ()
