"""The calls of the northbound interface. All are POST under `/thirdData/`.

One call of each in 60 seconds (1, "Access Restrictions"); ids come 100 at a time.
"""

from __future__ import annotations

from typing import TypeVar

from heliograph.dialects.huawei.wire import (
    DeviceList,
    DeviceQuery,
    DeviceRows,
    LoginQuery,
    LoginResult,
    LogoutQuery,
    NoQuery,
    PageQuery,
    PlantHours,
    PlantList,
    PlantNows,
    PlantPageResult,
    PlantPeriods,
    PlantQuery,
)
from heliograph.protocol.operations import Chunk, Limit, Operation

Q = TypeVar("Q")
R = TypeVar("R")

MOST_IDS = 100
ONCE_A_MINUTE = Limit(1, 60.0)
# Pages follow each other at once, so a list in pages needs more than one call a minute.
PAGES_A_MINUTE = Limit(10, 60.0)
SESSION_CALLS = frozenset({"login", "logout"})
"""The calls whose parameters are secrets: never echoed, never limited to a credential's list of operations."""


def _call(
    name: str,
    request: type[Q],
    result: type[R],
    summary: str,
    section: str = "",
    *,
    limit: Limit | None = ONCE_A_MINUTE,
    ids: str = "",
) -> Operation[Q, R]:
    cite = f"SmartPVMS northbound 2020-06, {section}" if section else "not in the document; as real clients call it"
    return Operation(
        name=name,
        method="POST",
        path=f"/thirdData/{name}",
        request=request,
        result=result,
        cite=cite,
        limit=limit,
        chunk=Chunk(ids, MOST_IDS) if ids else None,
        public=name in SESSION_CALLS,
        summary=summary,
    )


LOGIN = _call("login", LoginQuery, LoginResult, "Open a session.", "2.1 Login Interface", limit=None)
LOGOUT = _call("logout", LogoutQuery, LoginResult, "End a session.", limit=None)
LIST_PLANTS = _call("getStationList", NoQuery, PlantList, "All plants.", "2.2 Power Plant List Interface")
PAGE_PLANTS = _call("stations", PageQuery, PlantPageResult, "Plants by pages.", limit=PAGES_A_MINUTE)
PLANT_NOW = _call(
    "getStationRealKpi",
    PlantQuery,
    PlantNows,
    "Plants at this moment.",
    "2.3 Interface for Real-time Plant Data",
    ids="plants",
)
PLANT_HOURS = _call(
    "getKpiStationHour",
    PlantQuery,
    PlantHours,
    "The hours of a day of plants.",
    "2.4 Interface for Hourly Plant Data",
    ids="plants",
)
PLANT_DAYS = _call(
    "getKpiStationDay",
    PlantQuery,
    PlantPeriods,
    "The days of a month of plants.",
    "2.5 Interface for Daily Plant Data",
    ids="plants",
)
PLANT_MONTHS = _call(
    "getKpiStationMonth",
    PlantQuery,
    PlantPeriods,
    "The months of a year of plants.",
    "2.6 Interface for Monthly Plant Data",
    ids="plants",
)
PLANT_YEARS = _call(
    "getKpiStationYear",
    PlantQuery,
    PlantPeriods,
    "25 years of plants.",
    "2.7 Interface for Yearly Plant Data",
    ids="plants",
)
LIST_DEVICES = _call(
    "getDevList", PlantQuery, DeviceList, "The devices of plants.", "2.8 Device List Interface", ids="plants"
)
DEVICE_NOW = _call(
    "getDevRealKpi",
    DeviceQuery,
    DeviceRows,
    "Devices at this moment.",
    "2.9 Interface for Real-time Device Data",
    ids="devices",
)
DEVICE_FIVE_MINUTES = _call(
    "getDevFiveMinutes",
    DeviceQuery,
    DeviceRows,
    "A day of devices in steps of five minutes.",
    "2.10 Interface for 5-minute Device Data",
    ids="devices",
)
DEVICE_HOURS = _call("getDevKpiHour", DeviceQuery, DeviceRows, "The hours of a day of devices.", ids="devices")
DEVICE_DAYS = _call(
    "getDevKpiDay",
    DeviceQuery,
    DeviceRows,
    "The days of a month of devices.",
    "2.11 Interface for Daily Device Data",
    ids="devices",
)
DEVICE_MONTHS = _call(
    "getDevKpiMonth",
    DeviceQuery,
    DeviceRows,
    "The months of a year of devices.",
    "2.12 Interface for Monthly Device Data",
    ids="devices",
)
DEVICE_YEARS = _call(
    "getDevKpiYear",
    DeviceQuery,
    DeviceRows,
    "25 years of devices.",
    "2.13 Interface for Yearly Device Data",
    ids="devices",
)

OPERATIONS = (
    LOGIN, LOGOUT, LIST_PLANTS, PAGE_PLANTS, PLANT_NOW, PLANT_HOURS, PLANT_DAYS, PLANT_MONTHS, PLANT_YEARS,
    LIST_DEVICES, DEVICE_NOW, DEVICE_FIVE_MINUTES, DEVICE_HOURS, DEVICE_DAYS, DEVICE_MONTHS, DEVICE_YEARS,
)  # fmt: skip
