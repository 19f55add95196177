"""Plants and the accounts that own them."""

from __future__ import annotations

from datetime import date
from enum import Enum

import msgspec


class GridType(Enum):
    """How a plant is connected and whom it serves."""

    UTILITY = "utility"
    COMMERCIAL = "commercial"
    RESIDENTIAL = "residential"


class BuildState(Enum):
    """How far a plant is built."""

    PLANNED = "planned"
    UNDER_CONSTRUCTION = "under_construction"
    CONNECTED = "connected"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant: owns plants and credentials, and sees no other's."""

    id: int
    name: str
    disabled: bool = False


class Plant(msgspec.Struct, frozen=True, kw_only=True):
    """A plant: one site, one time zone, one set of performance figures."""

    id: int
    account_id: int
    name: str
    zone: str
    """IANA name; days, months and years of the plant are this zone's."""
    address: str = ""
    capacity_w: float | None = None
    """Installed direct-current rating at standard test conditions. [W]"""
    latitude: float | None = None
    longitude: float | None = None
    grid_type: GridType = GridType.COMMERCIAL
    build_state: BuildState = BuildState.CONNECTED
    connected_on: date | None = None
    contact_name: str = ""
    contact_phone: str = ""
    poverty_alleviation: bool = False
    kpi_profile: str = "huawei-2020"
    """Which set of constants the performance figures use."""
    tariff: tuple[float, ...] = ()
    """Price of a kilowatt-hour: empty when unknown, one price, or 24 by local hour. [currency per kWh]"""
    currency: str = "CNY"
    disabled: bool = False
