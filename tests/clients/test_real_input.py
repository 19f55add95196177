"""Measured data of three real arrays, in through the official Energy Expert client and out through a public SmartPVMS
client, both unmodified, over HTTP, with a hub between them that is a process of its own.

What the hub answers is compared with the files themselves and with integrals computed beside it.
"""

from __future__ import annotations

import math
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pandas as pd
import pytest
from alibabacloud_energyexpertexternal20220923.client import Client as PushClient
from alibabacloud_energyexpertexternal20220923.models import PushDeviceDataRequest, PushDeviceDataRequestDevices
from alibabacloud_tea_openapi.utils_models import Config
from fusionsolar import Client, PandasClient

from heliograph.model.devices import DeviceKind, MeterRole
from tests import live
from tests.clients import measured as files
from tests.clients.measured import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = [
    pytest.mark.timeout(60),
    # Both clients use functions of pandas and the standard library that newer versions of these discourage.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

BATCH = 100
METER, WEATHER_STATION, INVERTER = 17, 10, 1
EVENING_PRICES = tuple(0.9 if hour < 16 else 2.32 for hour in range(24))
WEST, ROOF, EAST = "SERF West", "RSF II", "SERF East"
Row = dict[str, Any]  # any: JSON


class Site(msgspec.Struct, frozen=True):
    """A plant with its file: which column is the power that its meter tells, and in which unit."""

    measured: Measured
    power: str
    kilo: bool
    capacity_kw: float
    prices: tuple[float, ...]
    irradiance: str = ""

    def kilowatts(self) -> list[str]:
        """What the meter tells, as text."""
        return self.measured.columns[self.power] if self.kilo else self.measured.thousandths(self.power)

    def energy_kwh(self, since_ms: int, until_ms: int) -> float:
        """The energy of a span by the trapezoidal rule. [kWh]"""
        power = self.measured.numbers(self.power) * (1.0 if self.kilo else 1e-3)
        return files.energy_wh(self.measured.at_ms, power, since_ms, until_ms)

    def irradiation_kwh_per_m2(self, since_ms: int, until_ms: int) -> float:
        """The irradiation of a span. [kWh/m2]"""
        irradiance = self.measured.numbers(self.irradiance)
        return files.irradiation_wh_per_m2(self.measured.at_ms, irradiance, since_ms, until_ms) / 1000.0


SITES = {
    WEST: Site(files.serf_west(), "ac_power__773", False, 6.0, (1.6,), "poa_irradiance__771"),
    ROOF: Site(files.rsf_ii(), "ac_power_kw_1137", True, 408.0, EVENING_PRICES, "poa_irradiance__1055"),
    EAST: Site(files.serf_east(), "ac_power__752", False, 6.0, ()),
}
INVERTER_POINTS = {
    WEST: {
        "pv.power": "dc_power__772",
        "pv.1.voltage": "dc_pos_voltage__774", "pv.1.current": "dc_pos_current__775",
        "pv.2.voltage": "dc_neg_voltage__776", "pv.2.current": "dc_neg_current__777",
        "inverter.temperature": "inveter_temp__784",
    },
    ROOF: {
        "pv.power": "inv2_dc_power__1135",
        "pv.1.voltage": "inv2_dc_voltage__1048", "pv.1.current": "inv2_dc_current__1049",
        "inverter.temperature": "inv2_temp__1050",
    },
}  # fmt: skip
STATION_POINTS = {
    WEST: {
        "weather.poa_global": "poa_irradiance__771", "weather.temp_air": "ambient_temp__780",
        "weather.temp_module": "module_temp_1__781",
    },
    ROOF: {
        "weather.poa_global": "poa_irradiance__1055", "weather.temp_air": "ambient_temp__1053",
        "weather.temp_module": "module_temp__1056", "weather.wind_speed": "wind_speed__1051",
    },
}  # fmt: skip
WIRE_NAMES = {
    "pv.1.voltage": "pv1_u", "pv.1.current": "pv1_i", "pv.2.voltage": "pv2_u", "pv.2.current": "pv2_i",
    "inverter.temperature": "temperature", "weather.poa_global": "radiant_line", "weather.temp_air": "temperature",
    "weather.temp_module": "pv_temperature", "weather.wind_speed": "wind_speed",
}  # fmt: skip


def meter_points(name: str) -> dict[str, list[str]]:
    """What each meter sends, by the vendor's point names, as texts."""
    site = SITES[name]
    points = {"P": site.kilowatts()}
    if name == WEST:
        points |= {"Ua": site.measured.columns["ac_volts__778"], "Ia": site.measured.columns["ac_current__779"]}
    if name == ROOF:
        # The file is in kilowatts; a register that counts them as if they were watts counts thousandths.
        watts = msgspec.structs.replace(site.measured, columns={"w": [str(Decimal(kw) * 1000) for kw in points["P"]]})
        points["Ep_imp"] = files.counter_kwh(watts, "w", Decimal("48210.25"), 1)
        points["Ep_exp"] = files.counter_kwh(watts, "w", Decimal("3.5"), -1)
    return points


class Fleet(msgspec.Struct, frozen=True):
    """The hub under test and its clients."""

    hub: live.Served
    cloud: Client
    native: httpx.Client
    codes: dict[str, str]
    """Plant codes by plant name."""
    devices: dict[tuple[str, int], int]
    """Device numbers by plant name and device type."""
    ids: dict[str, int]
    """The hub's own numbers of meters, by plant name."""
    sealed: bool
    """Whether the records are compressed by now."""

    def five_minutes(self, name: str, type_id: int) -> list[Row]:
        """All days of a device in steps of five minutes, day by day as the interface gives them."""
        rows: list[Row] = []
        for since_ms, _ in files.days(SITES[name].measured):
            day = pd.Timestamp(since_ms + 1000, unit="ms", tz="UTC")
            rows += self.cloud.get_dev_kpi_fivemin(str(self.devices[name, type_id]), type_id, day)["data"]
        return rows


def provision(data: Path) -> None:
    """Three plants: each with a meter on its output, two with an inverter and a weather station as well."""
    with live.provisioning(data) as setup:
        account = setup.account("NREL")
        setup.credentials(account)
        for name, site in SITES.items():
            profile = "huawei-current" if name == ROOF else "huawei-2020"
            plant = setup.plant(
                account, name, files.ZONE,
                capacity_w=site.capacity_kw * 1000, tariff=site.prices, kpi_profile=profile,
            )  # fmt: skip
            wire = name.lower().replace(" ", "-")
            setup.device(plant, DeviceKind.METER, f"{name} meter", pushed=("1", wire), role=MeterRole.PRODUCTION)
            if site.irradiance:
                setup.device(plant, DeviceKind.INVERTER, f"{name} inverter", serial=f"{wire}-inverter")
                setup.device(plant, DeviceKind.WEATHER_STATION, f"{name} station", serial=f"{wire}-station")


def push(hub: live.Served, name: str, *, older_form: bool) -> None:
    """Send a meter's file with the official client, in batches."""
    config = Config(
        access_key_id=live.ACCESS_KEY, access_key_secret=live.ACCESS_SECRET,
        endpoint=f"{live.HOST}:{hub.port}", protocol="HTTP", signature_algorithm="v2" if older_form else None,
    )  # fmt: skip
    client = PushClient(config)
    local, points, wire = SITES[name].measured.local, meter_points(name), name.lower().replace(" ", "-")
    records = [
        PushDeviceDataRequestDevices(
            device_id=wire, record_time=at, data={point: texts[row] for point, texts in points.items()}
        )
        for row, at in enumerate(local)
    ]
    for start in range(0, len(records), BATCH):
        request = PushDeviceDataRequest(device_type="1", devices=records[start : start + BATCH])
        answer = client.push_device_data(request)
        assert (answer.status_code, answer.body.data) == (200, "success")
        assert answer.headers["x-acs-request-id"] == answer.body.request_id


def send(native: httpx.Client, device: int, measured: Measured, points: dict[str, str], *, wall: bool) -> None:
    """Send a file through the hub's own interface; `wall` leaves the offset of the times away."""
    records = [
        {
            "device": device,
            "at": measured.local[row].replace(" ", "T") if wall else at_ms,
            "values": {key: float(measured.columns[column][row]) for key, column in points.items()},
        }
        for row, at_ms in enumerate(measured.at_ms)
    ]
    for start in range(0, len(records), BATCH):
        batch = records[start : start + BATCH]
        answer = native.post("/api/v1/samples", json=batch)
        assert answer.json() == {"accepted": len(batch), "duplicates": 0, "corrected": 0}


def wait_until_sealed(data: Path) -> None:
    """Wait until no record is left in the hot tier."""
    for _ in range(400):
        if live.contents(data).hot == 0:
            return
        time.sleep(0.05)
    raise AssertionError("nobody seals")


@pytest.fixture(scope="module", params=["hot", "sealed"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A hub that was given all three files, read before and after it compressed them."""
    data = tmp_path_factory.mktemp(request.param) / "data"
    every_s = 0.2 if request.param == "sealed" else 3600.0
    live.configure(data, serve={"limits": "off"}, seal={"every_s": every_s})
    provision(data)
    with live.served(data) as hub, httpx.Client(base_url=hub.url, headers=live.BEARER) as native:
        held = native.get("/api/v1/devices").json()["devices"]
        plants = {plant["id"]: plant["name"] for plant in native.get("/api/v1/plants").json()["plants"]}
        by_name = {(plants[device["plant"]], device["kind"]): device["id"] for device in held}
        push(hub, WEST, older_form=False)
        push(hub, ROOF, older_form=True)
        push(hub, EAST, older_form=False)
        for name in INVERTER_POINTS:
            source = SITES[name].measured
            send(native, by_name[name, "inverter"], source, INVERTER_POINTS[name], wall=name == WEST)
            send(native, by_name[name, "weather_station"], source, STATION_POINTS[name], wall=name == ROOF)
        if request.param == "sealed":
            wait_until_sealed(data)
        cloud = Client(live.USER, live.PASSWORD, base_url=f"{hub.url}/thirdData", max_retry=0)
        codes = {entry["stationName"]: entry["stationCode"] for entry in cloud.get_station_list()["data"]}
        listed = cloud.get_dev_list(",".join(codes.values()))["data"]
        names = {code: name for name, code in codes.items()}
        devices = {(names[entry["stationCode"]], entry["devTypeId"]): entry["id"] for entry in listed}
        meters = {name: by_name[name, "meter"] for name in SITES}
        yield Fleet(hub, cloud, native, codes, devices, meters, request.param == "sealed")
        cloud.session.close()
        for secret in live.SECRETS:
            assert secret not in hub.log()
        assert "Traceback" not in hub.log()


def collected(rows: Sequence[Row]) -> dict[int, Row]:
    """Rows by the instant they are of, each instant once."""
    found = {row["collectTime"]: row["dataItemMap"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_every_plant_and_device_is_listed_with_its_type_and_capacity(fleet: Fleet) -> None:
    listed = {entry["stationName"]: entry["capacity"] for entry in fleet.cloud.get_station_list()["data"]}
    assert listed == {name: site.capacity_kw / 1000 for name, site in SITES.items()}
    assert set(fleet.devices) == {(name, METER) for name in SITES} | {
        (name, kind) for name in INVERTER_POINTS for kind in (INVERTER, WEATHER_STATION)
    }


@pytest.mark.parametrize("name", [WEST, ROOF])
def test_what_a_meter_pushed_comes_out_of_the_five_minute_data_with_the_same_values_and_instants(
    fleet: Fleet, name: str
) -> None:
    found = collected(fleet.five_minutes(name, METER))
    points = {point: [float(text) for text in texts] for point, texts in meter_points(name).items()}
    assert list(found) == SITES[name].measured.at_ms
    # Some values of the file have 16 digits; the interface gives microwatts.
    assert [row["active_power"] for row in found.values()] == pytest.approx(points["P"], rel=0, abs=0.51e-9)
    wire = {"Ua": "a_u", "Ia": "a_i", "Ep_imp": "active_cap", "Ep_exp": "reverse_active_cap"}
    for point in points.keys() & wire.keys():
        assert [row[wire[point]] for row in found.values()] == points[point]
    assert {row["b_u"] for row in found.values()} == {None}
    assert name != WEST or min(points["P"]) < 0


def test_of_readings_every_minute_the_five_minute_data_have_the_first_of_each_slot(fleet: Fleet) -> None:
    measured, rows = SITES[EAST].measured, collected(fleet.five_minutes(EAST, METER))
    places = files.first_of_slots(measured)
    kilowatts = SITES[EAST].kilowatts()
    assert {at: row["active_power"] for at, row in rows.items()} == pytest.approx(
        {measured.at_ms[place]: float(kilowatts[place]) for place in places}, rel=0, abs=0.51e-9
    )
    assert len(places) < len(measured.at_ms) / 4.9


def test_all_readings_every_minute_are_kept_for_the_native_history(fleet: Fleet) -> None:
    measured = SITES[EAST].measured
    span = {"since": str(measured.at_ms[0]), "until": str(measured.at_ms[-1] + 1)}
    body = fleet.native.get(f"/api/v1/devices/{fleet.ids[EAST]}/history", params=span).json()
    stamps = [round(pd.Timestamp(text).timestamp() * 1000) for text in body["at"]]
    assert stamps == measured.at_ms
    assert body["columns"]["meter.power"] == pytest.approx(measured.numbers("ac_power__752").tolist(), rel=1e-12)


@pytest.mark.parametrize("name", INVERTER_POINTS)
@pytest.mark.parametrize(("type_id", "table"), [(INVERTER, INVERTER_POINTS), (WEATHER_STATION, STATION_POINTS)])
def test_what_came_through_the_native_interface_comes_out_of_the_five_minute_data(
    fleet: Fleet, name: str, type_id: int, table: dict[str, dict[str, str]]
) -> None:
    measured, found = SITES[name].measured, collected(fleet.five_minutes(name, type_id))
    assert list(found) == measured.at_ms
    for key, column in table[name].items():
        expected = measured.numbers(column).tolist()
        if key == "pv.power":
            got = [row["mppt_power"] * 1000 for row in found.values()]
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-6)
        else:
            assert [row[WIRE_NAMES[key]] for row in found.values()] == expected


def hourly(fleet: Fleet, name: str) -> dict[int, Row]:
    """The hours of all days of a plant."""
    rows: list[Row] = []
    for since_ms, _ in files.days(SITES[name].measured):
        rows += fleet.cloud.get_station_kpi_hour(fleet.codes[name], pd.Timestamp(since_ms, unit="ms", tz="UTC"))["data"]
    return collected(rows)


def daily(fleet: Fleet, name: str) -> dict[int, Row]:
    """The days of the month of a plant."""
    noon = pd.Timestamp(SITES[name].measured.at_ms[0], unit="ms", tz="UTC")
    return collected(fleet.cloud.get_station_kpi_day(fleet.codes[name], noon)["data"])


def close(value: float, decimals: int) -> Any:  # any: what pytest compares with
    """Equal to 0.1 percent, and to what the interface rounds away."""
    return pytest.approx(value, rel=1e-3, abs=0.51 * 10.0**-decimals)


@pytest.mark.parametrize("name", SITES)
def test_the_energy_of_every_hour_is_the_area_under_the_power_curve(fleet: Fleet, name: str) -> None:
    site, found = SITES[name], hourly(fleet, name)
    compared = 0
    for since_ms, until_ms in files.hours(site.measured):
        expected = site.energy_kwh(since_ms, until_ms)
        if math.isnan(expected):
            assert found.get(since_ms, {}).get("inverter_power") is None
        else:
            assert found[since_ms]["inverter_power"] == close(expected, 3)
            compared += 1
    assert compared == {WEST: 120, ROOF: 120, EAST: 44}[name]


@pytest.mark.parametrize("name", SITES)
def test_the_energy_of_every_day_is_the_area_under_the_power_curve(fleet: Fleet, name: str) -> None:
    site, found = SITES[name], daily(fleet, name)
    for since_ms, until_ms in files.days(site.measured):
        assert found[since_ms]["inverter_power"] == close(site.energy_kwh(since_ms, until_ms), 3)


@pytest.mark.parametrize("name", SITES)
def test_the_unrounded_energy_of_the_native_interface_is_that_area_to_a_millionth(fleet: Fleet, name: str) -> None:
    site = SITES[name]
    days = files.days(site.measured)
    plant = next(p["id"] for p in fleet.native.get("/api/v1/plants").json()["plants"] if p["name"] == name)
    span = {"level": "day", "since": str(days[0][0]), "until": str(days[-1][1])}
    found = fleet.native.get(f"/api/v1/plants/{plant}/energy", params=span).json()["buckets"]
    for (since_ms, until_ms), bucket in zip(days, found, strict=True):
        expected = site.energy_kwh(since_ms, until_ms) * 1000
        assert bucket["production"] == pytest.approx(expected, rel=1e-6, abs=0.02)
        assert bucket["integrated"] == (None if name == ROOF else bucket["production"])


@pytest.mark.parametrize("name", INVERTER_POINTS)
def test_the_irradiation_and_theory_of_every_hour_follow_from_the_measured_irradiance(fleet: Fleet, name: str) -> None:
    site = SITES[name]
    for since_ms, row in hourly(fleet, name).items():
        irradiation = site.irradiation_kwh_per_m2(since_ms, since_ms + files.HOUR_MS)
        assert row["radiation_intensity"] == pytest.approx(irradiation, abs=0.51e-4)
        assert row["theory_power"] == pytest.approx(irradiation * site.capacity_kw, abs=0.51e-2)


def price(site: Site, since_ms: int, until_ms: int) -> float:
    """What the energy of a span is worth, hour by hour."""
    total = 0.0
    for hour_ms, end_ms in files.hours(site.measured):
        energy = site.energy_kwh(hour_ms, end_ms) if since_ms <= hour_ms < until_ms else float("nan")
        if not math.isnan(energy):
            local_hour = pd.Timestamp(hour_ms, unit="ms", tz="UTC").tz_convert(files.ZONE).hour
            total += energy * site.prices[local_hour % len(site.prices)]
    return total


def check_figures(site: Site, row: Row, since_ms: int, until_ms: int, *, current: bool) -> None:
    """Every performance figure of a period, each from its formula."""
    energy, light = site.energy_kwh(since_ms, until_ms), site.irradiation_kwh_per_m2(since_ms, until_ms)
    theory = light * site.capacity_kw
    co2_kg = energy * (0.475 if current else 0.997)
    assert row["installed_capacity"] == site.capacity_kw
    assert row["radiation_intensity"] == close(light, 4)
    assert row["theory_power"] == close(theory, 2)
    assert row["performance_ratio"] == close(min(100 * energy / theory, 89.0), 3)
    assert row["perpower_ratio"] == close(energy / site.capacity_kw, 3)
    assert row["reduction_total_co2"] == close(co2_kg / 1000, 3)
    assert row["reduction_total_coal"] == close(energy * 0.4 / 1000, 3)
    trees = round(co2_kg / 18.3 / 40, 3) if current else math.floor(co2_kg / 18.3 + 0.5)
    assert row["reduction_total_tree"] == (close(trees, 3) if current else trees)
    assert row["power_profit"] == close(price(site, since_ms, until_ms), 4)
    assert (row["ongrid_power"], row["use_power"]) == (None, None)


@pytest.mark.parametrize("name", INVERTER_POINTS)
def test_every_figure_of_a_day_follows_its_formula(fleet: Fleet, name: str) -> None:
    found = daily(fleet, name)
    for since_ms, until_ms in files.days(SITES[name].measured):
        check_figures(SITES[name], found[since_ms], since_ms, until_ms, current=name == ROOF)


@pytest.mark.parametrize("name", INVERTER_POINTS)
def test_the_ratio_is_capped_on_the_days_that_snow_light_or_cold_carry_beyond_it(fleet: Fleet, name: str) -> None:
    shown = [row["performance_ratio"] for row in daily(fleet, name).values() if row["performance_ratio"] is not None]
    assert shown.count(89.0) >= 1
    assert sum(ratio < 88 for ratio in shown) >= 2


@pytest.mark.parametrize("name", INVERTER_POINTS)
def test_every_figure_of_the_month_and_the_year_follows_its_formula(fleet: Fleet, name: str) -> None:
    site = SITES[name]
    days = files.days(site.measured)
    when = pd.Timestamp(site.measured.at_ms[0], unit="ms", tz="UTC")
    for call in (fleet.cloud.get_station_kpi_month, fleet.cloud.get_station_kpi_year):
        [row] = [row for row in call(fleet.codes[name], when)["data"] if row["dataItemMap"]["inverter_power"]]
        check_figures(site, row["dataItemMap"], days[0][0], days[-1][1], current=name == ROOF)


def test_a_plant_without_prices_or_light_has_no_profit_and_no_ratio_rather_than_zero(fleet: Fleet) -> None:
    for row in daily(fleet, EAST).values():
        assert [row[name] for name in ("power_profit", "performance_ratio", "theory_power", "radiation_intensity")] == [
            None, None, None, None,
        ]  # fmt: skip


def test_the_client_for_pandas_makes_a_table_of_the_same_days(fleet: Fleet) -> None:
    client = PandasClient(live.USER, live.PASSWORD, base_url=f"{fleet.hub.url}/thirdData", max_retry=0)
    site = SITES[WEST]
    table = client.get_kpi_day(fleet.codes[WEST], pd.Timestamp(site.measured.at_ms[0], unit="ms", tz="UTC"))
    client.session.close()
    fleet.cloud.login()  # the other client's login ended this session
    assert str(table.index.tz) == "UTC"
    for since_ms, until_ms in files.days(site.measured):
        row = table.loc[pd.Timestamp(since_ms, unit="ms", tz="UTC")]
        assert row["inverter_power"] == close(site.energy_kwh(since_ms, until_ms), 3)
        assert math.isnan(row["ongrid_power"])


def test_sending_a_whole_file_again_changes_nothing(fleet: Fleet) -> None:
    before, records = daily(fleet, WEST), live.contents(fleet.hub.data).records
    push(fleet.hub, WEST, older_form=True)
    assert daily(fleet, WEST) == before
    found = collected(fleet.five_minutes(WEST, METER))
    assert list(found) == SITES[WEST].measured.at_ms
    if fleet.sealed:
        wait_until_sealed(fleet.hub.data)
    assert live.contents(fleet.hub.data).records == records
