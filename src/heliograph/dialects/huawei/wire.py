"""The bodies of the calls. Attributes have the hub's names, `rename` the vendor's.

Requests take text or number wherever clients differ, and every parameter may be missing: what is required is said by
the handlers, so that each lack gets the code that the document has for it.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Loose = str | int | float | None
"""A number, or the same as text."""
Param = (
    str | int | float | bool | list[Any] | dict[str, Any] | None
)  # any: whatever a client sends, for a handler to judge
"""A parameter as it was sent, also where it makes no sense: which code that has depends on what else is wrong."""
Number = float | int | str | None
"""A value of a report: a number, though some examples print it as text."""

D = TypeVar("D")


class Answer(msgspec.Struct):
    """What surrounds the data of every response: `data` itself belongs to the operation's result.

    The live service leaves out all but `failCode`, `immediately` and `message` where the session has ended.
    """

    success: bool = False
    code: int = msgspec.field(name="failCode", default=0)
    params: dict[str, Any] | None = None
    message: str | None = None
    immediately: bool | msgspec.UnsetType = msgspec.UNSET
    build: str | msgspec.UnsetType = msgspec.field(name="buildCode", default=msgspec.UNSET)


class Full(msgspec.Struct, omit_defaults=False):
    """A whole response as it is sent, members in the printed order."""

    success: bool
    data: Any
    code: int = msgspec.field(name="failCode")
    params: dict[str, Any] | None
    message: str | None
    immediately: bool | msgspec.UnsetType = msgspec.UNSET
    build: str | msgspec.UnsetType = msgspec.field(name="buildCode", default=msgspec.UNSET)


class NoQuery(msgspec.Struct, frozen=True):
    """A call without parameters. (2.2)"""


class LoginQuery(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"user": "userName", "password": "systemCode"}
):
    """Name and password of the third-party system. (2.1)"""

    user: Loose = None
    password: Loose = None

    def __repr__(self) -> str:
        return f"LoginQuery(user={self.user!r}, password='***')"


class LogoutQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"token": "xsrfToken"}):
    """The session to end."""

    token: str | None = None

    def __repr__(self) -> str:
        return "LogoutQuery(token='***')"


class PageQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"page": "pageNo", "size": "pageSize"}):
    """One page of a list, counted from 1."""

    page: Loose = None
    size: Loose = None


class PlantQuery(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"plants": "stationCodes", "at_ms": "collectTime"}
):
    """Plants and, for reports, an instant in the period wanted. [ms since 1970] (2.3 to 2.8)"""

    plants: Param = None
    at_ms: Param = None


class DeviceQuery(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"devices": "devIds", "type_id": "devTypeId", "at_ms": "collectTime"},
):
    """Devices of one type and, but for the present, an instant in the period wanted. [ms since 1970] (2.9 to 2.13)"""

    devices: Param = None
    type_id: Param = None
    at_ms: Param = None


class SwitchQuery(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"devices": "devIds", "type_id": "devTypeId", "control": "controlType"},
):
    """Devices of one type, and 1 to switch them on or 2 to switch them off. Not in the document."""

    devices: Param = None
    type_id: Param = None
    control: Param = None


class AlarmQuery(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "plants": "stationCodes", "devices": "devIds", "begin_ms": "beginTime", "end_ms": "endTime",
        "kinds": "types", "device_name": "devName", "device_types": "devTypes",
    },
):  # fmt: skip
    """Plants or devices, a time, a language, and what to leave out. [ms since 1970] (2.16)"""

    plants: Param = None
    devices: Param = None
    begin_ms: Param = None
    end_ms: Param = None
    language: Param = None
    kinds: Param = None
    device_name: Param = None
    device_types: Param = None
    levels: Param = None
    status: Param = None


class SerialQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serials": "SN", "user": "userName"}):
    """Serial numbers, a person's telephone number or e-mail address, and what is handed back as it came. (2.17)"""

    serials: Param = None
    user: Param = None
    key: Param = None


