"""Alarms: reporting, listing, and saying what was done about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from heliograph.clock import zone
from heliograph.dialects.native.intake import instant
from heliograph.dialects.native.lookups import device_of, devices_of, page, plant_of, span
from heliograph.dialects.native.queries import HandleAlarm, ListAlarms, ReportAlarms
from heliograph.dialects.native.results import AlarmEntry, Alarms, AlarmsReported
from heliograph.dialects.native.wire import AlarmReport, LanguageWord, SeverityWord, StatusWord, StepWord, TypeWord
from heliograph.errors import BadRequestError, UnknownDeviceError
from heliograph.model.alarm_texts import texts
from heliograph.model.alarms import Alarm, AlarmStatus, AlarmType, Severity
from heliograph.model.devices import Device
from heliograph.protocol.operations import Call, Reply
from heliograph.protocol.times import format_instant

T = TypeVar("T")
Place = tuple[int, int, str]
SEVERITIES: dict[SeverityWord, Severity] = {
    "critical": Severity.CRITICAL, "major": Severity.MAJOR, "minor": Severity.MINOR, "warning": Severity.WARNING,
}  # fmt: skip
TYPES: dict[TypeWord, AlarmType] = {
    "transposition": AlarmType.TRANSPOSITION, "exception": AlarmType.EXCEPTION, "protection": AlarmType.PROTECTION,
    "notification": AlarmType.NOTIFICATION, "information": AlarmType.INFORMATION,
}  # fmt: skip
STATUSES: dict[StatusWord, AlarmStatus] = {
    "active": AlarmStatus.ACTIVE, "acknowledged": AlarmStatus.ACKNOWLEDGED, "ticketed": AlarmStatus.TICKETED,
    "handled": AlarmStatus.HANDLED, "cleared_by_user": AlarmStatus.CLEARED_BY_USER, "cleared": AlarmStatus.CLEARED,
}  # fmt: skip
STEPS: dict[StepWord, AlarmStatus] = {
    "acknowledged": AlarmStatus.ACKNOWLEDGED, "ticketed": AlarmStatus.TICKETED, "handled": AlarmStatus.HANDLED,
    "cleared": AlarmStatus.CLEARED_BY_USER,
}  # fmt: skip
SEVERITY_WORDS = {severity: word for word, severity in SEVERITIES.items()}
TYPE_WORDS = {kind: word for word, kind in TYPES.items()}
STATUS_WORDS = {status: word for word, status in STATUSES.items()}
LASTING = frozenset(status for status in AlarmStatus if status < AlarmStatus.CLEARED_BY_USER)


async def list_alarms(call: Call[ListAlarms]) -> Alarms | Reply:
    """A page of the alarms of a plant, of some devices, or of all the caller sees, oldest first."""
    request = call.request
    statuses = _chosen(request.status, STATUSES, "status")
    lasting = request.active or (statuses is not None and statuses <= LASTING)
    devices = await _devices(call)
    asked = span(
        request.since, request.until, await _zone(call, devices), now_ms=call.now_ms,
        **({"default": lambda _: 0} if lasting else {}),
    )  # fmt: skip
    ids = [device.id for device in devices]
    found = await call.hub.alarms(call.caller, ids, asked.since_ms, asked.until_ms, active_only=lasting)
    severities, types = _chosen(request.severity, SEVERITIES, "severity"), _chosen(request.type, TYPES, "type")
    codes = None if request.code is None else frozenset(request.code.split(","))
    wanted = [
        alarm
        for alarm in found
        if (statuses is None or alarm.status in statuses)
        and (severities is None or alarm.severity in severities)
        and (types is None or alarm.type in types)
        and (codes is None or alarm.code in codes)
    ]
    some, following = page(wanted, request.limit, _place, _parse_place(request.after))
    entries = [alarm_entry(alarm, request.language) for alarm in some]
    return Alarms(entries, None if following is None else _format_place(following))


async def report_alarms(call: Call[ReportAlarms]) -> AlarmsReported | Reply:
    """Keep alarms of a device."""
    device = await device_of(call, call.request.device)
    tz = zone((await plant_of(call, device.plant_id)).zone)
    body = call.request.body
    reports = body if isinstance(body, list) else [body]
    alarms = [to_alarm(report, index, device_id=device.id, tz=tz) for index, report in enumerate(reports)]
    return AlarmsReported(len(alarms), await call.hub.report_alarms(call.caller, alarms))


async def handle_alarm(call: Call[HandleAlarm]) -> AlarmEntry | Reply:
    """Move an alarm on to another status."""
    device = await device_of(call, call.request.device)
    code, raised_at_ms = parse_id(call.request.alarm, zone((await plant_of(call, device.plant_id)).zone))
    step = call.request.body
    moved = await call.hub.handle_alarm(
        call.caller, device.id, code, raised_at_ms, STEPS[step.status], step.note
    )  # fmt: skip
    return alarm_entry(moved, call.request.language)


def alarm_entry(alarm: Alarm, language: LanguageWord) -> AlarmEntry:
    """An alarm as it travels."""
    told = texts(alarm, language)
    return AlarmEntry(
        id=format_id(alarm),
        device=alarm.device_id,
        code=alarm.code,
        raised_at=format_instant(alarm.raised_at_ms),
        cleared_at=None if alarm.cleared_at_ms is None else format_instant(alarm.cleared_at_ms),
        severity=SEVERITY_WORDS[alarm.severity],
        name=told.name,
        cause=told.cause,
        advice=told.advice,
        status=STATUS_WORDS[alarm.status],
        type=TYPE_WORDS[alarm.type],
        cause_id=alarm.cause_id,
        watched=alarm.watched,
        until=None if alarm.until_ms is None else format_instant(alarm.until_ms),
    )


def to_alarm(report: AlarmReport, index: int, *, device_id: int, tz: ZoneInfo) -> Alarm:
    """The alarm of a report. Raises BadRequestError naming it, when a time is none or the end precedes the start."""
    place = f"alarms[{index}]"
    raised_at_ms = instant(report.raised_at, tz, field=f"{place}.raised_at")
    field = f"{place}.cleared_at"
    cleared_at_ms = None if report.cleared_at is None else instant(report.cleared_at, tz, field=field)
    if cleared_at_ms is not None and cleared_at_ms < raised_at_ms:
        raise BadRequestError(f"{field} lies before raised_at", field=field, device=str(device_id))
    return Alarm(
        device_id=device_id,
        code=report.code,
        raised_at_ms=raised_at_ms,
        cleared_at_ms=cleared_at_ms,
        severity=SEVERITIES[report.severity],
        name=report.name,
        cause=report.cause,
        advice=report.advice,
        type=TYPES[report.type],
        cause_id=report.cause_id,
    )


def format_id(alarm: Alarm) -> str:
    """An alarm's name among those of its device; a slash, which would part the path, is escaped."""
    code = alarm.code.replace("%", "%25").replace("/", "%2F")
    return f"{code}@{format_instant(alarm.raised_at_ms)}"


