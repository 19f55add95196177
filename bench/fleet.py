"""Made-up readings with the grain of real ones: night zeros, counters, tenths of volts, passing clouds.

Inverters have every point of the string inverter's table and a few more, 85 in all; meters have 22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bench.pushes import COUNTERS, GAUGES
from heliograph.clock import DAY_MS
from heliograph.dialects.energy_expert.fields import METER
from heliograph.dialects.huawei.fields import FIVE_MINUTES, STRING_INVERTER
from heliograph.model import measurements as m
from heliograph.model.samples import Floats, Instants

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP_MS = 300_000
STEPS = DAY_MS // STEP_MS
RATED_W = 100_000.0
STRINGS = 20
"""Of the 24 inputs that the table knows, those that a string is wired to."""
METER_NAMES = (*GAUGES, *COUNTERS)
METER_KEYS = METER.plan(METER_NAMES).keys
SERVED_KEYS = FIVE_MINUTES[STRING_INVERTER].keys
"""What one row of the wide read holds."""
INVERTER_KEYS = (
    *SERVED_KEYS, m.DEVICE_ONLINE.key, m.INVERTER_INSULATION.key,
    m.AC_A_POWER.key, m.AC_B_POWER.key, m.AC_C_POWER.key,
)  # fmt: skip
DAY_VALUES = STEPS * (len(METER_KEYS) + len(INVERTER_KEYS))
"""Values of one meter and one inverter in a day."""
Columns = dict[str, Floats]


class Day(msgspec.Struct, frozen=True):
    """A day of the fleet: arrays of shape (devices, steps, keys), canonical units."""

    at_ms: Instants
    meters: Floats
    inverters: Floats


def days(devices: int, first_ms: int, count: int) -> Iterator[Day]:
    """Successive days from a midnight on; counters go on from one to the next."""
    random = np.random.default_rng(devices)
    meter_counters = random.integers(10_000, 900_000, (devices, 1, len(COUNTERS))).astype(np.float64)
    energy = random.integers(10_000, 900_000, devices).astype(np.float64)
    for number in range(count):
        at_ms = first_ms + number * DAY_MS + np.arange(STEPS, dtype=np.int64) * STEP_MS
        meters, meter_counters = _meters(random, meter_counters)
        columns, energy = _inverters(random, energy, first_ms + number * DAY_MS)
        inverters = np.stack([columns[key] for key in INVERTER_KEYS], axis=-1)
        yield Day(at_ms, meters, inverters)


def _wandering(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Noise of mean 0 and spread 1 along the last axis, each value close to the one before."""
    noise = random.standard_normal(shape)
    for step in range(1, shape[-1]):
        noise[..., step] = 0.9 * noise[..., step - 1] + 0.436 * noise[..., step]
    return noise


def _meters(random: np.random.Generator, counters: Floats) -> tuple[Floats, Floats]:
    shape = (len(counters), STEPS)
    hours = np.arange(STEPS) / 12.0
    use = 0.6 + 0.4 * np.sin((hours - 9.0) / 24.0 * 2.0 * np.pi)
    columns: Columns = {}
    for name, (mean, spread, digits) in GAUGES.items():
        wandering = _wandering(random, shape)
        if name.startswith("dp_"):  # a demand is the greatest so far: it changes a few times a day
            wandering = np.maximum.accumulate(wandering, axis=1)
        gauge: Floats = mean + spread * (use - 0.5 + 0.3 * wandering)
        columns[name] = np.asarray(np.round(np.abs(gauge), digits), dtype=np.float64)
    drawn = np.abs(columns["P"]) / 12.0
    tariff = np.searchsorted((6.0, 10.0, 18.0, 22.0), hours, side="right") % 4
    rises = {"Ep_imp": drawn, "Ep_exp": np.zeros(shape), "eq_imp": columns["Q"] / 12.0, "eq_exp": drawn * 0.01}
    rises |= {f"Ep_imp_{number + 1}": np.where(tariff == number, drawn, 0.0) for number in range(4)}
    risen = counters + np.cumsum(np.stack([rises[name] for name in COUNTERS], axis=-1), axis=1)
    values = np.concatenate([np.stack([columns[name] for name in GAUGES], axis=-1), np.round(risen, 2)], axis=-1)
    return METER.decode(METER_NAMES, values)[1], risen[:, -1:, :]


