"""What the hub holds, as it travels, and the way back."""

from __future__ import annotations

from msgspec import structs

from heliograph.clock import zone
from heliograph.dialects.native.results import LatestEntry, LatestValue, MeasurementEntry
from heliograph.dialects.native.wire import DeviceEntry, PlantEntry
from heliograph.errors import BadRequestError
from heliograph.model.devices import Device
from heliograph.model.kpi import profile
from heliograph.model.measurements import Measurement
from heliograph.model.plants import Plant
from heliograph.model.samples import Latest
from heliograph.protocol.times import format_instant


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


def measurement_entry(measurement: Measurement) -> MeasurementEntry:
    """A measurement as it travels."""
    return MeasurementEntry(measurement.key, measurement.unit.symbol, measurement.help, measurement.aggregation.value)
