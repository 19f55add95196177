"""The plants of the simulated fleet: four places, four ways to build."""

from __future__ import annotations

from datetime import date

import msgspec

from heliograph.model.devices import DeviceKind
from heliograph.model.plants import GridType
from heliograph.simulate.specs import (
    Battery,
    Climate,
    Connection,
    Inverter,
    Load,
    LoadProfile,
    SimulatedDevice,
    SimulatedPlant,
    Tracker,
)

THREE_PHASE = ("a", "b", "c")
ROOF = "open_rack_glass_polymer"


def _at(devices: tuple[SimulatedDevice, ...], latitude: float, longitude: float) -> tuple[SimulatedDevice, ...]:
    """The devices, put in their place."""
    return tuple(msgspec.structs.replace(device, latitude=latitude, longitude=longitude) for device in devices)


def _shanghai(seed: int) -> SimulatedPlant:
    """A factory roof: four string inverters, a weather station, a meter with tariff registers."""
    latitude, longitude = 31.1443, 121.4365
    array = Inverter(50_000.0, tuple(Tracker(2, 18, 410.0, 12.0, 170.0 + 5 * n, ROOF) for n in range(4)), 0.983)
    inverters = tuple(
        SimulatedDevice(
            key=f"inverter-{n}", kind=DeviceKind.INVERTER, name=f"Inverter {n}", serial=f"HV2150063{n:03d}",
            model="SUN2000-50KTL-M3", firmware="V500R001C00SPC135", capacity_w=array.capacity_w, gateway="logger",
            wire_ids={"energy_expert": f"SH-INV-{n:02d}"}, inverter=array,
        )
        for n in range(1, 5)
    )  # fmt: skip
    others = (
        SimulatedDevice(
            key="logger", kind=DeviceKind.GATEWAY, name="Logger", serial="102170084211", model="SmartLogger3000A",
            firmware="V300R023C10SPC153",
        ),
        SimulatedDevice(
            key="weather", kind=DeviceKind.WEATHER_STATION, name="Roof weather station", serial="EMI-0420117",
            model="PC-4", gateway="logger", wire_ids={"energy_expert": "SH-EMI-01"}, register_wh=1,
        ),
        SimulatedDevice(
            key="meter", kind=DeviceKind.METER, name="Grid meter", serial="220314007725", model="DTSD1352",
            gateway="logger", wire_ids={"energy_expert": "SH-MTR-01"}, tariffs=True,
        ),
    )  # fmt: skip
    tariff = tuple(
        {"v": 0.33, "f": 0.71, "p": 1.12, "s": 1.34}[letter] for letter in "vvvvvvffppsfffffffpsspvv"
    )  # fmt: skip
    return SimulatedPlant(
        key="shanghai", seed=seed, name="Minhang Works", zone="Asia/Shanghai",
        address="1288 Jianchuan Road, Minhang, Shanghai", altitude_m=6.0,
        capacity_w=4 * array.capacity_w, grid_type=GridType.COMMERCIAL, connected_on=date(2021, 6, 18), tariff=tariff,
        currency="CNY", contact_name="Li Wei", contact_phone="+86 21 5550 0142",
        climate=Climate(
            turbidity=4.8, turbidity_swing=0.6, cloudiness=0.65, temp_mean_c=17.1, temp_swing_c=11.8,
            temp_daily_c=4.2, wind_mean_m_s=3.2, wind_from_deg=120.0,
        ),
        connection=Connection(THREE_PHASE, 230.0, 50.0),
        load=Load(LoadProfile.COMMERCIAL, 14_000.0, 92_000.0, cooling_w_per_k=3_500.0),
        yield_h=1130.0, devices=_at((*inverters, *others), latitude, longitude), latitude=latitude, longitude=longitude,
    )  # fmt: skip


