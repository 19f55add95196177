"""What the variables stand for, and in which unit they travel. (Variable table)

Kilowatts throughout. The vendor counts the battery's own current as positive while charging, the current at the
inverter as positive while discharging; a meter's power is positive on import. Both are read from real answers.
"""

from __future__ import annotations

from heliograph.model import measurements as m
from heliograph.model.units import (
    CENTI_KWH,
    CODE,
    DEG_C,
    HZ,
    KVAR,
    KW,
    KWH,
    ONE,
    PERCENT,
    WH,
    A,
    V,
)
from heliograph.protocol.fields import Coded, Entry, Field, FieldTable, Half, Ignored, Text

CHANNELS = 18
"""Strings that the table has variables for."""

SELF_TEST, WAITING, CHECKING, ON_GRID, OFF_GRID, FAULT = 160, 161, 162, 163, 164, 165
PERMANENT_FAULT, STANDBY, UPGRADING, FACTORY_TEST, ILLEGAL = 166, 167, 168, 169, 170

STATES: dict[float, float] = {
    SELF_TEST: 0x0600, WAITING: 0x0002, CHECKING: 0x0003, ON_GRID: 0x0200, FAULT: 0x0300, PERMANENT_FAULT: 0x0305,
    STANDBY: 0xA000,
}  # fmt: skip
"""The hub's operating state that a running state is kept as; those that it has no code for are kept as they are."""
UNTRANSLATED = (OFF_GRID, UPGRADING, FACTORY_TEST, ILLEGAL)
RUNNING: dict[float, float] = {
    0x0000: WAITING, 0x0001: CHECKING, 0x0002: WAITING, 0x0003: CHECKING, 0x0100: CHECKING,
    0x0200: ON_GRID, 0x0201: ON_GRID, 0x0202: ON_GRID,
    0x0300: FAULT, 0x0301: STANDBY, 0x0302: FAULT, 0x0303: FAULT, 0x0304: STANDBY, 0x0305: PERMANENT_FAULT,
    0x0306: FAULT,
    0x0401: ON_GRID, 0x0402: ON_GRID, 0x0500: SELF_TEST, 0x0501: SELF_TEST, 0x0600: SELF_TEST, 0x0700: SELF_TEST,
    0x0800: ON_GRID, 0x0900: CHECKING, 0xA000: STANDBY, 0xC000: WAITING,
}  # fmt: skip
"""The running state that each of the hub's operating states is told as; a device that is cut off has none."""
BATTERY_WORDS = {0: "Offline", 1: "Normal", 2: "Normal", 3: "Fault", 4: "Sleep"}
"""What `batStatusV2` says of a battery status, unless it charges or discharges."""
CHARGING, DISCHARGING = "Charge", "Discharge"
FAULTS, BATTERY_WORD = "foxess:currentFault", "foxess:batStatusV2"
"""Where texts are kept that have no measurement of their own."""

TEXTS = frozenset({"runningState", "batStatus", "batStatusV2", "currentFault", "currentFaultCount"})
"""Variables whose values are texts, without a unit."""


def _strings() -> list[Entry]:
    found: list[Entry] = []
    for n in range(CHANNELS):
        found += [
            Field(f"pv{n + 1}Volt", m.PV_VOLTAGE[n], V),
            Field(f"pv{n + 1}Current", m.PV_CURRENT[n], A),
            Field(f"pv{n + 1}Power", m.PV_CHANNEL_POWER[n], KW),
        ]
    return found


