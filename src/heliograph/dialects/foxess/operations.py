"""The calls of the open interface: those that read, that keep plants, and that control devices. All are below `/op/`.

Limits are those of "Access frequency limit": a query once a second, an update once in two, each call by itself. The
calls of a day are counted in `quota`.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from heliograph.dialects.foxess.control_wire import (
    ChargeTimesBody,
    ChargeTimesResult,
    ClockBody,
    ClockResult,
    DoneResult,
    FlagBody,
    FlagResult,
    MeterBody,
    MeterSettingsResult,
    PeakShavingBody,
    PeakShavingResult,
    ScheduleResult,
    SegmentsBody,
    SettingBody,
    SettingQuery,
    SettingResult,
    SocBody,
    SocResult,
)
from heliograph.dialects.foxess.later_wire import LaterScheduleResult, LaterSegmentsBody
from heliograph.dialects.foxess.oauth_wire import Given, NoResult, Page, TokenResult
from heliograph.dialects.foxess.wire import (
    AccessCountResult,
    DeviceDetailResult,
    DevicePage,
    FaultList,
    GenerationResult,
    HistoryList,
    HistoryQuery,
    MeterPage,
    ModulePage,
    NoQuery,
    Nothing,
    PageQuery,
    PlantBody,
    PlantDetailResult,
    PlantPage,
    PlantQuery,
    PlantSavedResult,
    RealList,
    RealQuery,
    RealsQuery,
    Report,
    ReportQuery,
    SerialQuery,
    TextsResult,
    VariableList,
)
from heliograph.protocol.operations import Chunk, Limit, Operation

Q = TypeVar("Q")
R = TypeVar("R")

QUERY, UPDATE = Limit(1, 1.0), Limit(1, 2.0)
"""How often a call that reads, and one that changes something, may come."""
DAILY_CALLS = 1440
"""Calls a day for each inverter of an account, over all its credentials."""
MOST_SERIALS = 50
"""How many devices one call for real-time data may name."""
LEAST_ROWS, MOST_ROWS = 10, 1000
"""Rows of a page: fewer are refused, more are not given."""
DOCUMENT = "Fox ESS Open API V1.1.3"


def _call(
    method: Literal["GET", "POST"],
    path: str,
    request: type[Q],
    result: type[R],
    title: str,
    summary: str,
    *,
    version: int = 0,
    limit: Limit = QUERY,
    scope: str = "read",
    chunk: Chunk | None = None,
) -> Operation[Q, R]:
    return Operation(
        name=path if version == 0 else f"{path}.v{version}",
        method=method,
        path=f"/op/v{version}/{path}",
        request=request,
        result=result,
        cite=f"{DOCUMENT}, {title}",
        scope=scope,
        limit=limit,
        chunk=chunk,
        summary=summary,
    )


CREATE_PLANT = _call(
    "POST", "plant/create", PlantBody, PlantSavedResult, "Create power station", "Make a plant.",
    limit=UPDATE, scope="admin",
)  # fmt: skip
UPDATE_PLANT = _call(
    "POST", "plant/update", PlantBody, PlantSavedResult, "Edit power station", "Change a plant.",
    limit=UPDATE, scope="admin",
)  # fmt: skip
DELETE_PLANT = _call(
    "POST", "plant/delete", PlantQuery, Nothing, "Delete power station", "Disable a plant.",
    limit=UPDATE, scope="admin",
)  # fmt: skip
PLANT_DETAIL = _call(
    "GET", "plant/detail", PlantQuery, PlantDetailResult, "Get power station detail", "One plant."
)  # fmt: skip
LIST_PLANTS = _call("POST", "plant/list", PageQuery, PlantPage, "Get power station list", "Plants by pages.")
LIST_MODULES = _call("POST", "module/list", PageQuery, ModulePage, "Get Data Logger list", "Data loggers by pages.")
LIST_METERS = _call("POST", "gw/list", PageQuery, MeterPage, "Get meter list", "Meters by pages.")
LIST_DEVICES = _call("POST", "device/list", PageQuery, DevicePage, "Get device list", "Inverters by pages.")
DEVICE_DETAIL = _call(
    "GET", "device/detail", SerialQuery, DeviceDetailResult, "Get device detail", "One inverter and its batteries."
)
# The document has no second version of this call; the live service does, and clients ask for nothing else.
DEVICE_DETAIL_V1 = _call(
    "GET", "device/detail", SerialQuery, DeviceDetailResult, "Get device detail", "The same as v0.", version=1
)
LIST_VARIABLES = _call(
    "GET", "device/variable/get", NoQuery, VariableList, "Get available variables", "Every variable."
)
LIST_FAULTS = _call("GET", "device/fault/get", NoQuery, FaultList, "Get error code information", "Every fault code.")
QUERY_REAL = _call(
    "POST", "device/real/query", RealQuery, RealList, "Get device real-time data (Deprecated)",
    "One inverter or all at this moment.",
)  # fmt: skip
QUERY_REAL_V1 = _call(
    "POST", "device/real/query", RealsQuery, RealList, "Get device real-time data",
    "Up to 50 inverters at this moment.", version=1, chunk=Chunk("serials", MOST_SERIALS),
)  # fmt: skip
QUERY_HISTORY = _call(
    "POST", "device/history/query", HistoryQuery, HistoryList, "Get device history data",
    "The samples of one inverter over at most a day, or over the last three.",
)  # fmt: skip
QUERY_REPORT = _call(
    "POST", "device/report/query", ReportQuery, Report, "Get device production report",
    "Energies of one inverter by hours, days or months.",
)  # fmt: skip
GENERATION = _call(
    "GET", "device/generation", SerialQuery, GenerationResult, "Get device power generation",
    "Production of one inverter: day, month, since ever.",
)  # fmt: skip
ACCESS_COUNT = _call(
    "GET", "user/getAccessCount", NoQuery, AccessCountResult, "Get the number of public interface accesses",
    "How many calls of the day are left.",
)  # fmt: skip


def _write(
    path: str, request: type[Q], title: str, summary: str, *, version: int = 0
) -> Operation[Q, DoneResult]:  # fmt: skip
    """A call that tells a device what to keep to."""
    return _call(
        "POST", path, request, DoneResult, title, summary, version=version, limit=UPDATE, scope="control"
    )  # fmt: skip


GET_SOC = _call(
    "GET", "device/battery/soc/get", SerialQuery, SocResult,
    "Get the minimum soc settings for the battery of device", "How far the battery may be emptied.",
)  # fmt: skip
SET_SOC = _write(
    "device/battery/soc/set", SocBody, "Set the minmum soc for the battery of the device",
    "Set how far the battery may be emptied.",
)  # fmt: skip
GET_CHARGE_TIMES = _call(
    "GET", "device/battery/forceChargeTime/get", SerialQuery, ChargeTimesResult,
    "Get the setting of battery charging time", "When the battery is filled from the grid.",
)  # fmt: skip
SET_CHARGE_TIMES = _write(
    "device/battery/forceChargeTime/set", ChargeTimesBody, "Set the battery charging time",
    "Set when the battery is filled from the grid.",
)  # fmt: skip
GET_SETTING = _call(
    "POST", "device/setting/get", SettingQuery, SettingResult, "Get the device settings item", "One setting."
)
SET_SETTING = _write("device/setting/set", SettingBody, "Set the device settings item", "Set one setting.")
GET_CLOCK = _call("POST", "device/time/get", SerialQuery, ClockResult, "Get the device time", "The device's clock.")
SET_CLOCK = _write("device/time/set", ClockBody, "Set the device time", "Set the device's clock.")
GET_PEAK_SHAVING = _call(
    "POST", "device/peakShaving/get", SerialQuery, PeakShavingResult, "Get the device peakshaving settings",
    "From which power on the battery helps.",
)  # fmt: skip
SET_PEAK_SHAVING = _write(
    "device/peakShaving/set", PeakShavingBody, "Set the device peakshaving settings",
    "Set from which power on the battery helps.",
)  # fmt: skip
GET_FLAG = _call(
    "POST", "device/scheduler/get/flag", SerialQuery, FlagResult, "Get the main switch status (Deprecated)",
    "Whether the schedule counts.",
)  # fmt: skip
SET_FLAG = _write(
    "device/scheduler/set/flag", FlagBody, "Set the main switch status (Deprecated)", "Let the schedule count or not."
)
SET_SCHEDULER = _write("device/scheduler/set", FlagBody, "Code example", "The same under the name of the sample code.")
GET_SEGMENTS = _call(
    "POST", "device/scheduler/get", SerialQuery, ScheduleResult, "Get the time segment information (Deprecated)",
    "The segments of the schedule.",
)  # fmt: skip
ENABLE_SEGMENTS = _write(
    "device/scheduler/enable", SegmentsBody, "Set the time segment information (Deprecated)",
    "Replace the segments of the schedule and let it count.",
)  # fmt: skip
GET_FLAG_V1 = _call(
    "POST", "device/scheduler/get/flag", SerialQuery, FlagResult, "Get the main switch status",
    "Whether the schedule counts.", version=1,
)  # fmt: skip
SET_FLAG_V1 = _write(
    "device/scheduler/set/flag", FlagBody, "Set the main switch status", "Let the schedule count or not.", version=1
)
GET_SEGMENTS_V1 = _call(
    "POST", "device/scheduler/get", SerialQuery, ScheduleResult, "Get the time segment information",
    "The segments of the schedule, and what their fields may be.", version=1,
)  # fmt: skip
ENABLE_SEGMENTS_V1 = _write(
    "device/scheduler/enable", SegmentsBody, "Set the time segment information",
    "Replace the segments of the schedule and let it count.", version=1,
)  # fmt: skip
_LATER = "Scheduler-V1, in a later version"
# The document ends with v1; many clients ask for nothing older than these.
GET_SEGMENTS_V2, GET_SEGMENTS_V3 = (
    _call(
        "POST", "device/scheduler/get", SerialQuery, LaterScheduleResult, _LATER,
        "The segments of the schedule, what their fields may be, and how many there may be.", version=version,
    )
    for version in (2, 3)
)  # fmt: skip
ENABLE_SEGMENTS_V2, ENABLE_SEGMENTS_V3 = (
    _write(
        "device/scheduler/enable", LaterSegmentsBody, _LATER,
        "Replace the segments of the schedule and let it count.", version=version,
    )
    for version in (2, 3)
)  # fmt: skip
GET_METER = _call(
    "POST", "gw/setting/get", SerialQuery, MeterSettingsResult, "Meter, Get the device settings item",
    "What a meter is set to.",
)  # fmt: skip
SET_METER = _write("gw/setting/set", MeterBody, "Meter, Set the device settings item", "Set a meter.")

OPERATIONS = (
    CREATE_PLANT, DELETE_PLANT, UPDATE_PLANT, PLANT_DETAIL, LIST_PLANTS, QUERY_REAL_V1, LIST_DEVICES, DEVICE_DETAIL,
    DEVICE_DETAIL_V1, LIST_VARIABLES, LIST_FAULTS, QUERY_REAL, QUERY_HISTORY, QUERY_REPORT, GENERATION, LIST_MODULES,
    LIST_METERS, ACCESS_COUNT, GET_FLAG_V1, SET_FLAG_V1, GET_SEGMENTS_V1, ENABLE_SEGMENTS_V1, GET_SOC, SET_SOC,
    GET_CHARGE_TIMES, SET_CHARGE_TIMES, GET_SETTING, SET_SETTING, GET_CLOCK, SET_CLOCK, GET_PEAK_SHAVING,
    SET_PEAK_SHAVING, GET_FLAG, SET_FLAG, SET_SCHEDULER, GET_SEGMENTS, ENABLE_SEGMENTS, GET_SEGMENTS_V2,
    ENABLE_SEGMENTS_V2, GET_SEGMENTS_V3, ENABLE_SEGMENTS_V3, GET_METER, SET_METER,
)  # fmt: skip

ERROR_TEXTS = Operation(
    name="errors/message",
    method="GET",
    path="/c/v0/errors/message",
    request=NoQuery,
    result=TextsResult,
    cite=f"{DOCUMENT}, Common error solutions",
    public=True,
    summary="The text of every code, in every language.",
)
"""Of the vendor's own pages, not of the open interface: a client reads its texts there."""