class Result(msgspec.Struct, Generic[D]):
    """The result of a call: what stands in `data`."""

    data: D


class Row(
    msgspec.Struct,
    Generic[D],
    rename={"items": "dataItemMap", "plant": "stationCode", "device": "devId", "at_ms": "collectTime"},
):
    """One line of KPIs or readings: of a plant or of a device, with the start of its period where it has one."""

    items: D
    plant: str | msgspec.UnsetType = msgspec.UNSET
    device: int | msgspec.UnsetType = msgspec.UNSET
    at_ms: int | msgspec.UnsetType = msgspec.UNSET


class PlantEntry(
    msgspec.Struct,
    rename={
        "code": "stationCode", "name": "stationName", "address": "stationAddr", "capacity_mw": "capacity",
        "build_state": "buildState", "grid_type": "combineType", "aid_type": "aidType", "contact": "stationLinkman",
        "phone": "linkmanPho",
    },
):  # fmt: skip
    """A plant as listed; its capacity in MW, unlike anywhere else. (2.2)"""

    code: str
    name: str
    address: str | None = None
    capacity_mw: Number = None
    build_state: str | int | None = None
    grid_type: str | int | None = None
    aid_type: int | None = None
    contact: str | None = None
    phone: str | None = None


class PlantPageEntry(
    msgspec.Struct,
    rename={
        "code": "plantCode", "name": "plantName", "address": "plantAddress", "capacity_kw": "capacity",
        "contact": "contactPerson", "phone": "contactMethod", "connected_at": "gridConnectionDate",
    },
):  # fmt: skip
    """A plant as listed by pages; its capacity in kW, its coordinates as text. Not in the document."""

    code: str
    name: str
    address: str | None = None
    longitude: Number = None
    latitude: Number = None
    capacity_kw: Number = None
    contact: str | None = None
    phone: str | None = None
    connected_at: str | None = None


class PlantPage(
    msgspec.Struct, rename={"rows": "list", "page_count": "pageCount", "page": "pageNo", "size": "pageSize"}
):
    """A page of plants."""

    rows: list[PlantPageEntry]
    page_count: int
    page: int
    size: int
    total: int


class DeviceEntry(
    msgspec.Struct,
    rename={
        "name": "devName", "plant": "stationCode", "serial": "esnCode", "type_id": "devTypeId",
        "firmware": "softwareVersion", "model": "invType",
    },
):  # fmt: skip
    """A device as listed. (2.8)"""

    id: int
    name: str | None
    plant: str
    serial: str | None
    type_id: int
    firmware: str | None = None
    model: str | None = None
    longitude: Number = None
    latitude: Number = None


class PlantNow(
    msgspec.Struct,
    rename={
        "today": "day_power", "this_month": "month_power", "lifetime": "total_power", "revenue_today": "day_income",
        "revenue": "total_income", "health": "real_health_state", "feed_in_today": "day_on_grid_energy",
        "consumed_today": "day_use_energy",
    },
):  # fmt: skip
    """A plant at this moment: energies in kWh, and 1 disconnected, 2 faulty or 3 healthy. (3.1)

    The last two are not in the document: the live service tells them, and clients read them.
    """

    today: Number = None
    this_month: Number = None
    lifetime: Number = None
    revenue_today: Number = None
    revenue: Number = None
    health: int | str | None = None
    feed_in_today: Number | msgspec.UnsetType = msgspec.UNSET
    consumed_today: Number | msgspec.UnsetType = msgspec.UNSET


class PlantHour(
    msgspec.Struct,
    gc=False,
    rename={
        "irradiation": "radiation_intensity", "theory": "theory_power", "production": "inverter_power",
        "feed_in": "ongrid_power", "revenue": "power_profit",
    },
):  # fmt: skip
    """An hour of a plant: kWh/m2, kWh, currency. (3.2)"""

    irradiation: Number = None
    theory: Number = None
    production: Number = None
    feed_in: Number = None
    revenue: Number = None