ENTRIES: list[Entry] = [
    Field("todayYield", m.AC_ENERGY_TODAY, KWH, note="Printed kW."),
    Field("pvPower", m.PV_POWER, KW),
    *_strings(),
    Field("epsPower", m.EPS_POWER, KW),
    Field("epsCurrentR", m.EPS_A_CURRENT, A),
    Field("epsVoltR", m.EPS_A_VOLTAGE, V),
    Field("epsPowerR", m.EPS_A_POWER, KW),
    Field("epsCurrentS", m.EPS_B_CURRENT, A),
    Field("epsVoltS", m.EPS_B_VOLTAGE, V),
    Field("epsPowerS", m.EPS_B_POWER, KW),
    Field("epsCurrentT", m.EPS_C_CURRENT, A),
    Field("epsVoltT", m.EPS_C_VOLTAGE, V),
    Field("epsPowerT", m.EPS_C_POWER, KW),
    Field("RCurrent", m.AC_A_CURRENT, A),
    Field("RVolt", m.AC_A_VOLTAGE, V),
    Field("RFreq", m.AC_FREQUENCY, HZ),
    Field("RPower", m.AC_A_POWER, KW),
    Field("SCurrent", m.AC_B_CURRENT, A),
    Field("SVolt", m.AC_B_VOLTAGE, V),
    Field("SFreq", m.AC_B_FREQUENCY, HZ),
    Field("SPower", m.AC_B_POWER, KW),
    Field("TCurrent", m.AC_C_CURRENT, A),
    Field("TVolt", m.AC_C_VOLTAGE, V),
    Field("TFreq", m.AC_C_FREQUENCY, HZ),
    Field("TPower", m.AC_C_POWER, KW),
    Field("ambientTemperation", m.INVERTER_AMBIENT, DEG_C),
    Field("boostTemperation", m.INVERTER_BOOST, DEG_C),
    Field("invTemperation", m.INVERTER_TEMPERATURE, DEG_C),
    Field("chargeTemperature", m.INVERTER_CHARGER, DEG_C),
    Field("batTemperature", m.BATTERY_TEMPERATURE, DEG_C),
    Field("dspTemperature", m.INVERTER_DSP, DEG_C),
    Field("loadsPower", m.LOAD_POWER, KW),
    Field("loadsPowerR", m.LOAD_A_POWER, KW),
    Field("loadsPowerS", m.LOAD_B_POWER, KW),
    Field("loadsPowerT", m.LOAD_C_POWER, KW),
    Field("generationPower", m.AC_POWER, KW),
    Half("feedinPower", m.GRID_POWER, KW, negative=True),
    Half("gridConsumptionPower", m.GRID_POWER, KW),
    Field("invBatVolt", m.BATTERY_PORT_VOLTAGE, V),
    Field("invBatCurrent", m.BATTERY_PORT_CURRENT, A),
    Field("invBatPower", m.BATTERY_PORT_POWER, KW),
    Half("batChargePower", m.BATTERY_POWER, KW, negative=True),
    Half("batDischargePower", m.BATTERY_POWER, KW),
    Field("batVolt", m.BATTERY_VOLTAGE, V),
    Field("batCurrent", m.BATTERY_CURRENT, A, negated=True, note="Positive while charging."),
    Field("meterPower", m.METER_POWER, KW),
    Field("meterPower2", m.METER_SECOND_POWER, KW),
    Field("meterPowerR", m.METER_A_POWER, KW),
    Field("meterPowerS", m.METER_B_POWER, KW),
    Field("meterPowerT", m.METER_C_POWER, KW),
    Field("SoC", m.BATTERY_SOC, PERCENT),
    Field("ReactivePower", m.AC_REACTIVE_POWER, KVAR),
    Field("PowerFactor", m.AC_POWER_FACTOR, ONE),
    Field("generation", m.AC_ENERGY, KWH),
    Field("ResidualEnergy", m.BATTERY_REMAINING, CENTI_KWH, note="Printed kWh."),
    Coded("runningState", m.INVERTER_STATE, STATES),
    Field("batStatus", m.BATTERY_STATUS, CODE, note="The document has no codes; the hub's are used."),
    Text("batStatusV2", BATTERY_WORD),
    Text("currentFault", FAULTS),
    Ignored("currentFaultCount", "how many codes currentFault has"),
    Field("energyThroughput", m.BATTERY_THROUGHPUT, WH),
    Field("SOH", m.BATTERY_SOH, PERCENT),
    Field("gridConsumption", m.GRID_IMPORT, KWH),
    Field("loads", m.LOAD_ENERGY, KWH),
    Field("feedin", m.GRID_EXPORT, KWH),
    Field("chargeEnergyToTal", m.BATTERY_CHARGED, KWH),
    Field("dischargeEnergyToTal", m.BATTERY_DISCHARGED, KWH),
    Field("PVEnergyTotal", m.PV_ENERGY, KWH, note="Not in the table; clients read it."),
]
"""The variables in the printed order."""

TABLE = FieldTable("foxess", "inverter", ENTRIES, "Fox ESS Open API V1.1.3, Variable table")
