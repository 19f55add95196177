"""The bodies of the calls. Attributes have the hub's names, `rename` the vendor's.

Requests take text or number wherever clients differ, and every parameter may be missing: handlers say what is required,
so that each lack is told by name. Answers are read tolerantly.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Param = (
    str | int | float | bool | list[Any] | dict[str, Any] | None
)  # any: whatever a client sends, for a handler to judge
"""A parameter as it was sent, also where it makes no sense."""
Number = float | int | str
Point = float | int | str | None

D = TypeVar("D")


class Answer(msgspec.Struct):
    """What surrounds the result of every response: `result` itself belongs to the operation."""

    errno: int
    message: str = msgspec.field(name="msg", default="")


class Full(msgspec.Struct):
    """A whole response as it is sent."""

    errno: int
    message: str = msgspec.field(name="msg")
    result: Any


class NoQuery(msgspec.Struct, frozen=True):
    """A call without parameters."""


class PageQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"page": "currentPage", "size": "pageSize"}):
    """One page of a list, counted from 1."""

    page: Param = None
    size: Param = None


class SerialQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "sn", "same": "deviceSN"}):
    """One device; clients use either name."""

    serial: Param = None
    same: Param = None


class PlantQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"same": "stationID"}):
    """One plant; clients use either name."""

    id: Param = None
    same: Param = None


class RealQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "sn", "same": "deviceSN"}):
    """One device or all, some variables or all."""

    serial: Param = None
    same: Param = None
    variables: Param = None


class RealsQuery(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"serials": "sns", "serial": "sn", "same": "deviceSN"}
):
    """Up to 50 devices, some variables or all."""

    serials: Param = None
    variables: Param = None
    serial: Param = None
    same: Param = None


class HistoryQuery(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"serial": "sn", "same": "deviceSN", "begin_ms": "begin", "end_ms": "end"},
):
    """One device, some variables or all, and a span of at most 24 hours. [ms since 1970]"""

    serial: Param = None
    variables: Param = None
    begin_ms: Param = None
    end_ms: Param = None
    same: Param = None


class ReportQuery(msgspec.Struct, frozen=True, omit_defaults=True, rename={"serial": "sn", "same": "deviceSN"}):
    """One device, a year, month or day, and variables."""

    serial: Param = None
    year: Param = None
    month: Param = None
    day: Param = None
    dimension: Param = None
    variables: Param = None
    same: Param = None


class PlantBody(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"pile": "pileSN", "meter": "electricmeterSN", "layout": "layoutByMini"},
):
    """A plant to make or to change. Its parts are judged by the handler, for each type needs others."""

    devices: Param = None
    pile: Param = None
    details: Param = None
    timezone: Param = None
    position: Param = None
    meter: Param = None
    layout: Param = None


class Result(msgspec.Struct, Generic[D]):
    """The result of a call: what stands in `result`."""

    result: D


class Page(
    msgspec.Struct, Generic[D], kw_only=True, rename={"page": "currentPage", "size": "pageSize", "rows": "data"}
):
    """One page of a list."""

    page: int
    size: int
    total: int
    rows: list[D]


class Serial(msgspec.Struct, rename={"serial": "sn"}):
    """A device as the request named it."""

    serial: str
    key: str | msgspec.UnsetType = msgspec.UNSET


class Placed(msgspec.Struct):
    """What became of a device that was to be put into a plant: 0, or why not."""

    device: Serial
    errno: int


class PlantSaved(msgspec.Struct, rename={"plant": "stationID"}):
    """The id of a plant that was made or changed, and its devices."""

    plant: str
    devices: list[Placed] = []


class Contact(msgspec.Struct):
    """A person; empty where the hub knows none."""

    name: str = ""
    email: str = ""
    phone: str = ""


class ModuleOf(msgspec.Struct, rename={"module": "moduleSN", "device": "deviceSN"}):
    """An inverter, and the data logger that it sends through."""

    module: str
    device: str


class PlantDetail(msgspec.Struct, rename={"name": "stationName", "created_at": "createDate"}):
    """A plant: capacity in kW, the time it was made as text in milliseconds."""

    name: str
    country: str
    city: str
    address: str
    created_at: str
    postcode: str
    capacity: float | int
    timezone: str
    user: Contact
    installer: Contact
    modules: list[ModuleOf]


class PlantEntry(msgspec.Struct, rename={"id": "stationID", "timezone": "ianaTimezone"}):
    """A plant as listed."""

    id: str
    name: str
    timezone: str


class ModuleEntry(msgspec.Struct, rename={"serial": "moduleSN", "plant": "stationID", "plant_name": "plantName"}):
    """A data logger: 1 online, 2 offline; signal in percent."""

    serial: str
    plant: str
    status: int
    signal: int
    plant_name: str = ""


class MeterEntry(msgspec.Struct, rename={"serial": "sn", "plant": "stationID", "plant_name": "stationName"}):
    """A meter: 1 online, 2 fault, 3 offline."""

    serial: str
    plant: str
    plant_name: str
    status: int


class DeviceEntry(
    msgspec.Struct,
    rename={
        "serial": "deviceSN", "module": "moduleSN", "plant": "stationID", "plant_name": "stationName",
        "has_pv": "hasPV", "has_battery": "hasBattery", "type": "deviceType", "product": "productType",
    },
):  # fmt: skip
    """An inverter as listed: 1 online, 2 fault, 3 offline."""

    serial: str
    module: str
    plant: str
    plant_name: str
    status: int
    has_pv: bool
    has_battery: bool
    type: str
    product: str


class Battery(msgspec.Struct, rename={"serial": "batterySN", "capacity_text": "capicty"}):
    """A battery: capacity in Wh, as text under its documented name and as number; 0 where it is not known."""

    serial: str
    type: str
    version: str
    model: str
    capacity_text: str
    capacity: int | float = 0


class Functions(msgspec.Struct):
    """What an inverter can do."""

    scheduler: bool


class DeviceDetail(
    msgspec.Struct,
    rename={
        "serial": "deviceSN", "module": "moduleSN", "plant": "stationID", "plant_name": "stationName",
        "afci": "afciVersion", "manager": "managerVersion", "master": "masterVersion", "slave": "slaveVersion",
        "hardware": "hardwareVersion", "functions": "function", "batteries": "batteryList",
        "has_pv": "hasPV", "has_battery": "hasBattery", "type": "deviceType", "product": "productType",
    },
):  # fmt: skip
    """An inverter: versions, capacity in kW, batteries."""

    serial: str
    module: str
    plant: str
    plant_name: str
    afci: str
    manager: str
    master: str
    slave: str
    hardware: str
    status: int
    capacity: int | float
    functions: Functions
    batteries: list[Battery]
    has_pv: bool = False
    has_battery: bool = False
    type: str = ""
    product: str = ""


class Sample(msgspec.Struct, gc=False):
    """A variable now; those without a unit are texts."""

    variable: str
    name: str
    value: Number
    unit: str | msgspec.UnsetType = msgspec.UNSET


class RealEntry(msgspec.Struct, rename={"serial": "deviceSN", "samples": "datas"}):
    """A device now, at a time of its plant; where it never sent anything, without samples and at the start of 1970."""

    serial: str
    samples: list[Sample]
    time: str = ""


class Moment(msgspec.Struct, gc=False):
    """A value of the past, at a time of the plant."""

    time: str
    value: Number


class Course(msgspec.Struct, rename={"moments": "data"}):
    """A variable over time."""

    variable: str
    name: str
    moments: list[Moment]
    unit: str | msgspec.UnsetType = msgspec.UNSET


class HistoryEntry(msgspec.Struct, rename={"serial": "deviceSN", "courses": "datas"}):
    """A device over time."""

    serial: str
    courses: list[Course]


class ReportEntry(msgspec.Struct):
    """A variable by periods; null where a period that is over was never measured. [kWh]"""

    variable: str
    unit: str
    values: list[Point]


class Generation(msgspec.Struct):
    """Production of the day, of the month and since ever. [kWh]"""

    today: float
    month: float
    cumulative: float


class AccessCount(msgspec.Struct):
    """How many calls a day are open to the account, and how many of them are left today."""

    total: str
    remaining: str


class Texts(msgspec.Struct):
    """The text of every code, by language and code."""

    messages: dict[str, dict[str, str]]


Variables = list[
    dict[str, dict[str, Any]]
]  # any: what is told of a variable: texts, names by language, whether it applies
Faults = list[dict[str, dict[str, str]]]


class Nothing(Result[None]):
    """No result."""


class PlantSavedResult(Result[PlantSaved]):
    """A plant that was made or changed."""


class PlantDetailResult(Result[PlantDetail]):
    """One plant."""


class PlantPage(Result[Page[PlantEntry]]):
    """Plants by pages."""


class ModulePage(Result[Page[ModuleEntry]]):
    """Data loggers by pages."""


class MeterPage(Result[Page[MeterEntry]]):
    """Meters by pages."""


class DevicePage(Result[Page[DeviceEntry]]):
    """Inverters by pages."""


class DeviceDetailResult(Result[DeviceDetail]):
    """One inverter."""


class VariableList(Result[Variables]):
    """Every variable with its names and unit."""


class FaultList(Result[Faults]):
    """Every fault code with its texts."""


class RealList(Result[list[RealEntry]]):
    """Devices now."""


class HistoryList(Result[list[HistoryEntry]]):
    """Devices over time."""


class Report(Result[list[ReportEntry]]):
    """Variables by periods."""


class GenerationResult(Result[Generation]):
    """Production of one inverter."""


class AccessCountResult(Result[AccessCount]):
    """Calls left."""


class TextsResult(Result[Texts]):
    """The text of every code."""