def _london(seed: int) -> SimulatedPlant:
    """A house: a hybrid inverter on two roof faces, its battery and its meter."""
    latitude, longitude = 51.4613, -0.1156
    mount = "close_mount_glass_glass"
    array = Inverter(
        5_000.0, (Tracker(1, 9, 405.0, 38.0, 112.0, mount), Tracker(1, 7, 405.0, 38.0, 202.0, mount)), 0.975
    )
    store = Battery(10_000, 3_600, 3_600)
    devices = (
        SimulatedDevice(
            key="hybrid", kind=DeviceKind.HYBRID_INVERTER, name="Hybrid inverter", serial="60BH5021A7QK031",
            model="H1-5.0-E-G2", firmware="1.54", capacity_w=array.capacity_w, gateway="dongle", inverter=array,
        ),
        SimulatedDevice(
            key="battery", kind=DeviceKind.BATTERY, name="Battery", serial="60EP10021B4T118", model="EP10",
            firmware="1.012", capacity_w=float(store.discharge_w), gateway="dongle", battery=store,
        ),
        SimulatedDevice(
            key="sensor", kind=DeviceKind.POWER_SENSOR, name="Grid meter", serial="EDM23041187", model="SDM230",
            gateway="dongle",
        ),
        SimulatedDevice(
            key="dongle", kind=DeviceKind.GATEWAY, name="Data dongle", serial="609W4EDF21BC904", model="Wi-Fi 3.0",
            firmware="1.89",
        ),
    )  # fmt: skip
    return SimulatedPlant(
        key="london", seed=seed, name="Ferndale Road", zone="Europe/London", address="Ferndale Road, London SW4",
        altitude_m=20.0, capacity_w=array.capacity_w, grid_type=GridType.RESIDENTIAL, connected_on=date(2022, 9, 3),
        tariff=(0.27,), currency="GBP", contact_name="Priya Shah", contact_phone="+44 20 7946 0148",
        climate=Climate(
            turbidity=3.3, cloudiness=0.5, cloud_swing=-0.1, temp_mean_c=11.3, temp_swing_c=7.0,
            temp_daily_c=3.8, wind_mean_m_s=4.0, wind_from_deg=235.0,
        ),
        connection=Connection(("a",), 240.0, 50.0),
        load=Load(LoadProfile.HOUSEHOLD, 160.0, 420.0, heating_w_per_k=12.0),
        yield_h=930.0, devices=_at(devices, latitude, longitude), latitude=latitude, longitude=longitude,
    )  # fmt: skip


def _micro(n: int, ecu: int, channels: int) -> SimulatedDevice:
    """A micro-inverter with a module on each channel."""
    model, serial = ("QT2D", f"90200004{1170 + n}") if channels == 4 else ("DS3", f"70400010{2210 + n}")
    face = 145.0 if ecu == 1 else 235.0
    array = Inverter(440.0 * channels, tuple(Tracker(1, 1, 430.0, 28.0, face) for _ in range(channels)), 0.965, 0.08)
    return SimulatedDevice(
        key=f"micro-{n}", kind=DeviceKind.MICRO_INVERTER, name=f"Micro-inverter {n}", serial=serial, model=model,
        capacity_w=array.capacity_w, gateway=f"ecu-{ecu}", wire_ids={"apsystems": serial}, inverter=array,
        register_wh=1,
    )  # fmt: skip


