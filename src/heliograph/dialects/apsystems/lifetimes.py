"""What systems, ECUs and inverters produced since ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from heliograph.clock import Level
from heliograph.model.buckets import PRODUCTION, REPORTED
from heliograph.model.devices import INVERTERS
from heliograph.model.measurements import AC_ENERGY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.dialects.apsystems.sources import Source
    from heliograph.model.buckets import BucketSeries
    from heliograph.protocol.operations import Call


def total(series: Sequence[BucketSeries], quantity: str, since_ms: int = 0) -> float:
    """The sum of the periods from an instant on, 0 where there are none. [Wh]"""
    added = 0.0
    for each in series:
        values = each.columns.get(quantity)
        if values is not None:
            added += float(np.nansum(values[np.searchsorted(each.since_ms, since_ms) :]))
    return added


async def lifetime_wh(call: Call[Any], source: Source, years: Sequence[BucketSeries]) -> float:
    """What the counters of all inverters show, else the sum of all years; `years` are all of the source's. [Wh]

    Inverters that never sent a sample are in no counter: what was reported of them is added.
    """
    devices = [device for device in source.devices if device.kind in INVERTERS]
    newest = await call.hub.latest(call.caller, [device.id for device in devices])
    heard = [each for each in newest if each.at_ms is not None]
    readings = [each.readings.get(AC_ENERGY.key) for each in heard]
    counters = [each.value for each in readings if each is not None and isinstance(each.value, float | int)]
    if not counters or len(counters) < len(heard):
        return total(years, PRODUCTION)
    silent = [each.device_id for each in newest if each.at_ms is None]
    told = 0.0
    if silent and any(REPORTED in each.columns for each in years):
        reported = await call.hub.buckets(call.caller, "device", silent, Level.YEAR, 0, call.now_ms + 1)
        told = total(reported, PRODUCTION)
    return float(sum(counters)) + told
