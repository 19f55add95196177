"""Buckets: what a period of the plant's calendar adds up to, for a device or a plant."""

from __future__ import annotations

import msgspec
import numpy as np

from heliograph.clock import Level
from heliograph.model.samples import Floats, Instants

# Quantities of a bucket; all add up from hours to days to months to years.
PRODUCTION = "production"
"""Energy of the inverters, or of the production meter where no inverter tells. [Wh]"""
PV_INPUT = "pv_input"
"""Direct-current energy of the strings. [Wh]"""
FEED_IN = "feed_in"
"""Energy fed into the grid. [Wh]"""
PURCHASE = "purchase"
"""Energy bought from the grid. [Wh]"""
CHARGED = "charged"
"""Energy into batteries. [Wh]"""
DISCHARGED = "discharged"
"""Energy out of batteries. [Wh]"""
CONSUMPTION = "consumption"
"""Energy into loads: of a plant without a meter there, what it kept of its production and what it bought. [Wh]"""
IRRADIATION = "irradiation"
"""In-plane irradiation. [Wh/m2]"""
REVENUE = "revenue"
"""Production times the tariff of its hour. [currency]"""
CHARGING_TIME = "charging_time"
"""How long the battery was charging. [s]"""
DISCHARGING_TIME = "discharging_time"
"""How long the battery was discharging. [s]"""
RECEIVED = "received"
"""Five-minute slots in which at least one sample came. [1]"""
PRODUCING = "producing"
"""Five-minute intervals in daylight with production. [1]"""
IDLE = "idle"
"""Five-minute intervals in daylight without production. [1]"""
INTEGRATED = "integrated"
"""Share of the production that was integrated from power for want of a counter. [Wh]"""
DECLARED = "declared"
"""Production as it was reported for the whole period, whether it counts or not. [Wh]"""
COMPUTED = "computed"
"""Production as samples tell it, where a reported total takes its place. [Wh]"""
REPORTED = "reported"
"""Share of the production that is a reported total. [Wh]"""

QUANTITIES = (
    PRODUCTION, PV_INPUT, FEED_IN, PURCHASE, CHARGED, DISCHARGED, CONSUMPTION, IRRADIATION, REVENUE,
    CHARGING_TIME, DISCHARGING_TIME, RECEIVED, PRODUCING, IDLE, INTEGRATED, DECLARED, COMPUTED, REPORTED,
)  # fmt: skip


class BucketSeries(msgspec.Struct, frozen=True):
    """The buckets of one device or plant, oldest first. NaN means that nothing was measured.

    `since_ms` holds the start of each period; `columns` one array a quantity that any of them has.
    """

    subject_id: int
    level: Level
    since_ms: Instants
    columns: dict[str, Floats]

    def column(self, quantity: str) -> Floats:
        """A quantity, NaN where there is none."""
        values = self.columns.get(quantity)
        return np.full(len(self.since_ms), np.nan) if values is None else values