def parse_id(text: str, tz: ZoneInfo) -> tuple[str, int]:
    """Code and start [ms] of an alarm's name; wall time is of `tz`. Raises BadRequestError for what is no name."""
    code, at, raised = text.rpartition("@")
    if not (at and code and raised):
        raise BadRequestError("an alarm is named <code>@<raised_at>, as in 2032@2026-06-21T10:05Z", field="alarm")
    return code.replace("%2F", "/").replace("%25", "%"), instant(raised, tz, field="alarm")


async def _devices(call: Call[ListAlarms]) -> list[Device]:
    """The devices whose alarms are asked for. Raises UnknownDeviceError for one that is not among those seen."""
    plant, named = call.request.plant, call.request.device
    seen = await devices_of(call, plant)
    if named is None:
        return seen
    by_id = {str(device.id): device for device in seen}
    found = {wire: by_id.get(wire) for wire in named.split(",")}
    for wire, device in found.items():
        if device is None:
            where = "" if plant is None else f" in plant {plant}"
            raise UnknownDeviceError(f"there is no device {wire[:100]}{where}", device=wire[:100])
    return [device for device in found.values() if device is not None]


async def _zone(call: Call[Any], devices: list[Device]) -> ZoneInfo:  # any: see lookups.plant_of
    """The zone of wall times: that of the one plant concerned, otherwise UTC."""
    plant_id: int | None = call.request.plant
    if plant_id is None and call.request.device is not None and len({device.plant_id for device in devices}) == 1:
        plant_id = devices[0].plant_id
    return zone("UTC" if plant_id is None else (await plant_of(call, plant_id)).zone)


def _chosen(text: str | None, words: Mapping[Any, T], field: str) -> frozenset[T] | None:  # any: words of one kind
    """What a list of words names, None for no list. Raises BadRequestError for a word that is none."""
    if text is None:
        return None
    for word in text.split(","):
        if word not in words:
            raise BadRequestError(f"there is no {field} {word[:40]!r}; there are {', '.join(words)}", field=field)
    return frozenset(words[word] for word in text.split(","))


def _place(alarm: Alarm) -> Place:
    return alarm.raised_at_ms, alarm.device_id, alarm.code


def _format_place(place: Place) -> str:
    return ".".join(map(str, place))


def _parse_place(text: str) -> Place:
    """The place a cursor names, the first of all for none. Raises BadRequestError for a text that is no cursor."""
    if not text:
        return -1, 0, ""
    try:
        raised, device, code = text.split(".", 2)
        return int(raised), int(device), code
    except ValueError as error:
        raise BadRequestError("after must be the next of the page before", field="after") from error
