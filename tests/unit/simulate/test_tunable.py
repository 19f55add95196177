"""What simulated devices can be set to, how they keep it, and what it means to their battery."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, SECOND_MS, local
from heliograph.model import settings as s
from heliograph.model.devices import METERS, DeviceKind
from heliograph.model.settings import Value, Window, WorkMode
from heliograph.simulate.control import MOST_W, Controls
from heliograph.simulate.fleet import fleet
from heliograph.simulate.tunable import CLOCK_OFFSET, METER_MODES, MODES, controls_of, kept, settings_of
from tests.unit.simulate.told import HYBRID, METER

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

NOW = 1_718_884_800_000 + 250  # 2024-06-20 12:00 UTC and a little
LONDON = next(plant for plant in fleet(1) if plant.key == "london")
FORWARD, BACK = (
    1_711_843_200_000 + 1_800_000,
    1_729_987_200_000 + 1_800_000,
)  # half an hour before London's clocks change
WINDOWS = (Window(enabled=True, since_min=60, until_min=120), Window())


def device(key: str, plant: SimulatedPlant = LONDON) -> SimulatedDevice:
    """A device of a plant."""
    return next(one for one in plant.devices if one.key == key)


def shown(key: str, values: dict[str, Value] | None = None, now_ms: int = NOW) -> dict[str, Value]:
    """What a device of London is set to."""
    found = settings_of(LONDON, device(key), values or {}, now_ms)
    assert found is not None
    assert all(key == setting.key for key, setting in found.items())
    return {key: setting.value for key, setting in found.items()}


def test_hybrids_and_their_meters_have_settings_and_nothing_else_has(plant: SimulatedPlant) -> None:
    for one in plant.devices:
        tunable = one.kind is DeviceKind.HYBRID_INVERTER or (one.kind in METERS and plant.key == "london")
        assert (settings_of(plant, one, {}, NOW) is not None) == tunable


@pytest.mark.parametrize("key", ["hybrid", "sensor"])
def test_what_a_device_comes_with_it_takes_unless_it_is_fixed(key: str) -> None:
    found = settings_of(LONDON, device(key), {}, NOW)
    assert found is not None
    s.check(found, {name: setting.value for name, setting in found.items() if not setting.fixed})
    assert [setting.key for setting in found.values() if setting.fixed] == (
        [s.METER_DEVICES] if key == "sensor" else []
    )
    for setting in found.values():
        assert setting.minimum is None or setting.minimum <= float(setting.value) <= (setting.maximum or 0)


def test_a_hybrid_has_every_setting_of_a_battery_and_a_meter_its_own() -> None:
    named = {value for name, value in vars(s).items() if name.isupper() and isinstance(value, str) and "." in value}
    both = shown("hybrid").keys() | shown("sensor").keys()
    assert both == named - {s.WRITE}
    assert not shown("hybrid").keys() & shown("sensor").keys()


@given(HYBRID, METER)
def test_what_was_written_is_what_is_read(hybrid: dict[str, Value], meter: dict[str, Value]) -> None:
    for key, values in (("hybrid", hybrid), ("sensor", meter)):
        found = settings_of(LONDON, device(key), {}, NOW)
        assert found is not None
        s.check(found, values)
        assert shown(key, kept(LONDON, values, NOW)) == {**shown(key), **values}


@pytest.mark.parametrize("now_ms", [NOW, FORWARD, BACK, BACK + 3_600_000])
@given(st.integers(-90_000, 90_000))
def test_a_clock_is_read_as_it_was_set_and_runs_on_with_the_plant_s(now_ms: int, ahead_s: int) -> None:
    set_to = local(now_ms, LONDON.tz).replace(tzinfo=None, microsecond=0) + timedelta(seconds=ahead_s)
    values = kept(LONDON, {s.CLOCK: s.clock_text(set_to)}, now_ms)
    assert values == {CLOCK_OFFSET: ahead_s}
    assert shown("hybrid", values, now_ms)[s.CLOCK] == s.clock_text(set_to)
    later = shown("hybrid", values, now_ms + 90 * SECOND_MS)[s.CLOCK]
    assert later == s.clock_text(set_to + timedelta(seconds=90))


@pytest.mark.parametrize("at", ["2000-01-01 00:00:00", "2099-12-31 23:59:59"])
def test_a_clock_that_is_wrong_by_decades_goes_on(at: str) -> None:
    values = kept(LONDON, {s.CLOCK: at}, NOW)
    assert shown("hybrid", values)[s.CLOCK] == at
    assert shown("hybrid", values, NOW + 366 * DAY_MS)[s.CLOCK] != at
    assert abs(controls_of(LONDON, {"hybrid": values}, "hybrid").clock_offset_min) > 10**7


def test_values_and_not_those_that_were_given_are_changed_by_a_clock() -> None:
    given: dict[str, Value] = {s.CLOCK: "2024-06-20 13:00:00", s.MIN_SOC: 20.0}
    assert kept(LONDON, given, NOW) == {CLOCK_OFFSET: 0.0, s.MIN_SOC: 20.0}
    assert given == {s.CLOCK: "2024-06-20 13:00:00", s.MIN_SOC: 20.0}


def test_without_settings_the_controls_are_those_of_a_battery_that_was_told_nothing() -> None:
    plain = controls_of(LONDON, {}, "hybrid")
    assert plain == Controls(import_limit_w=5_000.0, windows=())
    assert (plain.mode, plain.export_limit_w) == (WorkMode.SELF_USE, MOST_W)
    own = device("hybrid")
    bare = msgspec.structs.replace(LONDON, devices=(msgspec.structs.replace(own, inverter=None),))
    assert controls_of(bare, {}, "hybrid").import_limit_w == 0.0
    assert settings_of(bare, bare.devices[0], {}, NOW) is not None


def test_each_setting_reaches_the_controls() -> None:
    values: dict[str, Value] = {
        s.WORK_MODE: "backup", s.MIN_SOC: 11, s.MIN_SOC_ON_GRID: 12, s.MAX_SOC: 93, s.PEAK_SOC: 44,
        s.EXPORT_LIMIT: 1_500, s.IMPORT_LIMIT: 600, s.CHARGE_WINDOWS: s.windows_text(WINDOWS), s.SCHEDULE_ON: True,
        s.SCHEDULE: s.segments_text([s.Segment(window=WINDOWS[0])]), CLOCK_OFFSET: 180.0,
    }  # fmt: skip
    assert controls_of(LONDON, {"hybrid": values}, "hybrid") == Controls(
        mode=WorkMode.BACKUP, min_soc=11, min_soc_on_grid=12, max_soc=93, peak_soc=44, export_limit_w=1_500,
        import_limit_w=600, windows=WINDOWS, schedule_on=True, segments=(s.Segment(window=WINDOWS[0]),),
        clock_offset_min=3,
    )  # fmt: skip


@pytest.mark.parametrize(("ahead_s", "minutes"), [(0, 0), (30, 0), (59, 0), (60, 1), (-1, -1), (-60, -1), (-61, -2)])
def test_a_clock_is_as_many_minutes_ahead_as_it_shows(ahead_s: float, minutes: int) -> None:
    assert controls_of(LONDON, {"hybrid": {CLOCK_OFFSET: ahead_s}}, "hybrid").clock_offset_min == minutes


@pytest.mark.parametrize("mode", METER_MODES)
@pytest.mark.parametrize(("own_w", "meter_w"), [(800.0, 2_000.0), (2_000.0, 800.0), (None, 800.0)])
def test_of_the_limits_of_inverter_and_meter_the_lower_counts_where_the_meter_has_one(
    mode: str, own_w: float | None, meter_w: float
) -> None:
    set_: dict[str, dict[str, Value]] = {"sensor": {s.METER_MODE: mode, s.METER_FEED_IN: meter_w}}
    if own_w is not None:
        set_["hybrid"] = {s.EXPORT_LIMIT: own_w}
    usual_w = MOST_W if own_w is None else own_w
    expected_w = usual_w if mode == "Normal" else min(usual_w, meter_w)
    assert controls_of(LONDON, set_, "hybrid").export_limit_w == expected_w


def test_forced_modes_belong_to_the_schedule() -> None:
    assert {WorkMode(mode) for mode in MODES} == set(WorkMode) - {WorkMode.FORCE_CHARGE, WorkMode.FORCE_DISCHARGE}
