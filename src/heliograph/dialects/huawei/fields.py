"""The points of every device type: one table for real-time data (3.6) and one for 5-minute data (3.7).

Both print the same points, but that `run_state` exists only in real time. Names that the printed tables break across
lines stand here whole (`reverse_reactive_cap`), and `pv1_u`, once set as `pvl_u`, under its right name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.model import buckets as b
from heliograph.model import measurements as m
from heliograph.model.devices import DeviceKind
from heliograph.model.units import (
    CODE,
    DEG_C,
    DEGREE,
    HZ,
    KVA,
    KVAR,
    KVARH,
    KW,
    KWH,
    M_PER_S,
    MJ_PER_M2,
    MS_EPOCH,
    ONE,
    PERCENT,
    TIMES,
    VAR,
    W_PER_M2,
    A,
    V,
    W,
)  # fmt: skip
from heliograph.protocol.fields import Field, FieldTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.model.measurements import Measurement
    from heliograph.model.units import Unit

TYPE_IDS: dict[DeviceKind, int] = {
    DeviceKind.INVERTER: 1,
    DeviceKind.MICRO_INVERTER: 1,
    DeviceKind.GATEWAY: 2,
    DeviceKind.TRANSFORMER: 8,
    DeviceKind.WEATHER_STATION: 10,
    DeviceKind.CENTRAL_INVERTER: 14,
    DeviceKind.COMBINER_BOX: 15,
    DeviceKind.OTHER: 16,
    DeviceKind.METER: 17,
    DeviceKind.SYSTEM: 23,
    DeviceKind.HYBRID_INVERTER: 38,
    DeviceKind.BATTERY: 39,
    DeviceKind.OPTIMIZER: 46,
    DeviceKind.POWER_SENSOR: 47,
}
"""`devTypeId` (2.8) of each kind of device; the device attribute `huawei.devTypeId` overrides it."""

TYPE_NAMES: dict[int, str] = {
    1: "smart string inverter",
    2: "SmartLogger",
    3: "string",
    6: "bay",
    7: "busbar",
    8: "transformer",
    9: "transformer meter",
    10: "EMI",
    11: "AC combiner box",
    13: "protocol converter (DPU)",
    14: "central inverter",
    15: "DC combiner box",
    16: "general device",
    17: "grid meter",
    18: "step-up station",
    19: "meter of the factory's generation area",
    20: "solar power forecasting system",
    21: "meter of the factory's other area",
    22: "PID",
    23: "virtual device of the monitoring system",
    24: "power quality device",
    25: "step-up transformer",
    26: "grid connection cabinet",
    27: "grid connection panel",
    37: "Pinnet SmartLogger",
    38: "smart energy center",
    39: "battery",
    40: "smart backup box",
    45: "MBUS",
    46: "optimizer",
    47: "power sensor",
    52: "SAJ data logger",
    53: "high-voltage bay of the main transformer",
    54: "main transformer",
    55: "low-voltage bay of the main transformer",
    56: "bus bay",
    57: "line bay",
    58: "plant transformer bay",
    59: "SVC/SVG bay",
    60: "bus tie or section bay",
    61: "plant power supply",
    62: "dongle",
    63: "distributed SmartLogger",
    70: "safety box",
    71: "collector",
}
"""Every `devTypeId` that the document prints: those of 2.8, and 71 of 2.16, which also calls 13 a converter."""

STRING_INVERTER, CENTRAL_INVERTER, ENERGY_CENTER, BATTERY = 1, 14, 38, 39
INVERTER_TYPES = frozenset({STRING_INVERTER, CENTRAL_INVERTER, ENERGY_CENTER})
REPORT_TYPES = INVERTER_TYPES | {BATTERY}
"""The types that have daily, monthly and yearly data (3.8 to 3.10)."""
UPGRADED_TYPES = frozenset({STRING_INVERTER, ENERGY_CENTER})
"""The types that can be upgraded (2.14)."""


def _run(pattern: str, channels: Sequence[Measurement], unit: Unit) -> list[Field]:
    return [Field(pattern.format(n=n), channel, unit) for n, channel in enumerate(channels, 1)]


_LINE_VOLTAGES = [
    Field("ab_u", m.AC_AB_VOLTAGE, V),
    Field("bc_u", m.AC_BC_VOLTAGE, V),
    Field("ca_u", m.AC_CA_VOLTAGE, V),
]
_PHASES = [
    Field("a_u", m.AC_A_VOLTAGE, V),
    Field("b_u", m.AC_B_VOLTAGE, V),
    Field("c_u", m.AC_C_VOLTAGE, V),
    Field("a_i", m.AC_A_CURRENT, A),
    Field("b_i", m.AC_B_CURRENT, A),
    Field("c_i", m.AC_C_CURRENT, A),
]
_STARTS = [
    Field("open_time", m.INVERTER_STARTED_AT, MS_EPOCH),
    Field("close_time", m.INVERTER_STOPPED_AT, MS_EPOCH),
]
_TEMPERATURE = Field("temperature", m.INVERTER_TEMPERATURE, DEG_C, note="Printed kWh for central inverters.")


def _string_inverter(strings: int) -> list[Field]:
    """What string inverters and energy centres share, up to the cumulative energy."""
    return [
        Field("inverter_state", m.INVERTER_STATE, CODE),
        *_LINE_VOLTAGES,
        *_PHASES,
        Field("efficiency", m.INVERTER_EFFICIENCY, PERCENT),
        _TEMPERATURE,
        Field("power_factor", m.AC_POWER_FACTOR, ONE),
        Field("elec_freq", m.AC_FREQUENCY, HZ),
        Field("active_power", m.AC_POWER, KW),
        Field("reactive_power", m.AC_REACTIVE_POWER, KVAR),
        Field("day_cap", m.AC_ENERGY_TODAY, KWH),
        Field("mppt_power", m.PV_POWER, KW),
        *_run("pv{n}_u", m.PV_VOLTAGE[:strings], V),
        *_run("pv{n}_i", m.PV_CURRENT[:strings], A),
        Field("total_cap", m.AC_ENERGY, KWH),
        *_STARTS,
    ]


_STRING_INVERTER = [
    *_string_inverter(24),
    Field("mppt_total_cap", m.PV_ENERGY, KWH),
    # The table of 3.7 leaves mppt_4_cap out, its example in 2.10 has it.
    *_run("mppt_{n}_cap", m.MPPT_ENERGY, KWH),
]
_ENERGY_CENTER = [*_string_inverter(8), *_run("mppt_{n}_cap", m.MPPT_ENERGY[:4], KWH)]
_CENTRAL_INVERTER = [
    Field("inverter_state", m.INVERTER_STATE, CODE),
    Field("day_cap", m.AC_ENERGY_TODAY, KWH),
    Field("total_cap", m.AC_ENERGY, KWH),
    _TEMPERATURE,
    Field("center_u", m.DC_VOLTAGE, V),
    Field("center_i", m.DC_CURRENT, A),
    *_run("center_i_{n}", m.DC_CHANNEL_CURRENT, A),
    Field("mppt_power", m.PV_POWER, KW),
    *_PHASES,
    Field("power_factor", m.AC_POWER_FACTOR, ONE),
    Field("elec_freq", m.AC_FREQUENCY, HZ),
    Field("active_power", m.AC_POWER, KW),
    Field("reactive_power", m.AC_REACTIVE_POWER, KVAR),
    *_STARTS,
    Field("aop", m.INVERTER_AVAILABILITY, PERCENT),
]
_COMBINER_BOX = [
    *_run("dc_i{n}", m.COMBINER_CHANNEL_CURRENT, A),
    Field("photc_i", m.COMBINER_CURRENT, A),
    Field("photc_u", m.COMBINER_VOLTAGE, V),
    Field("temprature", m.COMBINER_TEMPERATURE, DEG_C, note="Misspelt by the vendor, here only."),
    Field("thunder_count", m.COMBINER_LIGHTNING, TIMES),
]
_WEATHER_STATION = [
    Field("temperature", m.TEMP_AIR, DEG_C),
    Field("pv_temperature", m.TEMP_MODULE, DEG_C),
    Field("wind_speed", m.WIND_SPEED, M_PER_S),
    Field("wind_direction", m.WIND_DIRECTION, DEGREE),
    Field("radiant_total", m.POA_IRRADIATION, MJ_PER_M2),
    Field("radiant_line", m.POA_GLOBAL, W_PER_M2),
    Field("horiz_radiant_line", m.GHI, W_PER_M2),
    Field("horiz_radiant_total", m.GHI_IRRADIATION, MJ_PER_M2),
]
_TARIFFS = [("peak", "peak"), ("power", "flat"), ("valley", "valley"), ("top", "sharp")]
"""The vendor's suffix and the hub's tariff: it prints off, shoulder and sharp for power, valley and top."""


def _tariffs(prefix: str, register: str, unit: Unit) -> list[Field]:
    note = "Printed kVar." if unit is KVARH else ""
    return [
        Field(f"{prefix}_{suffix}", m.METER_TARIFF[register, tariff], unit, note=note) for suffix, tariff in _TARIFFS
    ]


_METER = [
    Field("ab_u", m.METER_AB_VOLTAGE, V),
    Field("bc_u", m.METER_BC_VOLTAGE, V),
    Field("ca_u", m.METER_CA_VOLTAGE, V),
    Field("a_u", m.METER_A_VOLTAGE, V),
    Field("b_u", m.METER_B_VOLTAGE, V),
    Field("c_u", m.METER_C_VOLTAGE, V),
    Field("a_i", m.METER_A_CURRENT, A),
    Field("b_i", m.METER_B_CURRENT, A),
    Field("c_i", m.METER_C_CURRENT, A),
    Field("active_power", m.METER_POWER, KW),
    Field("power_factor", m.METER_POWER_FACTOR, ONE),
    Field("active_cap", m.METER_FORWARD, KWH),
    Field("reactive_power", m.METER_REACTIVE_POWER, KVAR),
    Field("reverse_active_cap", m.METER_REVERSE, KWH),
    Field("forward_reactive_cap", m.METER_REACTIVE_FORWARD, KVARH, note="Printed kWh."),
    Field("reverse_reactive_cap", m.METER_REACTIVE_REVERSE, KVARH, note="Printed kWh."),
    Field("active_power_a", m.METER_A_POWER, KW),
    Field("active_power_b", m.METER_B_POWER, KW),
    Field("active_power_c", m.METER_C_POWER, KW),
    Field("reactive_power_a", m.METER_A_REACTIVE_POWER, KVAR),
    Field("reactive_power_b", m.METER_B_REACTIVE_POWER, KVAR),
    Field("reactive_power_c", m.METER_C_REACTIVE_POWER, KVAR),
    Field("total_apparent_power", m.METER_APPARENT_POWER, KVA),
    Field("grid_frequency", m.METER_FREQUENCY, HZ),
    *_tariffs("reverse_active", "energy_reverse", KWH),
    *_tariffs("positive_active", "energy_forward", KWH),
    *_tariffs("reverse_reactive", "reactive_energy_reverse", KVARH),
    *_tariffs("positive_reactive", "reactive_energy_forward", KVARH),
]
_POWER_SENSOR = [
    Field("meter_status", m.METER_STATUS, CODE),
    Field("meter_u", m.METER_VOLTAGE, V),
    Field("meter_i", m.METER_CURRENT, A),
    # Watts here, kilowatts at the meter above.
    Field("active_power", m.METER_POWER, W),
    Field("reactive_power", m.METER_REACTIVE_POWER, VAR),
    Field("power_factor", m.METER_POWER_FACTOR, ONE),
    Field("grid_frequency", m.METER_FREQUENCY, HZ),
    Field("active_cap", m.METER_FORWARD, KWH),
    Field("reverse_active_cap", m.METER_REVERSE, KWH),
]
_BATTERY = [
    Field("battery_status", m.BATTERY_STATUS, CODE),
    Field("max_charge_power", m.BATTERY_MAX_CHARGE, W),
    Field("max_discharge_power", m.BATTERY_MAX_DISCHARGE, W),
    Field("ch_discharge_power", m.BATTERY_POWER, W, negated=True, note="Positive while charging."),
    Field("busbar_u", m.BATTERY_VOLTAGE, V),
    Field("battery_soc", m.BATTERY_SOC, PERCENT),
    Field("battery_soh", m.BATTERY_SOH, PERCENT, note="Printed without a unit."),
    Field("ch_discharge_model", m.BATTERY_MODE, CODE),
    # Since midnight, as the live service counts them; the document does not say.
    Field("charge_cap", m.BATTERY_CHARGED_TODAY, KWH),
    Field("discharge_cap", m.BATTERY_DISCHARGED_TODAY, KWH),
]
_TRANSFORMER = [
    *_LINE_VOLTAGES,
    *_PHASES,
    Field("active_power", m.AC_POWER, KW),
    Field("reactive_power", m.AC_REACTIVE_POWER, KVAR),
    Field("power_factor", m.AC_POWER_FACTOR, ONE),
    Field("elec_freq", m.AC_FREQUENCY, HZ),
]
# Of the codes of 3.6 the one that travels as 1 and not as 1.0.
_RUN_STATE = Field("run_state", m.DEVICE_ONLINE, CODE, whole=True)

_POINTS: dict[int, tuple[str, list[Field]]] = {
    STRING_INVERTER: ("string_inverter", _STRING_INVERTER),
    CENTRAL_INVERTER: ("central_inverter", _CENTRAL_INVERTER),
    ENERGY_CENTER: ("energy_center", _ENERGY_CENTER),
    15: ("combiner_box", _COMBINER_BOX),
    10: ("weather_station", _WEATHER_STATION),
    17: ("meter", _METER),
    47: ("power_sensor", _POWER_SENSOR),
    BATTERY: ("battery", _BATTERY),
    8: ("transformer", _TRANSFORMER),
}

REAL_TIME: dict[int, FieldTable] = {
    type_id: FieldTable("huawei", f"{name}_real_time", [*points, _RUN_STATE], "SmartPVMS northbound 2020-06, 3.6")
    for type_id, (name, points) in _POINTS.items()
}
"""The points of `getDevRealKpi` by `devTypeId`."""
DONGLE = 62
"""A type that has no points, and that the live service answers in real time all the same."""

FIVE_MINUTES: dict[int, FieldTable] = {
    type_id: FieldTable("huawei", f"{name}_five_minutes", points, "SmartPVMS northbound 2020-06, 3.7")
    for type_id, (name, points) in _POINTS.items()
}
"""The points of `getDevFiveMinutes` by `devTypeId`."""

DAY_REGISTERS: dict[str, tuple[str, str]] = {
    m.AC_ENERGY_TODAY.key: (m.AC_ENERGY.key, b.PRODUCTION),
    m.BATTERY_CHARGED_TODAY.key: (m.BATTERY_CHARGED.key, b.CHARGED),
    m.BATTERY_DISCHARGED_TODAY.key: (m.BATTERY_DISCHARGED.key, b.DISCHARGED),
}
"""What counts from local midnight: the counter over life and the day's total that stand in where it is silent."""
