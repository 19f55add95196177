"""A plant whose inverter and meter were told things: in balance to the milliwatt-hour, the same however it is split."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model import settings as s
from heliograph.model.settings import Segment, Value, Window, WorkMode
from heliograph.simulate.battery import run
from heliograph.simulate.fleet import DeviceRecords, State, Switch, advance, fleet, initial
from heliograph.simulate.flows import Flow, flow
from heliograph.simulate.program import program
from heliograph.simulate.steps import STEP_MS, stamps, step_mwh
from heliograph.simulate.tunable import Write
from tests.unit.simulate.told import ANY_VALUES

SEED = 7
LONDON = next(plant for plant in fleet(SEED) if plant.key == "london")
DAY = 1_718_323_200_000  # 2024-06-14 UTC; London makes more than it needs on this day and the next
UNTIL = DAY + 2 * DAY_MS
STEPS = 2 * DAY_MS // STEP_MS
RATED = step_mwh(5_000)
ROOM = 10_000
WRITES = st.lists(
    st.tuples(st.integers(DAY, UNTIL), ANY_VALUES).map(lambda one: Write(one[1][0], one[0], one[1][1])), max_size=6
)
SPLIT = st.lists(st.integers(0, STEPS), max_size=3)
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALL_DAY = Window(enabled=True, since_min=0, until_min=1439)
START = initial(LONDON, DAY, SEED)
Parts = list[DeviceRecords]


def lived(
    *writes: Write, split: tuple[int, ...] = (), switches: tuple[Switch, ...] = (), start: State = START
) -> tuple[State, Parts]:
    """Two days of London, in parts if wanted."""
    state, found = start, []
    for since, until in itertools.pairwise([DAY, *(DAY + step * STEP_MS for step in sorted(split)), UNTIL]):
        state, records = advance(LONDON, state, since, until, switches, writes)
        found.extend(records)
    return state, found


def moved(*writes: Write, stored: int = 4_000_000) -> Flow:
    """What happens in London in two days."""
    told = program(LONDON, "hybrid", {}, writes, stamps(DAY, UNTIL))
    return flow(LONDON, stored, DAY, UNTIL, program=told)


def bytes_of(parts: Parts) -> dict[str, bytes]:
    """All that each device sent."""
    sent = {record.device: b"" for record in parts}
    for record in parts:
        sent[record.device] += record.at_ms.tobytes() + b"|"
    for record in parts:
        sent[record.device] += record.values.tobytes()
    return {key: value.replace(b"|", b"") for key, value in sent.items()}


def write(at_ms: int = DAY, device: str = "hybrid", **values: Value) -> Write:
    """A write of settings by the names of their constants."""
    return Write(device, at_ms, {getattr(s, name): value for name, value in values.items()})


def forced(mode: WorkMode, **more: float) -> Write:
    """A schedule that holds one mode all day."""
    segment = Segment(window=ALL_DAY, mode=mode, **more)
    return write(SCHEDULE_ON=True, SCHEDULE=s.segments_text([segment]))


def columns(parts: Parts, device: str) -> dict[str, np.ndarray]:
    """The readings of a device by measurement, and its stamps as `at`."""
    (record,) = [part for part in parts if part.device == device]
    return {"at": record.at_ms, **dict(zip(record.keys, record.values.T, strict=True))}


@SLOW
@given(WRITES, SPLIT)
def test_told_anything_a_span_split_anywhere_gives_the_same_bytes(writes: list[Write], split: list[int]) -> None:
    state, parts = lived(*writes, split=tuple(split))
    whole_state, whole = lived(*writes)
    assert msgspec.json.encode(state) == msgspec.json.encode(whole_state)
    assert bytes_of(parts) == bytes_of(whole)
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state


@SLOW
@given(WRITES)
def test_told_anything_the_meter_balances_to_the_milliwatt_hour(writes: list[Write]) -> None:
    found = moved(*writes)
    assert found.battery is not None
    made, battery = found.generation["hybrid"], found.battery
    ac = made.ac_mwh + battery.discharged - battery.charged
    assert np.array_equal(found.ac["hybrid"], ac)
    assert np.array_equal(found.imported - found.exported, found.demand.mwh - ac)
    assert found.imported.min() >= 0
    assert found.exported.min() >= 0
    assert not (found.imported * found.exported).any()
    assert np.abs(ac).max() <= RATED
    assert made.ac_mwh.min() >= 0
    assert (made.tracker_mwh.sum(axis=0) >= made.ac_mwh).all()
    assert made.tracker_mwh.min() >= 0
    assert 1_000_000 <= battery.stored.min() <= battery.stored.max() <= 10_000_000
    assert battery.stored[-1] - 4_000_000 <= battery.charged.sum() - battery.discharged.sum()


@SLOW
@given(WRITES)
def test_told_anything_counters_agree_with_powers_and_with_each_other(writes: list[Write]) -> None:
    after, parts = lived(*writes)
    gained = {key: after.counters[key] - START.counters[key] for key in after.counters}
    found = moved(*writes, stored=START.stored)
    assert found.battery is not None
    assert gained["battery/battery.energy_charged"] == found.battery.charged.sum()
    assert gained["battery/battery.energy_discharged"] == found.battery.discharged.sum()
    assert gained["sensor/meter.energy_forward"] == gained["hybrid/grid.energy_import"] == found.imported.sum()
    assert gained["sensor/meter.energy_reverse"] == gained["hybrid/grid.energy_export"] == found.exported.sum()
    assert after.stored == found.battery.stored[-1]
    net = gained["sensor/meter.energy_forward"] - gained["sensor/meter.energy_reverse"]
    assert net == gained["hybrid/load.energy"] - found.ac["hybrid"].sum()
    assert gained["hybrid/ac.energy"] == np.maximum(found.ac["hybrid"], 0).sum()
    for device, power, up, down in (
        ("sensor", "meter.power", "meter.energy_forward", "meter.energy_reverse"),
        ("battery", "battery.power", "battery.energy_discharged", "battery.energy_charged"),
    ):
        own = columns(parts, device)
        next_to = np.diff(own["at"]) == STEP_MS
        error = np.diff(own[up] - own[down])[next_to] - own[power][1:][next_to] / 12
        assert np.abs(error).max() <= 10 + 0.05
    assert (np.diff(columns(parts, "hybrid")["ac.energy"]) >= 0).all()


def test_a_plant_that_was_told_what_it_does_anyway_sends_the_same_bytes() -> None:
    usual, same = lived(), lived(write(WORK_MODE="self_use"), write(device="sensor", METER_MODE="Normal"))
    assert bytes_of(same[1]) == bytes_of(usual[1])
    assert same[0].counters == usual[0].counters
    assert same[0].settings == {"hybrid": {s.WORK_MODE: "self_use"}, "sensor": {s.METER_MODE: "Normal"}}
    found, plain = moved(write(WORK_MODE="self_use")), moved()
    assert found.battery is not None
    assert plain.battery is not None
    made = plain.generation["hybrid"]
    surplus, storage = made.ac_mwh - plain.demand.mwh, LONDON.storage
    assert storage is not None
    assert storage.battery is not None
    expected = run(storage.battery, 4_000_000, surplus, np.where(made.stopped, 0, RATED - made.ac_mwh))
    for ran in (found.battery, plain.battery):
        assert ran.stored.tobytes() == expected.stored.tobytes()


def test_writes_to_other_plants_are_kept_and_change_nothing() -> None:
    for plant in fleet(SEED):
        if plant.storage is None:
            start, key = initial(plant, DAY, SEED), plant.devices[-1].key
            after, records = advance(plant, start, DAY, UNTIL, (), [Write(key, DAY, {s.METER_MODE: "G100"})])
            usual, others = advance(plant, start, DAY, UNTIL)
            assert after == msgspec.structs.replace(usual, settings={key: {s.METER_MODE: "G100"}})
            assert bytes_of(records) == bytes_of(others)


def test_a_state_that_was_kept_before_there_were_settings_has_none() -> None:
    kept = msgspec.json.decode(msgspec.json.encode(START))
    del kept["settings"]
    assert msgspec.convert(kept, State) == START


# What the telemetry shows


def test_a_forced_discharge_stops_at_its_floor_and_feeds_in_what_the_load_does_not_take() -> None:
    found = moved(forced(WorkMode.FORCE_DISCHARGE, discharge_soc=25.0, power_w=2_400.0), stored=8_000_000)
    assert found.battery is not None
    out = np.flatnonzero(found.battery.discharged)
    assert found.battery.stored[-1] - 2_500_000 in (0, 1)
    assert set(found.battery.discharged[out[:-1]].tolist()) == {200_000}
    assert np.array_equal(out, np.arange(out.size))
    assert not found.battery.charged.any()
    assert found.exported[: out.size - 1].all()


def test_a_forced_charge_fills_it_from_the_grid_and_the_inverter_takes_power() -> None:
    start = msgspec.structs.replace(START, stored=2_000_000)
    after, parts = lived(forced(WorkMode.FORCE_CHARGE, power_w=3_000.0, max_soc=90.0), start=start)
    hybrid, battery = columns(parts, "hybrid"), columns(parts, "battery")
    assert 9_000_000 - after.stored in (0, 1)
    charging = battery["battery.power"] < 0
    assert battery["battery.power"].min() == -3_000
    assert set(battery["battery.mode"].tolist()) == {1.0}
    assert battery["battery.soc"][-1] == 90.0
    night = hybrid["at"] < DAY + 2 * HOUR_MS
    assert (hybrid["ac.power"][night] == -3_000).all()
    assert np.ptp(hybrid["ac.energy"][night]) == 0
    assert np.abs(hybrid["ac.a.current"] * hybrid["ac.a.voltage"] - 3_000)[night].max() < 15
    assert set(hybrid["ac.power_factor"][night].tolist()) == {1.0}
    assert set(hybrid["inverter.state"][night].tolist()) == {0x0200}
    assert (hybrid["grid.power"][night] == hybrid["load.power"][night] + 3_000).all()
    assert charging.any()


def test_an_export_limit_is_held_by_leaving_sun_in_the_sky() -> None:
    usual = moved(stored=10_000_000)
    assert usual.exported.max() > step_mwh(1_000)
    for told in (
        write(EXPORT_LIMIT=1_000.0),
        write(device="sensor", METER_MODE="ExportLimit", METER_FEED_IN=1_000.0),
    ):
        found = moved(told, stored=10_000_000)
        assert found.exported.max() == step_mwh(1_000)
        assert found.battery is not None
        left = usual.generation["hybrid"].ac_mwh - found.generation["hybrid"].ac_mwh
        assert np.array_equal(left, found.battery.curtailed)
        assert left.any()
        assert not found.battery.discharged[left > 0].any()
        less = usual.generation["hybrid"].tracker_mwh.sum(axis=0) - found.generation["hybrid"].tracker_mwh.sum(axis=0)
        assert ((less > 0) == (left > 0)).all()


@pytest.mark.parametrize(("limit_w", "stored"), [(1_500.0, 5_000_000), (200.0, 5_000_000), (200.0, 1_000_000)])
def test_an_import_limit_of_peak_shaving_is_held_until_the_battery_is_empty(limit_w: float, stored: int) -> None:
    limit = step_mwh(limit_w)
    assert moved(stored=1_000_000).imported.max() > step_mwh(2_800)
    found = moved(write(WORK_MODE="peak_shaving", IMPORT_LIMIT=limit_w, PEAK_SOC=60.0), stored=stored)
    assert found.battery is not None
    beyond = found.imported > limit
    assert beyond.any() == (limit_w < 1_500)
    assert not found.battery.charged[beyond].any()
    assert (found.battery.stored[beyond] <= 1_000_000 + 1).all()
    assert np.count_nonzero(found.imported == limit) > 10
    charging = (found.battery.charged > 0) & (found.imported > 0)
    assert charging.any()
    assert (found.battery.stored[charging] <= 6_000_000).all()


@pytest.mark.parametrize(
    ("at", "lowest", "highest"), [(9_000_000, 6_000_000, 9_000_000), (1_500_000, 1_500_000, 6_000_000)]
)
def test_a_battery_outside_a_new_range_only_moves_towards_it(at: int, lowest: int, highest: int) -> None:
    found = moved(write(MIN_SOC=50.0, MIN_SOC_ON_GRID=40.0, MAX_SOC=60.0), stored=at)
    assert found.battery is not None
    levels = np.concatenate([[at], found.battery.stored])
    outside = (levels[:-1] < 5_000_000) | (levels[:-1] > 6_000_000)
    steps = np.diff(levels)
    assert outside.any()
    assert (steps[outside] <= 0).all() if at > 6_000_000 else (steps[outside] >= 0).all()
    assert min(lowest, 5_000_000) <= levels.min() <= levels.max() <= max(highest, 6_000_000)
    assert 5_000_000 <= levels[-1] <= 6_000_000


@pytest.mark.parametrize("mode", list(WorkMode))
def test_an_inverter_that_is_off_obeys_nothing(mode: WorkMode) -> None:
    off = Switch("hybrid", DAY + 6 * HOUR_MS, on=False)
    low = write(PEAK_SOC=100.0, IMPORT_LIMIT=9_000.0)
    after, parts = lived(forced(mode), low, switches=(off,), start=msgspec.structs.replace(START, stored=5_000_000))
    battery, hybrid, sensor = (columns(parts, key) for key in ("battery", "hybrid", "sensor"))
    still = battery["at"] >= off.at_ms
    assert not battery["battery.power"][still].any()
    assert np.ptp(battery["battery.soc"][still]) == 0
    assert set(battery["battery.mode"][still].tolist()) == {4.0}
    assert not hybrid["ac.power"][hybrid["at"] >= off.at_ms].any()
    assert after.off == ("hybrid",)
    assert sensor["meter.power"][sensor["at"] >= off.at_ms].min() > 0
