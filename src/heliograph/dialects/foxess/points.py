"""From the readings of an inverter and of what is wired to it to the variables that it has.

All columns of a rig share one grid of instants; NaN means no sample. What was read is never replaced by what can be
computed, and nothing is computed that does not follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heliograph.dialects.foxess.fields import (
    BATTERY_WORDS,
    CHARGING,
    DISCHARGING,
    RUNNING,
    STATES,
    TABLE,
    TEXTS,
    UNTRANSLATED,
)
from heliograph.dialects.foxess.lookup import Rig, capacity_wh
from heliograph.model import measurements as m
from heliograph.model.derive import derive, sources
from heliograph.protocol.fields import Ignored, Split, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.model.measurements import Measurement
    from heliograph.model.samples import Floats

Columns = dict[str, "Floats"]

_ADDED = frozenset(
    entry.key
    for entry in (
        m.BATTERY_POWER, m.BATTERY_CURRENT, m.BATTERY_REMAINING, m.BATTERY_CHARGED, m.BATTERY_DISCHARGED,
        m.BATTERY_THROUGHPUT, m.METER_POWER, m.METER_A_POWER, m.METER_B_POWER, m.METER_C_POWER, m.METER_FORWARD,
        m.METER_REVERSE,
    )
)  # fmt: skip
"""What several devices of a kind have together is the sum; of the rest the first one's is told."""
_PHASES = (
    (m.LOAD_A_POWER, m.AC_A_POWER, m.METER_A_POWER),
    (m.LOAD_B_POWER, m.AC_B_POWER, m.METER_B_POWER),
    (m.LOAD_C_POWER, m.AC_C_POWER, m.METER_C_POWER),
)
_PORT = (
    (m.BATTERY_PORT_VOLTAGE, m.BATTERY_VOLTAGE),
    (m.BATTERY_PORT_CURRENT, m.BATTERY_CURRENT),
    (m.BATTERY_PORT_POWER, m.BATTERY_POWER),
)
"""The same quantity at both ends of a cable."""
_CANONICAL = {code: STATES[running] for code, running in RUNNING.items()}
_KEYS = {e.name: e.measurement.key for e in TABLE.entries if not isinstance(e, Text | Ignored | Split)}

KEYS = tuple(
    dict.fromkeys(
        (*TABLE.keys, *sources(m.PV_POWER.key), *sources(m.AC_POWER.key), *sources(m.BATTERY_POWER.key),
         m.METER_FORWARD.key, m.METER_REVERSE.key, m.DEVICE_FAULT.key)
    )
)  # fmt: skip
"""Every measurement that a variable is made of."""


def _fill(columns: Columns, measurement: Measurement, values: Floats | None) -> None:
    """Put values where a measurement has none."""
    if values is None:
        return
    held = columns.get(measurement.key)
    columns[measurement.key] = values if held is None else np.where(np.isnan(held), values, held)


def _both(first: Floats | None, second: Floats | None) -> Floats | None:
    return None if first is None or second is None else first + second


def together(parts: Sequence[Mapping[str, Floats]], weights: Sequence[float] = ()) -> Columns:
    """Several devices of a kind as one. `weights` are what the batteries hold, where that is known of all. [Wh]"""
    if len(parts) == 1:
        return dict(parts[0])
    found: Columns = {}
    for key in dict.fromkeys(key for part in parts for key in part):
        held = [part[key] for part in parts if key in part]
        if key in _ADDED:
            if len(held) == len(parts):
                found[key] = np.sum(held, axis=0)
        elif key == m.BATTERY_SOC.key and len(held) == len(parts):
            found[key] = np.average(held, axis=0, weights=weights or None)
        else:
            found[key] = held[0]
    return found


def _battery(rig: Rig, columns: Columns) -> None:
    for at_inverter, at_battery in _PORT:
        own = columns.get(at_inverter.key)
        _fill(columns, at_inverter, columns.get(at_battery.key))
        _fill(columns, at_battery, own)
    _fill(columns, m.BATTERY_POWER, derive(m.BATTERY_POWER.key, columns))
    _fill(columns, m.BATTERY_PORT_POWER, columns.get(m.BATTERY_POWER.key))
    holds, soc = capacity_wh(rig.batteries), columns.get(m.BATTERY_SOC.key)
    if holds is not None and soc is not None:
        _fill(columns, m.BATTERY_REMAINING, soc / 100.0 * holds)
    moved = _both(columns.get(m.BATTERY_CHARGED.key), columns.get(m.BATTERY_DISCHARGED.key))
    _fill(columns, m.BATTERY_THROUGHPUT, moved)


def _array(columns: Columns) -> None:
    for power, volts, amperes in zip(m.PV_CHANNEL_POWER, m.PV_VOLTAGE, m.PV_CURRENT, strict=True):
        voltage, current = columns.get(volts.key), columns.get(amperes.key)
        if voltage is not None and current is not None:
            _fill(columns, power, voltage * current)
    _fill(columns, m.PV_POWER, derive(m.PV_POWER.key, columns))


