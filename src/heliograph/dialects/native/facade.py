"""How the hub answers the calls of its own interface."""

from __future__ import annotations

from typing import Any

import msgspec

from heliograph.clock import zone
from heliograph.dialects.native import operations as op
from heliograph.dialects.native import queries as q
from heliograph.dialects.native import results as r
from heliograph.dialects.native import views
from heliograph.dialects.native import wire as w
from heliograph.dialects.native.alarms import handle_alarm, list_alarms, report_alarms
from heliograph.dialects.native.auth import authenticate
from heliograph.dialects.native.commanding import cancel_command, get_command, get_settings, list_commands, send_command
from heliograph.dialects.native.history import get_history
from heliograph.dialects.native.intake import read_instants, records, to_blocks
from heliograph.dialects.native.ledger import declare_energy, get_declared
from heliograph.dialects.native.lookups import device_of, devices_of, page, plant_of, span, zones_of
from heliograph.dialects.native.openapi import document
from heliograph.dialects.native.periods import get_device_energy, get_plant_energy, get_plant_kpis
from heliograph.errors import BadRequestError, UnknownDeviceError
from heliograph.model.devices import Device
from heliograph.model.measurements import CATALOGUE
from heliograph.protocol.dialect import Facade
from heliograph.protocol.hub import Hub, Ingested
from heliograph.protocol.operations import Call, Reply, handle
from heliograph.protocol.times import format_instant

SOURCE = "native"


async def list_plants(call: Call[q.ListPlants]) -> r.Plants | Reply:
    """A page of the plants the caller sees."""
    plants = await call.hub.plants(call.caller)
    some, following = page(plants, call.request.limit, lambda plant: plant.id, call.request.after)
    return r.Plants([views.plant_entry(plant) for plant in some], following)


async def get_plant(call: Call[q.OnePlant]) -> w.PlantEntry | Reply:
    """One plant."""
    return views.plant_entry(await plant_of(call, call.request.plant))


async def create_plant(call: Call[q.MakePlant]) -> w.PlantEntry | Reply:
    """Make a plant in the caller's account."""
    plant = views.to_plant(call.request.body, plant_id=0, account_id=call.caller.account_id)
    saved = await call.hub.save_plant(call.caller, plant)
    return _created(views.plant_entry(saved), f"{op.PREFIX}/plants/{saved.id}")


async def replace_plant(call: Call[q.ReplacePlant]) -> w.PlantEntry | Reply:
    """Replace what is known of a plant."""
    held = await plant_of(call, call.request.plant)
    plant = views.to_plant(call.request.body, plant_id=held.id, account_id=held.account_id)
    return views.plant_entry(await call.hub.save_plant(call.caller, plant))


async def list_devices(call: Call[q.ListDevices]) -> r.Devices | Reply:
    """A page of the devices of a plant, or of all the caller sees."""
    some, following = await _page_of_devices(call)
    return r.Devices([views.device_entry(device) for device in some], following)


async def get_device(call: Call[q.OneDevice]) -> w.DeviceEntry | Reply:
    """One device."""
    return views.device_entry(await device_of(call, call.request.device))


async def create_device(call: Call[q.MakeDevice]) -> w.DeviceEntry | Reply:
    """Make a device in a plant the caller sees."""
    device = views.to_device(call.request.body, device_id=0)
    await _check_place(call, device)
    saved = await call.hub.save_device(call.caller, device)
    return _created(views.device_entry(saved), f"{op.PREFIX}/devices/{saved.id}")


async def replace_device(call: Call[q.ReplaceDevice]) -> w.DeviceEntry | Reply:
    """Replace what is known of a device."""
    held = await device_of(call, call.request.device)
    device = views.to_device(call.request.body, device_id=held.id)
    await _check_place(call, device)
    return views.device_entry(await call.hub.save_device(call.caller, device))


async def send_samples(call: Call[q.SendSamples]) -> Ingested | Reply:
    """Keep samples of any devices, all or nothing."""
    return await _ingest(call, call.request.body, None)


async def send_device_samples(call: Call[q.SendDeviceSamples]) -> Ingested | Reply:
    """Keep samples of one device, all or nothing."""
    return await _ingest(call, call.request.body, call.request.device)


async def get_device_latest(call: Call[q.OneDevice]) -> r.LatestEntry | Reply:
    """The newest values of a device."""
    device = await device_of(call, call.request.device)
    [latest] = await call.hub.latest(call.caller, [device.id])
    return views.latest_entry(latest)


async def list_latest(call: Call[q.ListDevices]) -> r.LatestList | Reply:
    """The newest values of a page of devices."""
    some, following = await _page_of_devices(call)
    found = await call.hub.latest(call.caller, [device.id for device in some]) if some else []
    return r.LatestList([views.latest_entry(latest) for latest in found], following)


