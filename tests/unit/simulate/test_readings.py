"""Readings have the measurements, the signs and the resolution of real devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model.devices import DeviceKind
from heliograph.model.measurements import CATALOGUE, TARIFFS
from heliograph.simulate.flows import Flow, flow
from heliograph.simulate.readings import OF_KIND, Columns, health, inverter
from heliograph.simulate.registers import displays, rises, shown
from heliograph.simulate.steps import STEP_MS

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedDevice, SimulatedPlant

SINCE_MS = 1_718_409_600_000  # 2024-06-15 UTC
UNTIL_MS = SINCE_MS + 12 * DAY_MS
DIGITS = {"V": 1, "A": 2, "W": 0, "var": 0, "VA": 0, "Hz": 2, "degC": 1, "W/m2": 0, "m/s": 1, "%": 2, "deg": 0}
AC_THREE = {f"ac.{p}.{q}" for p in "abc" for q in ("voltage", "current")} | {
    f"ac.{p}.voltage" for p in ("ab", "bc", "ca")
}
INVERTER = {
    "inverter.state", "inverter.efficiency", "inverter.temperature", "ac.power_factor", "ac.frequency", "ac.power",
    "ac.reactive_power", "pv.power", "pv.1.voltage", "pv.1.current",
}  # fmt: skip
METER = {
    "meter.power", "meter.reactive_power", "meter.power_factor", "meter.frequency", "meter.apparent_power",
    *(f"meter.{p}.{q}" for p in "abc" for q in ("voltage", "current", "power", "reactive_power")),
}  # fmt: skip
SENSOR = {
    "meter.status", "meter.voltage", "meter.current", "meter.power", "meter.reactive_power", "meter.power_factor",
    "meter.frequency",
}  # fmt: skip
BATTERY = {
    "battery.status", "battery.mode", "battery.max_charge_power", "battery.max_discharge_power", "battery.power",
    "battery.voltage", "battery.soc", "battery.temperature",
}  # fmt: skip
WEATHER = {f"weather.{q}" for q in ("temp_air", "temp_module", "wind_speed", "wind_direction", "poa_global", "ghi")}


@pytest.fixture(scope="module")
def flows(plants: dict[str, SimulatedPlant]) -> dict[str, Flow]:
    """Twelve days of each plant."""
    return {key: flow(plant, 4_000_000, SINCE_MS, UNTIL_MS) for key, plant in plants.items()}


def of(plant: SimulatedPlant, key: str, moved: Flow) -> tuple[SimulatedDevice, Columns]:
    device = next(device for device in plant.devices if device.key == key)
    return device, OF_KIND[device.kind](plant, device, moved)


@pytest.mark.parametrize(
    ("plant_key", "device_key", "expected"),
    [
        ("shanghai", "inverter-1", INVERTER | AC_THREE | {"pv.8.current"}),
        ("shanghai", "meter", METER),
        ("shanghai", "weather", WEATHER),
        ("london", "hybrid", INVERTER | {"grid.power", "load.power"}),
        ("london", "battery", BATTERY),
        ("london", "sensor", SENSOR),
        ("new-york", "micro-1", {"ac.power", "ac.a.voltage", "ac.frequency", "inverter.state", "pv.4.power"}),
        ("adelaide", "inverter", INVERTER | AC_THREE),
    ],
)
def test_a_device_tells_what_its_kind_tells(
    plants: dict[str, SimulatedPlant], flows: dict[str, Flow], plant_key: str, device_key: str, expected: set[str]
) -> None:
    _, columns = of(plants[plant_key], device_key, flows[plant_key])
    assert expected <= set(columns)


def test_every_reading_is_in_the_catalogue_and_rounded(plant: SimulatedPlant, flows: dict[str, Flow]) -> None:
    for device in plant.devices:
        for key, column in of(plant, device.key, flows[plant.key])[1].items():
            assert np.isfinite(column).all(), key
            digits = DIGITS.get(CATALOGUE[key].unit.symbol, 3)
            assert np.array_equal(column, np.round(column, digits)), key


def test_every_register_is_in_the_catalogue_and_never_falls(plant: SimulatedPlant, flows: dict[str, Flow]) -> None:
    for device in plant.devices:
        for key, gained in rises(plant, device, flows[plant.key]).items():
            assert key in CATALOGUE
            assert gained.dtype == np.int64
            assert gained.min() >= 0, key


def test_an_inverter_sleeps_at_night(plants: dict[str, SimulatedPlant], flows: dict[str, Flow]) -> None:
    for plant_key, key in (("shanghai", "inverter-2"), ("new-york", "micro-3"), ("adelaide", "inverter")):
        _, columns = of(plants[plant_key], key, flows[plant_key])
        night = flows[plant_key].weather.elevation < 0
        assert set(columns["inverter.state"][night].tolist()) <= {0xA000, 0x0300}
        for name, column in columns.items():
            if name not in {"inverter.state", "inverter.temperature"}:
                assert not column[night].any(), name
        noon = flows[plant_key].weather.elevation > 30
        assert (columns["inverter.state"][noon] == 0x0200).mean() > 0.97


def test_an_inverter_with_a_battery_stays_on_the_mains_at_night(
    plants: dict[str, SimulatedPlant], flows: dict[str, Flow]
) -> None:
    london = plants["london"]
    hybrid = next(device for device in london.inverters if device.kind is DeviceKind.HYBRID_INVERTER)
    ran = flows["london"]
    told = inverter(london, hybrid, ran)
    idle = ~ran.running(hybrid.key) & ~ran.generation[hybrid.key].stopped
    assert idle.any()
    assert told["ac.a.voltage"][idle].min() > 200
    assert told["ac.frequency"][idle].min() > 49
    assert not told["ac.a.current"][idle].any()


def test_strings_carry_the_power_of_the_array(plants: dict[str, SimulatedPlant], flows: dict[str, Flow]) -> None:
    _, columns = of(plants["shanghai"], "inverter-1", flows["shanghai"])
    by_strings = np.sum([columns[f"pv.{n}.voltage"] * columns[f"pv.{n}.current"] for n in range(1, 9)], axis=0)
    bright = columns["pv.power"] > 2000
    assert np.abs(by_strings[bright] / columns["pv.power"][bright] - 1).max() < 0.01


def test_phases_carry_the_power_of_the_inverter(plants: dict[str, SimulatedPlant], flows: dict[str, Flow]) -> None:
    _, columns = of(plants["shanghai"], "inverter-1", flows["shanghai"])
    by_phases = np.sum([columns[f"ac.{p}.voltage"] * columns[f"ac.{p}.current"] for p in "abc"], axis=0)
    assert np.abs(by_phases - columns["ac.power"]).max() < 30
    ratio = columns["ac.ab.voltage"][columns["ac.power"] > 0] / columns["ac.a.voltage"][columns["ac.power"] > 0]
    assert np.abs(ratio - 3**0.5).max() < 0.05


@pytest.mark.parametrize(("plant_key", "phases"), [("shanghai", "abc"), ("new-york", "ab")])
def test_the_phases_of_a_meter_add_up(
    plants: dict[str, SimulatedPlant], flows: dict[str, Flow], plant_key: str, phases: str
) -> None:
    _, columns = of(plants[plant_key], "meter", flows[plant_key])
    for quantity in ("power", "reactive_power"):
        total = np.sum([columns[f"meter.{p}.{quantity}"] for p in phases], axis=0)
        assert np.abs(total - columns[f"meter.{quantity}"]).max() <= len(phases)
    assert (columns["meter.apparent_power"] + 1 >= np.abs(columns["meter.power"])).all()
    assert columns["meter.power_factor"].min() >= 0
    assert columns["meter.power_factor"].max() <= 1


def test_a_meter_is_positive_while_it_imports(plant: SimulatedPlant, flows: dict[str, Flow]) -> None:
    moved = flows[plant.key]
    meter = next(device.key for device in plant.devices if device.kind in {DeviceKind.METER, DeviceKind.POWER_SENSOR})
    power = of(plant, meter, moved)[1]["meter.power"]
    assert (power[moved.imported > 0] >= 0).all()
    assert (power[moved.exported > 0] <= 0).all()


def test_a_battery_is_positive_while_it_gives(plants: dict[str, SimulatedPlant], flows: dict[str, Flow]) -> None:
    moved = flows["london"]
    assert moved.battery is not None
    device, columns = of(plants["london"], "battery", moved)
    assert (columns["battery.power"][moved.battery.discharged > 50] > 0).all()
    assert (columns["battery.power"][moved.battery.charged > 50] < 0).all()
    assert 9 <= columns["battery.soc"].min() < columns["battery.soc"].max() <= 100
    assert not columns["battery.max_charge_power"][columns["battery.soc"] == 100].any()
    assert 150 < columns["battery.voltage"].min() < columns["battery.voltage"].max() < 250
    assert health(device, np.array([0, 600 * 10_000 * 1000]))["battery.soh"].tolist() == [100.0, 98.0]


def test_a_hybrid_tells_of_house_and_grid_what_balances(
    plants: dict[str, SimulatedPlant], flows: dict[str, Flow]
) -> None:
    _, columns = of(plants["london"], "hybrid", flows["london"])
    assert np.abs(columns["grid.power"] + columns["ac.power"] - columns["load.power"]).max() <= 2


def test_the_tariffs_share_out_the_register(plants: dict[str, SimulatedPlant], flows: dict[str, Flow]) -> None:
    plant = plants["shanghai"]
    meter = next(device for device in plant.devices if device.key == "meter")
    gained = rises(plant, meter, flows["shanghai"])
    for way in ("energy_forward", "energy_reverse"):
        parts = [gained[f"meter.{tariff}.{way}"] for tariff in TARIFFS]
        assert np.array_equal(np.sum(parts, axis=0), gained[f"meter.{way}"])
        assert all(part.any() for part in parts[:3])


def test_an_interval_belongs_to_the_tariff_it_began_in(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["shanghai"]
    meter = next(device for device in plant.devices if device.key == "meter")
    six_ms = SINCE_MS - 2 * HOUR_MS  # 06:00 in Shanghai, where valley ends and flat begins
    gained = rises(plant, meter, flow(plant, 0, six_ms, six_ms + 2 * STEP_MS))
    either = {name: gained[f"meter.{name}.energy_forward"] + gained[f"meter.{name}.energy_reverse"] for name in TARIFFS}
    assert (either["valley"] > 0).tolist() == [True, False]
    assert (either["flat"] > 0).tolist() == [False, True]


def test_a_register_shows_whole_units_and_never_more_than_it_holds() -> None:
    counter = np.array([0, 999, 1000, 9_999, 10_000, 123_456_789])
    assert shown(counter, 1).tolist() == [0, 0, 1, 9, 10, 123_456]
    assert shown(counter, 10).tolist() == [0, 0, 0, 0, 10, 123_450]


def test_irradiation_is_shown_of_today_alone(plants: dict[str, SimulatedPlant]) -> None:
    station = next(device for device in plants["adelaide"].devices if device.key == "weather")
    readings = displays(station, "weather.ghi_irradiation", np.array([5000, 9000]), np.array([4000, 4000]))
    assert {key: column.tolist() for key, column in readings.items()} == {"weather.ghi_irradiation": [1, 5]}


def test_a_gateway_has_nothing_to_tell(plants: dict[str, SimulatedPlant], flows: dict[str, Flow]) -> None:
    assert of(plants["london"], "dongle", flows["london"])[1] == {}


def test_a_device_tells_nothing_of_what_it_does_not_have(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["london"]
    made = flow(plant, 4_000_000, SINCE_MS, SINCE_MS + DAY_MS)
    without = msgspec.structs.replace(made, battery=None)
    hybrid, storage = plant.inverters[0], plant.storage
    assert storage is not None
    bare = msgspec.structs.replace(storage, battery=None)
    for device, moved in ((bare, made), (storage, without)):
        assert OF_KIND[device.kind](plant, device, moved) == {}
    assert rises(plant, storage, without) == {}
    assert health(bare, np.zeros(3, dtype=np.int64)) == {}
    columns = OF_KIND[hybrid.kind](plant, msgspec.structs.replace(hybrid, inverter=None), made)
    assert not any(key.startswith("pv.1.") for key in columns)
    assert "pv.power" in columns
