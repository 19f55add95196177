"""Performance figures of plants and devices: pure arithmetic over arrays, NaN where an input is missing.

Energies are Wh, powers W, irradiation Wh/m2; what comes out says its unit. Nothing is rounded or capped here unless
the name says so. The constants that vendors and countries differ in stand in a profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from heliograph.errors import BadRequestError

if TYPE_CHECKING:
    from heliograph.model.samples import Floats

REFERENCE_W_PER_M2 = 1000.0
"""Irradiance at standard test conditions. [W/m2]"""
REFERENCE_DEG_C = 25.0
"""Module temperature at standard test conditions. [degC]"""


class KpiProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The constants of the figures that are no physics. None leaves the figure, or its limit, out."""

    name: str
    co2_kg_per_kwh: float | None
    """Carbon dioxide that a kilowatt-hour of the grid would have caused. [kg/kWh]"""
    coal_kg_per_kwh: float | None = 0.4
    """Standard coal that it would have burnt. [kg/kWh]"""
    co2_kg_per_tree_year: float = 18.3
    """Carbon dioxide that a tree takes up in a year. [kg]"""
    tree_years: float = 1.0
    """Over how many years a tree is counted. [a]"""
    tree_rounding: Literal["whole", "thousandths"] = "whole"
    pr_cap_percent: float | None = None
    """The most a performance ratio is shown as. [%]"""
    yd_top_percent: float = 20.0
    """The share of a plant's inverters that sets the mark for the others. [%]"""
    aop_min_irradiance_w_per_m2: float = 50.0
    """From which irradiance on an inverter is expected to produce. [W/m2]"""
    aoc_expected_per_day: int | None = 288
    """Five-minute records expected in a day; None counts those of the day's real length, clock changes included."""
    source: str = ""
    """Where the grid factor comes from."""
    year: int | None = None
    """The year the grid factor is of."""


HUAWEI_2020 = KpiProfile(name="huawei-2020", co2_kg_per_kwh=0.997, pr_cap_percent=89.0)
HUAWEI_CURRENT = KpiProfile(
    name="huawei-current",
    co2_kg_per_kwh=0.475,
    tree_years=40.0,
    tree_rounding="thousandths",
    pr_cap_percent=89.0,
)
IEC_61724 = KpiProfile(name="iec-61724", co2_kg_per_kwh=None, coal_kg_per_kwh=None, aoc_expected_per_day=None)
GRID_FACTOR = KpiProfile(
    name="grid-factor",
    co2_kg_per_kwh=None,
    coal_kg_per_kwh=None,
    tree_years=40.0,
    tree_rounding="thousandths",
    aoc_expected_per_day=None,
)
PROFILES = {profile.name: profile for profile in (HUAWEI_2020, HUAWEI_CURRENT, IEC_61724, GRID_FACTOR)}