async def list_gaps(call: Call[q.ReadGaps]) -> r.Gaps | Reply:
    """Where samples of a device are missing."""
    device = await device_of(call, call.request.device)
    tz = zone((await plant_of(call, device.plant_id)).zone)
    asked = span(call.request.since, call.request.until, tz, now_ms=call.now_ms)
    found = await call.hub.gaps(call.caller, [device.id], asked.since_ms, asked.until_ms)
    entries = [r.GapEntry(format_instant(gap.since_ms), format_instant(gap.until_ms), gap.missing) for gap in found]
    return r.Gaps(device.id, entries)


async def list_measurements(call: Call[q.Nothing]) -> r.Measurements | Reply:
    """The catalogue of measurements."""
    return r.Measurements([views.measurement_entry(measurement) for measurement in CATALOGUE.values()])


async def who_am_i(call: Call[q.Nothing]) -> r.WhoAmI | Reply:
    """What the caller's token opens."""
    caller = call.caller
    return r.WhoAmI(
        caller.account_id,
        caller.credential_id,
        sorted(caller.scopes),
        None if caller.plants is None else sorted(caller.plants),
        None if caller.operations is None else sorted(caller.operations),
    )


async def get_openapi(call: Call[q.Nothing]) -> r.Document | Reply:
    """The OpenAPI document of this interface."""
    return Reply(document())


async def _ingest(call: Call[Any], body: w.SampleBody, device_id: int | None) -> Ingested:  # any: either samples call
    samples = records(body)
    instants = read_instants(samples)
    zones = await zones_of(call) if None in instants.values() else None
    blocks = to_blocks(samples, instants, device=device_id, zones=zones)
    if not blocks:
        return Ingested(0)
    try:
        return await call.hub.ingest(call.caller, blocks, source=SOURCE)
    except UnknownDeviceError:
        seen = {device.id for device in await call.hub.devices(call.caller)}
        for index, sample in enumerate(samples):
            owner = device_id if device_id is not None else int(sample.device or 0)
            if owner not in seen:
                message = f"samples[{index}]: there is no device {owner}"
                raise UnknownDeviceError(message, device=str(owner)) from None
        raise


async def _page_of_devices(call: Call[q.ListDevices]) -> tuple[list[Device], int | None]:
    devices = await devices_of(call, call.request.plant)
    return page(devices, call.request.limit, lambda device: device.id, call.request.after)


async def _check_place(call: Call[Any], device: Device) -> None:  # any: either call that saves a device
    """Raise when the plant, or the gateway within it, is none that the caller sees."""
    plant = await plant_of(call, device.plant_id)
    if device.gateway_id is not None:
        beside = {other.id for other in await call.hub.devices(call.caller, [plant.id])}
        if device.gateway_id not in beside - {device.id}:
            raise BadRequestError(f"plant {plant.id} has no other device {device.gateway_id}", field="gateway")


def _created(entry: w.PlantEntry | w.DeviceEntry, location: str) -> Reply:
    return Reply(msgspec.json.encode(entry), 201, {"Location": location})


HANDLERS = (
    handle(op.LIST_PLANTS, list_plants), handle(op.GET_PLANT, get_plant),
    handle(op.CREATE_PLANT, create_plant), handle(op.REPLACE_PLANT, replace_plant),
    handle(op.LIST_DEVICES, list_devices), handle(op.GET_DEVICE, get_device),
    handle(op.CREATE_DEVICE, create_device), handle(op.REPLACE_DEVICE, replace_device),
    handle(op.SEND_SAMPLES, send_samples), handle(op.SEND_DEVICE_SAMPLES, send_device_samples),
    handle(op.GET_DEVICE_LATEST, get_device_latest), handle(op.LIST_LATEST, list_latest),
    handle(op.GET_HISTORY, get_history),
    handle(op.GET_PLANT_ENERGY, get_plant_energy), handle(op.GET_DEVICE_ENERGY, get_device_energy),
    handle(op.GET_PLANT_KPIS, get_plant_kpis), handle(op.LIST_GAPS, list_gaps),
    handle(op.LIST_ALARMS, list_alarms), handle(op.REPORT_ALARMS, report_alarms), handle(op.HANDLE_ALARM, handle_alarm),
    handle(op.GET_SETTINGS, get_settings),
    handle(op.LIST_COMMANDS, list_commands), handle(op.GET_COMMAND, get_command),
    handle(op.SEND_COMMAND, send_command), handle(op.CANCEL_COMMAND, cancel_command),
    handle(op.GET_DECLARED, get_declared), handle(op.DECLARE_ENERGY, declare_energy),
    handle(op.LIST_MEASUREMENTS, list_measurements), handle(op.WHO_AM_I, who_am_i), handle(op.GET_OPENAPI, get_openapi),
)  # fmt: skip


def serve(hub: Hub) -> Facade:
    """The server half for one hub. It keeps nothing of its own: a token is looked up at every call."""
    return Facade(authenticate, HANDLERS)
