"""Reported totals beside computed ones: which of them counts, for a device and for its plant. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heliograph.model import buckets as b
from heliograph.model.devices import INVERTERS, METERS, Device, DeviceKind, MeterRole, ReportedRule
from heliograph.model.plants import Plant

Values = Mapping[str, float]
MISSING_SLOTS = 12
"""From how many missing slots of five minutes on a computed day has a gap: an hour."""
MORE = 1.01
"""A reported total fills a gap when it is more than the computed one by this factor: two meters differ by less."""
_PARTS = (b.PRODUCTION, b.INTEGRATED, b.DECLARED, b.COMPUTED, b.REPORTED)


def computed_of(values: Values) -> float | None:
    """The production of a period as samples alone tell it. [Wh]"""
    production = values.get(b.PRODUCTION)
    if production is None or b.REPORTED not in values:
        return production
    left = production - values[b.REPORTED] + values.get(b.COMPUTED, 0.0)
    return left if b.COMPUTED in values or production > values[b.REPORTED] else None


def with_declared(values: Values, declared_wh: float | None, rule: ReportedRule, *, gap: bool) -> dict[str, float]:
    """A period of a device with the total that was reported of it. [Wh]

    `gap` says that samples of the period are missing. Whichever total counts becomes the production; the other stays
    beside it.
    """
    out = dict(values)
    if declared_wh is None:
        return out
    computed_wh = computed_of(values)
    out[b.DECLARED] = declared_wh
    fills = rule is ReportedRule.FILLS and gap and computed_wh is not None and declared_wh > computed_wh * MORE
    if computed_wh is None or rule is ReportedRule.REPORTED or fills:
        out[b.PRODUCTION] = out[b.REPORTED] = declared_wh
        out.pop(b.INTEGRATED, None)
        out.pop(b.COMPUTED, None)
        if computed_wh is not None:
            out[b.COMPUTED] = computed_wh
    return out


def plant_period(
    plant: Plant, devices: Sequence[Device], periods: Mapping[int, Values], values: Values
) -> dict[str, float]:
    """A plant's period, given those of its devices by id, of which some hold reported totals.

    `values` is what the samples of all devices add up to. Revenue follows the production where the price does not
    depend on the hour, or where some of the day was computed.
    """
    out = dict(values)
    members = [periods[device.id] for device in _producers(devices, periods) if device.id in periods]
    for quantity in _PARTS:
        told = [period[quantity] for period in members if quantity in period]
        out.pop(quantity, None)
        if told:
            out[quantity] = sum(told)
    return _priced(plant, values, out)


def plant_month(
    plant: Plant, devices: Sequence[Device], months: Mapping[int, Values], days: Mapping[int, Values], values: Values
) -> dict[str, float]:
    """A plant's month, given its days' sum, when months of its devices were reported as a whole.

    What a device's month has beyond the sum of its days is added.
    """
    out = dict(values)
    for device in _producers(devices, months):
        month, summed = months.get(device.id, {}), days.get(device.id, {})
        for quantity in _PARTS:
            if quantity in month or quantity in summed:
                out[quantity] = out.get(quantity, 0.0) + month.get(quantity, 0.0) - summed.get(quantity, 0.0)
    return _priced(plant, values, out)


def _priced(plant: Plant, values: Values, out: dict[str, float]) -> dict[str, float]:
    production = out.get(b.PRODUCTION)
    if production is None or not plant.tariff:
        return out
    before = values.get(b.PRODUCTION, 0.0)
    if before > 0.0 and b.REVENUE in values:
        out[b.REVENUE] = values[b.REVENUE] * production / before
    elif len(plant.tariff) == 1:
        out[b.REVENUE] = production / 1000.0 * plant.tariff[0]
    return out


def _producers(devices: Sequence[Device], periods: Mapping[int, Values]) -> list[Device]:
    """The devices that a plant's production is taken from: inverters, or production meters where none tells any."""
    groups = (
        [d for d in devices if d.kind in INVERTERS or d.kind is DeviceKind.SYSTEM],
        [d for d in devices if d.kind in METERS and d.role is MeterRole.PRODUCTION],
    )
    return next((group for group in groups if any(b.PRODUCTION in periods.get(d.id, {}) for d in group)), [])
