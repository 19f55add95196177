"""The calls of the northbound interface. All are POST under `/thirdData/`.

One call of each in 60 seconds (1, "Access Restrictions"); ids come 100 at a time, or 10 in a command.
The contents of the document count a device switch as 2.14, its body does not: sections are cited as the body numbers
them.
"""

from __future__ import annotations

from typing import TypeVar

from heliograph.dialects.huawei.wire import (
    AlarmList,
    AlarmQuery,
    Deliveries,
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
    RegistrationResult,
    SerialQuery,
    SwitchQuery,
    UpgradeList,
)
from heliograph.protocol.operations import Chunk, Limit, Operation

Q = TypeVar("Q")
R = TypeVar("R")

MOST_IDS, MOST_COMMANDED, MOST_WATCHED, MOST_SERIALS = 100, 10, 1000, 20
"""How many a call may name at most: plants or devices, devices in a command, devices in `getAlarmList`, serials."""
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
    most: int = MOST_IDS,
    scope: str = "read",
) -> Operation[Q, R]:
    cite = f"SmartPVMS northbound 2020-06, {section}" if section else "not in the document; as real clients call it"
    return Operation(
        name=name,
        method="POST",
        path=f"/thirdData/{name}",
        request=request,
        result=result,
        cite=cite,
        scope=scope,
        limit=limit,
        chunk=Chunk(ids, most) if ids else None,
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

UPGRADE_DEVICES = _call(
    "devUpgrade",
    DeviceQuery,
    Deliveries,
    "Upgrade devices with the newest package of their model.",
    "2.14 Device Upgrade Interface",
    ids="devices",
    most=MOST_COMMANDED,
    scope="control",
)
LIST_UPGRADES = _call(
    "getDevUpgradeInfo",
    DeviceQuery,
    UpgradeList,
    "How the newest upgrade of devices stands.",
    "2.15 Device Upgrade Record Interface",
    ids="devices",
    most=MOST_COMMANDED,
    scope="control",
)
LIST_ALARMS = _call(
    "getAlarmList", AlarmQuery, AlarmList, "The alarms of plants or devices.", "2.16 Device Alarm Interface",
    ids="plants",
)  # fmt: skip
FIND_REGISTERED = _call(
    "snIsRegister",
    SerialQuery,
    RegistrationResult,
    "Which serial numbers are those of a person's devices.",
    "2.17 SN Registration Query Interface",
    ids="serials",
    most=MOST_SERIALS,
)
SWITCH_DEVICES = _call(
    "devOnOff",
    SwitchQuery,
    Deliveries,
    "Switch devices on or off.",
    ids="devices",
    most=MOST_COMMANDED,
    scope="control",
)

OPENED_WITH = {LIST_UPGRADES.name: UPGRADE_DEVICES.name}
"""Calls that are open only to who may make another one too. (2.15)"""

OPERATIONS = (
    LOGIN, LOGOUT, LIST_PLANTS, PAGE_PLANTS, PLANT_NOW, PLANT_HOURS, PLANT_DAYS, PLANT_MONTHS, PLANT_YEARS,
    LIST_DEVICES, DEVICE_NOW, DEVICE_FIVE_MINUTES, DEVICE_HOURS, DEVICE_DAYS, DEVICE_MONTHS, DEVICE_YEARS,
    UPGRADE_DEVICES, LIST_UPGRADES, LIST_ALARMS, FIND_REGISTERED, SWITCH_DEVICES,
)  # fmt: skip
