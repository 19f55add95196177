"""From the devices of a plant to the plant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from heliograph.clock import local
from heliograph.model import buckets as b
from heliograph.model.devices import INVERTERS, METERS, Device, DeviceKind, MeterRole
from heliograph.model.kpi import consumption_wh
from heliograph.model.plants import Plant
from heliograph.model.samples import Floats, Instants

Hours = Mapping[str, Floats]
_COUNTS = (b.RECEIVED, b.PRODUCING, b.IDLE)
_BALANCE = (b.PRODUCTION, b.FEED_IN, b.PURCHASE)


def plant_hours(
    plant: Plant, devices: Sequence[Device], hours: Mapping[int, Hours], starts: Instants, tz: ZoneInfo
) -> dict[str, Floats]:
    """The plant's quantities in each hour of a day, from its devices' (by device id).

    Production is the inverters', or the production meters' where no inverter tells any that day. Grid energy is the
    grid meters', or what inverters tell of the grid where no meter does; likewise for measured loads and the battery.
    """
    inverters = [d for d in devices if d.kind in INVERTERS or d.kind is DeviceKind.SYSTEM]
    meters = [d for d in devices if d.kind in METERS]
    batteries = [d for d in devices if d.kind is DeviceKind.BATTERY]
    weather = [d for d in devices if d.kind is DeviceKind.WEATHER_STATION]
    by_role = {role: [d for d in meters if d.role is role] for role in MeterRole}
    sources: dict[str, tuple[list[Device], ...]] = {
        b.PRODUCTION: (inverters, by_role[MeterRole.PRODUCTION]),
        b.INTEGRATED: (inverters, by_role[MeterRole.PRODUCTION]),
        b.PV_INPUT: (inverters,),
        b.PURCHASE: (by_role[MeterRole.GRID], inverters),
        b.FEED_IN: (by_role[MeterRole.GRID], inverters),
        b.CONSUMPTION: (by_role[MeterRole.LOAD], inverters),
        b.CHARGED: (batteries, inverters),
        b.DISCHARGED: (batteries, inverters),
    }
    out: dict[str, Floats] = {}
    for quantity, groups in sources.items():
        for group in groups:
            total = _total([hours[d.id][quantity] for d in group if quantity in hours.get(d.id, {})])
            if total is not None:
                out[quantity] = total
                break
    if b.INTEGRATED in out and not _same_source(sources[b.PRODUCTION], hours):
        del out[b.INTEGRATED]
    for quantity in _COUNTS:
        total = _total([of[quantity] for of in hours.values() if quantity in of])
        if total is not None:
            out[quantity] = total
    light = [hours[d.id][b.IRRADIATION] for d in weather if b.IRRADIATION in hours.get(d.id, {})]
    if light:
        out[b.IRRADIATION] = _mean(light)
    if b.PRODUCTION in out and plant.tariff:
        out[b.REVENUE] = out[b.PRODUCTION] / 1000.0 * _prices(plant, starts, tz)
    return out


def with_consumption(hours: Hours, day: Mapping[str, float]) -> tuple[dict[str, Floats], dict[str, float]]:
    """The plant's hours and day with what it consumed. [Wh]

    That is the loads wherever any were measured that day, for a meter that comes back tells of the hours before too;
    else what was kept of the production, and what was bought. An inverter that says nothing in an hour of a day of
    which it tells made nothing then: it sleeps at night. A day whose production was reported is reckoned as a whole.
    """
    filled, whole = dict(hours), dict(day)
    if b.CONSUMPTION in hours:
        return filled, whole
    if all(quantity in hours for quantity in _BALANCE):
        produced, fed_in, bought = (hours[quantity] for quantity in _BALANCE)
        used = consumption_wh(np.nan_to_num(produced), fed_in, bought)
        if not np.isnan(used).all():
            filled[b.CONSUMPTION] = used
            whole[b.CONSUMPTION] = float(np.nansum(used))
    if b.REPORTED in day and all(quantity in day for quantity in _BALANCE):
        whole[b.CONSUMPTION] = float(consumption_wh(*(np.array([day[quantity]]) for quantity in _BALANCE))[0])
    return filled, whole


def _same_source(groups: tuple[list[Device], ...], hours: Mapping[int, Hours]) -> bool:
    """Whether the group that gives the production is also the first that integrated any."""
    for group in groups:
        producing = [hours[d.id] for d in group if b.PRODUCTION in hours.get(d.id, {})]
        if producing:
            return any(b.INTEGRATED in of for of in producing)
    return False


def _total(parts: list[Floats]) -> Floats | None:
    if not parts:
        return None
    matrix = np.vstack(parts)
    total: Floats = np.nansum(matrix, axis=0)
    total[np.isnan(matrix).all(axis=0)] = np.nan
    return total


def _mean(parts: list[Floats]) -> Floats:
    matrix = np.vstack(parts)
    known = (~np.isnan(matrix)).sum(axis=0)
    mean: Floats = np.where(known, np.nansum(matrix, axis=0) / np.maximum(known, 1), np.nan)
    return mean


def _prices(plant: Plant, starts: Instants, tz: ZoneInfo) -> Floats:
    if len(plant.tariff) == 1:
        return np.full(len(starts) - 1, plant.tariff[0])
    return np.array([plant.tariff[local(int(at), tz).hour % len(plant.tariff)] for at in starts[:-1]])