def _sun(random: np.random.Generator, devices: int) -> Floats:
    """The share of the rating that each inverter puts out."""
    hours = np.arange(STEPS) / 12.0
    height = np.clip(np.sin((hours - 5.5) / 13.0 * np.pi), 0.0, None)
    height[(hours < 5.5) | (hours > 18.5)] = 0.0
    knots = np.clip(random.normal(0.75, 0.3, (devices, 49)), 0.08, 1.0)
    clouds = np.stack([np.interp(hours, np.linspace(0.0, 24.0, 49), each) for each in knots])
    return np.asarray(height**1.2 * clouds, dtype=np.float64)


def _inverters(random: np.random.Generator, energy: Floats, midnight_ms: int) -> tuple[Columns, Floats]:
    """The columns of a day, shape (devices, steps), and the energy of life at its end. [kWh]"""
    devices = len(energy)
    sun = _sun(random, devices)
    on = sun > 0.0

    def noisy(mean: float | Floats, spread: float, digits: int) -> Floats:
        return np.where(on, np.round(mean + spread * random.standard_normal(sun.shape), digits), 0.0)

    ac_w = np.round(sun * RATED_W * (1.0 + 0.003 * random.standard_normal(sun.shape)))
    pv_w = np.where(on, np.round(ac_w / 0.984), 0.0)
    today = np.cumsum(ac_w, axis=1) / 12_000.0
    columns: Columns = {
        m.AC_POWER.key: ac_w,
        m.PV_POWER.key: pv_w,
        m.AC_ENERGY_TODAY.key: np.round(today, 2) * 1e3,
        m.AC_ENERGY.key: np.round(energy[:, None] + today, 2) * 1e3,
        m.PV_ENERGY.key: np.round((energy[:, None] + today) / 0.984, 2) * 1e3,
        m.INVERTER_STATE.key: np.where(on, 512.0, 40960.0),
        m.INVERTER_EFFICIENCY.key: noisy(98.4, 0.15, 2),
        m.INVERTER_TEMPERATURE.key: np.round(18.0 + 30.0 * sun + 0.2 * random.standard_normal(sun.shape), 1),
        m.AC_POWER_FACTOR.key: np.where(on, 1.0, 0.0),
        m.AC_FREQUENCY.key: noisy(50.0, 0.015, 2),
        m.AC_REACTIVE_POWER.key: noisy(0.0, 90.0, 0),
        m.DEVICE_ONLINE.key: np.ones_like(sun),
        m.INVERTER_INSULATION.key: np.where(on, 1_500_000.0, 0.0),
        m.INVERTER_STARTED_AT.key: np.full_like(sun, midnight_ms + 5 * 3_600_000 + 1_800_000),
        m.INVERTER_STOPPED_AT.key: np.full_like(sun, midnight_ms - 5 * 3_600_000 - 1_800_000),
    }
    for phase, power in zip("abc", (m.AC_A_POWER, m.AC_B_POWER, m.AC_C_POWER), strict=True):
        columns[power.key] = np.round(ac_w / 3.0)
        columns[f"ac.{phase}.voltage"] = noisy(231.0, 0.8, 1)
        columns[f"ac.{phase}.current"] = noisy(ac_w / 3.0 / 231.0, 0.05, 2)
    for line in ("ab", "bc", "ca"):
        columns[f"ac.{line}.voltage"] = noisy(400.0, 1.2, 1)
    for number, (voltage, current) in enumerate(zip(m.PV_VOLTAGE, m.PV_CURRENT, strict=True)):
        wired = 1.0 if number < STRINGS else 0.0
        columns[voltage.key] = wired * noisy(600.0 + 40.0 * sun, 1.5, 1)
        columns[current.key] = wired * np.abs(noisy(pv_w / STRINGS / 620.0, 0.03, 2))
    for number, tracker in enumerate(m.MPPT_ENERGY, 1):
        columns[tracker.key] = np.round((energy[:, None] + today) / 10.0 * (0.99 + 0.002 * number), 2) * 1e3
    return columns, energy + today[:, -1]