class PlantPeriod(
    msgspec.Struct,
    gc=False,
    rename={
        "capacity": "installed_capacity", "irradiation": "radiation_intensity", "theory": "theory_power",
        "production": "inverter_power", "feed_in": "ongrid_power", "consumption": "use_power",
        "revenue": "power_profit", "specific_yield": "perpower_ratio", "co2": "reduction_total_co2",
        "coal": "reduction_total_coal", "trees": "reduction_total_tree",
    },
):  # fmt: skip
    """A day, month or year of a plant: kW, kWh/m2, kWh, %, currency, h, t. (3.3 to 3.5)"""

    capacity: Number = None
    irradiation: Number = None
    theory: Number = None
    performance_ratio: Number = None
    production: Number = None
    feed_in: Number = None
    consumption: Number = None
    revenue: Number = None
    specific_yield: Number = None
    co2: Number = None
    coal: Number = None
    trees: Number = None


class Delivery(msgspec.Struct, rename={"device": "devId", "delivered": "result", "code": "failCode"}):
    """Whether a command to a device was delivered, else why not. (2.14)"""

    device: int
    delivered: bool
    code: int


class UpgradeEntry(
    msgspec.Struct,
    rename={
        "device": "devId", "at_ms": "lastUpgradeTime", "source": "sourceVersion", "target": "targetVersion",
        "progress": "process", "outcome": "upgradeResult",
    },
):  # fmt: skip
    """The newest upgrade of a device: when, from and to which version, how far in percent, and how it ended. (2.15)"""

    device: int
    at_ms: int
    source: str
    target: str
    progress: float
    outcome: int


class AlarmEntry(
    msgspec.Struct,
    rename={
        "plant": "stationCode", "name": "alarmName", "device": "devName", "advice": "repairSuggestion",
        "serial": "esnCode", "type_id": "devTypeId", "cause_id": "causeId", "cause": "alarmCause",
        "kind": "alarmType", "raised_at_ms": "raiseTime", "code": "alarmId", "plant_name": "stationName",
        "level": "lev",
    },
):  # fmt: skip
    """An alarm: texts in the language asked for, numbers as in the example. (2.16)"""

    plant: str
    name: str | None
    device: str | None
    advice: str | None
    serial: str | None
    type_id: int | str
    cause_id: int | str
    cause: str | None
    kind: int | str
    raised_at_ms: int | str
    code: int | str
    plant_name: str | None
    level: int | str
    status: int | str


class Registration(msgspec.Struct):
    """Whether each serial number is registered, and the key that came with the question. (2.17)"""

    detail: dict[str, bool]
    key: Loose = None


Items = dict[str, Number]
"""Points or KPIs of a device by the vendor's names; which ones depends on its type."""


class LoginResult(Result[None]):
    """Nothing: the session travels in the header and the cookie."""


class PlantList(Result[list[PlantEntry]]):
    """All plants of the caller."""


class PlantPageResult(Result[PlantPage]):
    """One page of the caller's plants."""


class PlantNows(Result[list[Row[PlantNow]]]):
    """The present state of plants."""


class PlantHours(Result[list[Row[PlantHour]]]):
    """The hours of a day."""


class PlantPeriods(Result[list[Row[PlantPeriod]]]):
    """The days of a month, months of a year, or years."""


class DeviceList(Result[list[DeviceEntry]]):
    """The devices of plants."""


class DeviceRows(Result[list[Row[Items]]]):
    """Readings or reports of devices."""


class Deliveries(Result[list[Delivery]]):
    """What became of a command, device by device."""


class UpgradeList(Result[list[UpgradeEntry]]):
    """The newest upgrade of each device that has one."""


class AlarmList(Result[list[AlarmEntry]]):
    """Alarms, the oldest first."""


class RegistrationResult(Result[Registration]):
    """Which serial numbers are registered."""
