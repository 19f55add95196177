"""What the hub holds, as it travels, and the way back."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import structs

from heliograph.clock import zone
from heliograph.dialects.native.intake import instant
from heliograph.dialects.native.results import AlarmEntry, LatestEntry, LatestValue, MeasurementEntry
from heliograph.dialects.native.wire import AlarmReport, DeviceEntry, PlantEntry, SeverityWord
from heliograph.errors import BadRequestError
from heliograph.model.alarms import Alarm, Severity
from heliograph.model.devices import Device
from heliograph.model.kpi import profile
from heliograph.model.measurements import Measurement
from heliograph.model.plants import Plant
from heliograph.model.samples import Latest
from heliograph.protocol.times import format_instant

SEVERITIES: dict[SeverityWord, Severity] = {
    "critical": Severity.CRITICAL, "major": Severity.MAJOR, "minor": Severity.MINOR, "warning": Severity.WARNING,
}  # fmt: skip
WORDS: dict[Severity, SeverityWord] = {severity: word for word, severity in SEVERITIES.items()}


def plant_entry(plant: Plant) -> PlantEntry:
    """A plant as it travels."""
    fields = structs.asdict(plant)
    del fields["account_id"]
    return PlantEntry(**fields)


def to_plant(entry: PlantEntry, *, plant_id: int, account_id: int) -> Plant:
    """The plant an entry describes. Raises BadRequestError for an id, zone, profile or tariff that cannot be."""
    _check_id(entry.id, plant_id)
    zone(entry.zone)
    profile(entry.kpi_profile)
    if len(entry.tariff) not in (0, 1, 24):
        raise BadRequestError(f"tariff has {len(entry.tariff)} prices; it takes none, one or 24", field="tariff")
    return Plant(**{**structs.asdict(entry), "id": plant_id, "account_id": account_id})


def device_entry(device: Device) -> DeviceEntry:
    """A device as it travels."""
    return DeviceEntry(**structs.asdict(device))


def to_device(entry: DeviceEntry, *, device_id: int) -> Device:
    """The device an entry describes. Raises BadRequestError for an id other than the path's."""
    _check_id(entry.id, device_id)
    return Device(**{**structs.asdict(entry), "id": device_id})


def _check_id(given: int, expected: int) -> None:
    if given not in (0, expected):
        why = f"the path says {expected}" if expected else "the hub gives ids itself"
        raise BadRequestError(f"id is {given}, but {why}", field="id")


def latest_entry(latest: Latest) -> LatestEntry:
    """The newest values of a device as they travel."""
    at = None if latest.at_ms is None else format_instant(latest.at_ms)
    readings = {key: LatestValue(r.value, format_instant(r.at_ms)) for key, r in latest.readings.items()}
    return LatestEntry(latest.device_id, at, readings)


def alarm_entry(alarm: Alarm) -> AlarmEntry:
    """An alarm as it travels."""
    return AlarmEntry(
        device=alarm.device_id,
        code=alarm.code,
        raised_at=format_instant(alarm.raised_at_ms),
        cleared_at=None if alarm.cleared_at_ms is None else format_instant(alarm.cleared_at_ms),
        severity=WORDS[alarm.severity],
        name=alarm.name,
        cause=alarm.cause,
        advice=alarm.advice,
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
    )


def measurement_entry(measurement: Measurement) -> MeasurementEntry:
    """A measurement as it travels."""
    return MeasurementEntry(measurement.key, measurement.unit.symbol, measurement.help, measurement.aggregation.value)