def _new_york(seed: int) -> SimulatedPlant:
    """A small apartment house: micro-inverters on two faces, each under its own gateway."""
    latitude, longitude = 40.6782, -73.9442
    micros = tuple(_micro(n, 1 if n <= 4 else 2, 4 if n % 2 else 2) for n in range(1, 9))
    ecus = tuple(
        SimulatedDevice(
            key=f"ecu-{n}", kind=DeviceKind.GATEWAY, name=f"ECU {n}", serial=serial, model="ECU-R-PRO",
            firmware="2.1.29D", wire_ids={"apsystems": serial},
        )
        for n, serial in ((1, "216200041873"), (2, "216200041904"))
    )  # fmt: skip
    meter = SimulatedDevice(
        key="meter", kind=DeviceKind.METER, name="Service meter", serial="1NDM48811730", model="E50",
        gateway="ecu-1", register_wh=1,
    )  # fmt: skip
    return SimulatedPlant(
        key="new-york", seed=seed, name="Kingston Avenue", zone="America/New_York",
        address="Kingston Avenue, Brooklyn, NY 11213", altitude_m=25.0,
        capacity_w=sum(micro.capacity_w or 0.0 for micro in micros), grid_type=GridType.RESIDENTIAL,
        connected_on=date(2020, 10, 27), tariff=(0.31,), currency="USD", contact_name="Dana Ortiz",
        contact_phone="+1 718 555 0164",
        climate=Climate(
            turbidity=3.2, turbidity_swing=0.6, cloudiness=0.05, cloud_swing=-0.15, temp_mean_c=13.1, temp_swing_c=12.2,
            temp_daily_c=4.5, wind_mean_m_s=4.2, wind_from_deg=280.0,
        ),
        connection=Connection(("a", "b"), 120.0, 60.0, line_factor=2.0),
        load=Load(LoadProfile.HOUSEHOLD, 700.0, 2_100.0, cooling_w_per_k=220.0, heating_w_per_k=40.0),
        yield_h=1220.0, devices=_at((*ecus, *micros, meter), latitude, longitude),
        latitude=latitude, longitude=longitude,
    )  # fmt: skip


def _adelaide(seed: int) -> SimulatedPlant:
    """A clinic's roof: one string inverter, a power sensor and a small weather station."""
    latitude, longitude = -34.9212, 138.5995
    array = Inverter(
        15_000.0, (Tracker(2, 14, 440.0, 20.0, 5.0, ROOF), Tracker(1, 12, 440.0, 20.0, 275.0, ROOF)), 0.981
    )
    devices = (
        SimulatedDevice(
            key="inverter", kind=DeviceKind.INVERTER, name="Inverter", serial="HV3210118046",
            model="SUN2000-15KTL-M5", firmware="V200R023C00SPC110", capacity_w=array.capacity_w, inverter=array,
        ),
        SimulatedDevice(
            key="sensor", kind=DeviceKind.POWER_SENSOR, name="Grid meter", serial="DTSU66604471",
            model="DTSU666-H",
        ),
        SimulatedDevice(
            key="weather", kind=DeviceKind.WEATHER_STATION, name="Weather station", serial="WS600-3381",
            model="WS600", register_wh=1,
        ),
    )  # fmt: skip
    return SimulatedPlant(
        key="adelaide", seed=seed, name="Grote Street Clinic", zone="Australia/Adelaide",
        address="Grote Street, Adelaide SA 5000", altitude_m=48.0, capacity_w=array.capacity_w,
        grid_type=GridType.COMMERCIAL, connected_on=date(2023, 2, 14), tariff=(0.36,), currency="AUD",
        contact_name="Sam Nguyen", contact_phone="+61 8 5550 0117",
        climate=Climate(
            turbidity=3.1, cloudiness=-0.35, cloud_swing=-0.4, temp_mean_c=17.3, temp_swing_c=6.4,
            temp_daily_c=6.0, wind_mean_m_s=4.1, wind_from_deg=200.0, warmest_day=25,
        ),
        connection=Connection(THREE_PHASE, 230.0, 50.0),
        load=Load(LoadProfile.COMMERCIAL, 1_100.0, 7_500.0, cooling_w_per_k=350.0),
        yield_h=1560.0, devices=_at(devices, latitude, longitude), latitude=latitude, longitude=longitude,
    )  # fmt: skip


def fleet(seed: int = 1) -> list[SimulatedPlant]:
    """The plants of the fleet; the seed decides their weather, loads, gaps and alarms."""
    return [build(seed) for build in (_shanghai, _london, _new_york, _adelaide)]