def _grid_side(columns: Columns) -> None:
    _fill(columns, m.AC_POWER, derive(m.AC_POWER.key, columns))
    second, third = columns.get(m.AC_B_VOLTAGE.key), columns.get(m.AC_C_VOLTAGE.key)
    if m.AC_A_VOLTAGE.key in columns and second is None and third is None:
        _fill(columns, m.AC_A_POWER, columns.get(m.AC_POWER.key))
    hertz = columns.get(m.AC_FREQUENCY.key)
    for entry, volts in ((m.AC_B_FREQUENCY, second), (m.AC_C_FREQUENCY, third)):
        if hertz is not None and volts is not None:
            _fill(columns, entry, np.where(np.isnan(volts), np.nan, hertz))


def _house(rig: Rig, columns: Columns) -> None:
    own = columns.get(m.METER_POWER.key)
    _fill(columns, m.METER_POWER, columns.get(m.GRID_POWER.key))
    _fill(columns, m.GRID_POWER, own)
    _fill(columns, m.GRID_IMPORT, columns.get(m.METER_FORWARD.key))
    _fill(columns, m.GRID_EXPORT, columns.get(m.METER_REVERSE.key))
    if rig.alone:
        _fill(columns, m.LOAD_POWER, _both(columns.get(m.AC_POWER.key), columns.get(m.GRID_POWER.key)))
        for load, inverter, meter in _PHASES:
            _fill(columns, load, _both(columns.get(inverter.key), columns.get(meter.key)))


def _state(columns: Columns) -> None:
    codes = columns.get(m.INVERTER_STATE.key)
    if codes is not None:
        told = [_CANONICAL.get(code, code if code in UNTRANSLATED else np.nan) for code in codes.tolist()]
        columns[m.INVERTER_STATE.key] = np.array(told, dtype=np.float64)


def complete(
    rig: Rig, own: Mapping[str, Floats], batteries: Sequence[Columns], meters: Sequence[Columns],
    loads: Sequence[Columns],
) -> Columns:  # fmt: skip
    """The columns of an inverter with those of what is wired to it, and what follows from them."""
    columns: Columns = dict(own)
    holds = [capacity_wh([battery]) or 0.0 for battery in rig.batteries]
    for part in (together(batteries, holds if all(holds) else ()), together(meters)):
        for key, values in part.items():
            if key.startswith(("battery.", "meter.")):
                _fill(columns, m.known(key), values)
    consumed = together(loads)
    _fill(columns, m.LOAD_POWER, consumed.get(m.METER_POWER.key))
    _fill(columns, m.LOAD_ENERGY, consumed.get(m.METER_FORWARD.key))
    _battery(rig, columns)
    _array(columns)
    _grid_side(columns)
    _house(rig, columns)
    _state(columns)
    return columns


def _battery_words(columns: Columns, rows: int) -> list[str | None]:
    unknown = np.full(rows, np.nan)
    status = columns.get(m.BATTERY_STATUS.key, unknown).tolist()
    power = columns.get(m.BATTERY_POWER.key, unknown).tolist()
    words: list[str | None] = []
    for code, watts in zip(status, power, strict=True):
        word = BATTERY_WORDS.get(code) if code == code else "Normal" if watts == watts else None
        if word == "Normal" and watts == watts and watts != 0:
            word = CHARGING if watts < 0 else DISCHARGING
        words.append(word)
    return words


def _shown(codes: Floats | None, rows: int) -> list[str | None]:
    """Fault numbers as text: empty while there is none, None where the device does not tell."""
    if codes is None:
        return [None] * rows
    return [None if code != code else str(int(code)) if code else "" for code in codes.tolist()]


def variables(
    columns: Columns, texts: Mapping[str, Sequence[str | None]], rows: int
) -> dict[str, list[float] | list[str | None]]:
    """Every variable that there are samples of, as it travels: numbers with NaN, texts with None where one lacks.

    `texts` holds `currentFault` and `batStatusV2` as the device told them, where it did.
    """
    out: dict[str, list[float] | list[str | None]] = {}
    for name, values in zip(TABLE.wire_names, TABLE.encode(columns, rows), strict=True):
        if _KEYS[name] in columns:
            out[name] = [None if v != v else str(int(v)) for v in values] if name in TEXTS else values
    words = _battery_words(columns, rows)
    faults = _shown(columns.get(m.DEVICE_FAULT.key), rows)
    out["batStatusV2"] = _first(texts.get("batStatusV2"), words)
    out["currentFault"] = told = _first(texts.get("currentFault"), faults)
    out["currentFaultCount"] = [
        None if codes is None else str(len([code for code in codes.split(",") if code.strip()])) for codes in told
    ]
    return out


def _first(told: Sequence[str | None] | None, ours: list[str | None]) -> list[str | None]:
    return ours if told is None else [own if one is None else one for one, own in zip(told, ours, strict=True)]
