"""Energy and performance by hour, day, month or year of the plant's calendar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
from msgspec import UNSET, structs

from heliograph.clock import DAY_MS, Level, day_start, period, zone
from heliograph.dialects.native.kpis import Performance, availability, expected_samples, performance
from heliograph.dialects.native.lookups import Span, device_of, devices_of, plant_of, span
from heliograph.dialects.native.queries import LevelWord, ReadDevicePeriods, ReadPlantPeriods
from heliograph.dialects.native.results import Energy, EnergyBucket, KpiPeriod, Kpis
from heliograph.dialects.native.wire import SourceWord
from heliograph.errors import BadRequestError
from heliograph.model import buckets as quantity
from heliograph.model.buckets import BucketSeries
from heliograph.model.devices import DeviceKind
from heliograph.model.plants import Plant
from heliograph.model.samples import Floats
from heliograph.protocol.operations import Call, Reply
from heliograph.protocol.times import format_instant

LEVELS: dict[LevelWord, Level] = {"hour": Level.HOUR, "day": Level.DAY, "month": Level.MONTH, "year": Level.YEAR}
MOST_DAYS: dict[Level, int] = {Level.HOUR: 400, Level.DAY: 7_400, Level.MONTH: 90_000, Level.YEAR: 90_000}
"""The longest span of one call. [days]"""
DEFAULT_YEARS = 10
ROUNDING_WH = 1e-6
"""What sums of the same energies may differ by. [Wh]"""
Quantities = dict[str, float | None]


async def get_plant_energy(call: Call[ReadPlantPeriods]) -> Energy | Reply:
    """What the periods of a plant add up to."""
    plant = await plant_of(call, call.request.plant)
    asked = _span(call, plant, call.request)
    level = LEVELS[call.request.level]
    [series] = await call.hub.buckets(call.caller, "plant", [plant.id], level, asked.since_ms, asked.until_ms)
    return _energy(plant, call.request.level, energy_buckets(series, asked, zone(plant.zone)))


async def get_device_energy(call: Call[ReadDevicePeriods]) -> Energy | Reply:
    """What the periods of a device add up to."""
    device = await device_of(call, call.request.device)
    plant = await plant_of(call, device.plant_id)
    asked = _span(call, plant, call.request)
    level = LEVELS[call.request.level]
    [series] = await call.hub.buckets(call.caller, "device", [device.id], level, asked.since_ms, asked.until_ms)
    found = energy_buckets(series, asked, zone(plant.zone))
    return structs.replace(_energy(plant, call.request.level, found), device=device.id)


async def get_plant_kpis(call: Call[ReadPlantPeriods]) -> Kpis | Reply:
    """How the periods of a plant performed, and how much of its data came."""
    plant = await plant_of(call, call.request.plant)
    tz = zone(plant.zone)
    asked = _span(call, plant, call.request)
    level = LEVELS[call.request.level]
    [series] = await call.hub.buckets(call.caller, "plant", [plant.id], level, asked.since_ms, asked.until_ms)
    senders = [
        device
        for device in await devices_of(call, plant.id)
        if not device.disabled and device.kind is not DeviceKind.GATEWAY
    ]
    ids = [device.id for device in senders]
    counted = await call.hub.buckets(call.caller, "device", ids, level, asked.since_ms, asked.until_ms) if ids else []
    came = received_by_start(counted)
    connected_ms = 0 if plant.connected_on is None else day_start(plant.connected_on.toordinal(), tz)

    def told(since_ms: int, until_ms: int) -> tuple[int, int]:
        """How many samples came from all senders in a part of the span, and how many they owed up to now.

        Who sent more than it owed, as in an interval that is not over, does not make up for others.
        """
        first_ms, end_ms = max(since_ms, connected_ms), min(until_ms, call.now_ms)
        received = [came.get((device.id, since_ms), 0) for device in senders]
        owed = [expected_samples(first_ms, end_ms, device.interval_s) for device in senders]
        return sum(received), sum(map(max, received, owed))

    found = periods_of(series, asked, tz)
    figures = performance(
        capacity_w=plant.capacity_w,
        irradiation_wh_per_m2=_column(found, quantity.IRRADIATION),
        array_wh=_column(found, quantity.PV_INPUT),
        final_wh=_column(found, quantity.PRODUCTION),
    )
    periods = [
        _kpi_period(index, since_ms, until_ms, figures, *told(since_ms, until_ms))
        for index, (since_ms, until_ms, _) in enumerate(found)
    ]
    return Kpis(plant=plant.id, level=call.request.level, zone=plant.zone, periods=periods)


def periods_of(series: BucketSeries, asked: Span, tz: ZoneInfo) -> list[tuple[int, int, Quantities]]:
    """Every period that starts within the span: start, end [ms], and its quantities, None where not measured."""
    held = {since_ms: index for index, since_ms in enumerate(series.since_ms.tolist())}
    columns = {name: values.tolist() for name, values in series.columns.items()}
    found: list[tuple[int, int, Quantities]] = []
    since_ms, until_ms = period(series.level, asked.since_ms, tz)
    while since_ms < asked.until_ms:
        if since_ms >= asked.since_ms:
            index = held.get(since_ms)
            bag = {} if index is None else {name: _measured(values[index]) for name, values in columns.items()}
            found.append((since_ms, until_ms, bag))
        since_ms, until_ms = period(series.level, until_ms, tz)
    return found


def energy_buckets(series: BucketSeries, asked: Span, tz: ZoneInfo) -> list[EnergyBucket]:
    """The periods of a span as they travel."""
    return [
        EnergyBucket(
            since=format_instant(since_ms),
            until=format_instant(until_ms),
            source=source_of(quantities.get(quantity.PRODUCTION), quantities.get(quantity.REPORTED)),
            **quantities,
        )
        for since_ms, until_ms, quantities in periods_of(series, asked, tz)
    ]


def source_of(production_wh: float | None, reported_wh: float | None) -> SourceWord | None:
    """Where a production comes from, of which a share was reported; None without production."""
    if production_wh is None:
        return None
    if reported_wh is None:
        return "computed"
    if math.isclose(reported_wh, production_wh, rel_tol=1e-9, abs_tol=ROUNDING_WH):
        return "reported"
    return "computed" if abs(reported_wh) <= ROUNDING_WH else "mixed"


def received_by_start(counted: Sequence[BucketSeries]) -> dict[tuple[int, int], int]:
    """How many five-minute slots hold a sample, by device and the start of the period."""
    received: dict[tuple[int, int], int] = {}
    for series in counted:
        values = series.columns.get(quantity.RECEIVED)
        if values is None:
            continue
        for since_ms, count in zip(series.since_ms.tolist(), values.tolist(), strict=True):
            received[series.subject_id, since_ms] = int(_measured(count) or 0)
    return received


def _measured(value: float) -> float | None:
    return None if math.isnan(value) else value


def _column(found: Sequence[tuple[int, int, Quantities]], name: str) -> Floats:
    return np.array([quantities.get(name) for _, _, quantities in found], np.float64)


def _kpi_period(
    index: int, since_ms: int, until_ms: int, figures: Performance, received: int, expected: int
) -> KpiPeriod:
    return KpiPeriod(
        since=format_instant(since_ms),
        until=format_instant(until_ms),
        expected=expected,
        received=received,
        availability=availability(received, expected),
        **{name: _measured(column[index].item()) for name, column in structs.asdict(figures).items()},
    )


def _energy(plant: Plant, level: LevelWord, found: list[EnergyBucket]) -> Energy:
    return Energy(plant=plant.id, level=level, zone=plant.zone, currency=plant.currency, buckets=found, device=UNSET)


def _span(
    call: Call[ReadPlantPeriods] | Call[ReadDevicePeriods], plant: Plant, asked: ReadPlantPeriods | ReadDevicePeriods
) -> Span:
    """The span asked for; by default the day of the hours, the month of the days, the year of the months, ten years."""
    tz, level = zone(plant.zone), LEVELS[asked.level]

    def default(until_ms: int) -> int:
        if level is Level.YEAR:
            return until_ms - DEFAULT_YEARS * 365 * DAY_MS
        return period(Level(level + 1), until_ms - 1, tz)[0]

    found = span(asked.since, asked.until, tz, now_ms=call.now_ms, default=default)
    if found.until_ms - found.since_ms > MOST_DAYS[level] * DAY_MS:
        raise BadRequestError(f"by {asked.level}, at most {MOST_DAYS[level]} days at once", field="since")
    return found