def profile(name: str) -> KpiProfile:
    """The profile of a name: one of `PROFILES`, or `grid-factor:<kg per kWh>[:<source>[:<year>]]`.

    Raises BadRequestError for anything else.
    """
    if name in PROFILES:
        return PROFILES[name]
    kind, _, rest = name.partition(":")
    if kind != GRID_FACTOR.name or not rest:
        raise BadRequestError(f"{name[:60]!r} is no profile of performance figures", field="kpi_profile")
    factor, _, rest = rest.partition(":")
    source, _, year = rest.partition(":")
    try:
        kg_per_kwh = float(factor)
        of_year = int(year) if year else None
    except ValueError as error:
        raise BadRequestError(f"{name[:60]!r} holds no grid factor", field="kpi_profile") from error
    if not 0 <= kg_per_kwh <= 10:
        raise BadRequestError(f"a grid factor of {factor} kg/kWh cannot be", field="kpi_profile")
    return msgspec.structs.replace(GRID_FACTOR, name=name, co2_kg_per_kwh=kg_per_kwh, source=source, year=of_year)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, NaN where the whole is not positive."""
    safe = np.where(whole > 0, whole, np.nan)
    result: Floats = part / safe
    return result


def irradiation_wh_per_m2(irradiance_w_per_m2: Floats, interval_s: float = 300.0) -> float:
    """The irradiation of evenly spaced readings. [Wh/m2]

    Of the thirteen five-minute readings from one full hour to the next, the caller leaves the first out: it ends the
    hour before.
    """
    if not np.isfinite(irradiance_w_per_m2).any():
        return float("nan")
    return float(np.nansum(irradiance_w_per_m2) * interval_s / 3600.0)


def theory_energy_wh(irradiation_wh_per_m2: Floats, capacity_w: Floats) -> Floats:
    """What the array would give without any loss. [Wh]"""
    result: Floats = irradiation_wh_per_m2 * capacity_w / REFERENCE_W_PER_M2
    return result


def specific_yield_h(energy_wh: Floats, capacity_w: Floats) -> Floats:
    """Equivalent hours at full power: of AC energy the final yield, of DC energy the array yield of IEC 61724. [h]"""
    return _ratio(energy_wh, capacity_w)


def reference_yield_h(irradiation_wh_per_m2: Floats) -> Floats:
    """Equivalent hours of reference irradiance. [h]"""
    result: Floats = irradiation_wh_per_m2 / REFERENCE_W_PER_M2
    return result


def capture_loss_h(reference_yield: Floats, array_yield: Floats) -> Floats:
    """What is lost before the inverter: temperature, soiling, shading, wiring. [h]"""
    result: Floats = reference_yield - array_yield
    return result


def system_loss_h(array_yield: Floats, final_yield: Floats) -> Floats:
    """What is lost from the inverter on. [h]"""
    result: Floats = array_yield - final_yield
    return result


def performance_ratio_percent(energy_wh: Floats, theory_wh: Floats) -> Floats:
    """Energy as a share of the theoretical, uncapped. [%]"""
    return _ratio(100.0 * energy_wh, theory_wh)


def temperature_corrected_pr_percent(
    energy_wh: Floats,
    theory_wh: Floats,
    temp_module_c: Floats,
    gamma_per_k: float,
    reference_c: float = REFERENCE_DEG_C,
) -> float:
    """The performance ratio over all intervals, each one's rating corrected for module temperature. [%]

    `gamma_per_k` is the module's coefficient of power, negative. Intervals that lack an input are left out.
    """
    corrected = theory_wh * (1.0 + gamma_per_k * (temp_module_c - reference_c))
    usable = np.isfinite(energy_wh) & np.isfinite(corrected)
    whole = float(corrected[usable].sum())
    return 100.0 * float(energy_wh[usable].sum()) / whole if whole > 0 else float("nan")


def capped_percent(value_percent: Floats, cap_percent: float | None) -> Floats:
    """A percentage held to a cap; NaN stays. [%]"""
    return value_percent if cap_percent is None else np.minimum(value_percent, cap_percent)


def co2_kg(energy_wh: Floats, constants: KpiProfile) -> Floats:
    """Carbon dioxide avoided. [kg]"""
    return _times(energy_wh, constants.co2_kg_per_kwh)


def coal_kg(energy_wh: Floats, constants: KpiProfile) -> Floats:
    """Standard coal saved. [kg]"""
    return _times(energy_wh, constants.coal_kg_per_kwh)


def _times(energy_wh: Floats, kg_per_kwh: float | None) -> Floats:
    result: Floats = energy_wh / 1000.0 * (np.nan if kg_per_kwh is None else kg_per_kwh)
    return result


def trees(energy_wh: Floats, constants: KpiProfile) -> Floats:
    """Trees that take up as much carbon dioxide, rounded as the profile says: half up to whole ones, or to 0.001."""
    count = co2_kg(energy_wh, constants) / constants.co2_kg_per_tree_year / constants.tree_years
    rounded: Floats = np.floor(count + 0.5) if constants.tree_rounding == "whole" else np.round(count, 3)
    return rounded


def communication_percent(received: Floats, expected: Floats | float) -> Floats:
    """Share of the expected five-minute records that came, at most 100. [%]"""
    return capped_percent(_ratio(100.0 * received, np.asarray(expected, dtype=np.float64)), 100.0)


def production_percent(producing: Floats, idle: Floats) -> Floats:
    """Share of the intervals in daylight in which the counter rose; NaN without such intervals. [%]"""
    return _ratio(100.0 * producing, producing + idle)


def yield_deviation_percent(specific_yields_h: Floats, top_percent: float) -> Floats:
    """How far each inverter is from the mean of the best of its plant. [%]

    Rows are the inverters of one plant, columns periods. The best are the given share of those with a yield, rounded
    up. NaN for an inverter without a yield, and where the best yield nothing.
    """
    if not len(specific_yields_h):
        return specific_yields_h
    descending = -np.sort(-specific_yields_h, axis=0)  # NaN sorts last
    present = np.isfinite(specific_yields_h).sum(axis=0)
    # Taking off a little keeps 5 x 20 % at 1 where binary fractions would make it a hair more.
    count = np.ceil(present * top_percent / 100.0 - 1e-9).astype(np.int64)
    sums = np.cumsum(np.nan_to_num(descending), axis=0)
    top = sums[np.maximum(count, 1) - 1, np.arange(sums.shape[1])]
    mark = _ratio(top, count.astype(np.float64))
    return _ratio(100.0 * (specific_yields_h - mark), mark)


def consumption_wh(production_wh: Floats, feed_in_wh: Floats, purchase_wh: Floats) -> Floats:
    """What the site used: what it kept of its own production, and what it bought. [Wh]"""
    result: Floats = np.maximum(production_wh - feed_in_wh, 0.0) + purchase_wh
    return result


def revenue(hourly_energy_wh: Floats, price_per_kwh: Floats) -> float:
    """Energy of each hour times the price of that hour, summed over the hours that have energy. [currency]"""
    worth = hourly_energy_wh / 1000.0 * price_per_kwh
    return float(np.nansum(worth)) if np.isfinite(worth).any() else float("nan")


def inverter_efficiency_percent(ac_power_w: Floats, dc_power_w: Floats) -> float:
    """AC over DC power, summed over the instants that have both; beyond 100 it is shown as 97.5. [%]"""
    both = np.isfinite(ac_power_w) & np.isfinite(dc_power_w)
    dc_w = float(dc_power_w[both].sum())
    if dc_w <= 0:
        return float("nan")
    percent = 100.0 * float(ac_power_w[both].sum()) / dc_w
    return 97.5 if percent > 100.0 else percent