def _open(
    method: Literal["GET", "POST"], path: str, result: type[R], step: str, summary: str, *, suffix: str = ""
) -> Operation[Given, R]:
    """A call of OAuth's own: no credential, and parameters in query or body."""
    return Operation(
        name=f"{path}{suffix}",
        method=method,
        path=f"/{path}",
        request=Given,
        result=result,
        cite=f"{DOCUMENT}, Oauth, {step}",
        public=True,
        summary=summary,
    )


AUTHORISE = _open("GET", "public/auth/index.html", Page, "step 1", "The page that asks for consent.")
DECIDE = _open("POST", "public/auth/index.html", Page, "step 2", "What was chosen on the page.", suffix=".decide")
TOKEN = _open("POST", "oauth2/token", TokenResult, "step 3", "Tokens for a code, or for a refresh token.")
# The document shows an address and no method for these.
REFRESH = _open("POST", "oauth2/refresh", TokenResult, "step 4", "Tokens for a refresh token.")
REFRESH_GET = _open("GET", "oauth2/refresh", TokenResult, "step 4", "The same by GET.", suffix=".get")
REVOKE = _open("POST", "oauth2/revoke", NoResult, "step 5", "End a token.")
REVOKE_GET = _open("GET", "oauth2/revoke", NoResult, "step 5", "The same by GET.", suffix=".get")

OAUTH = (AUTHORISE, DECIDE, TOKEN, REFRESH, REFRESH_GET, REVOKE, REVOKE_GET)
