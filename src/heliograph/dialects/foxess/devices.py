"""Lists of inverters, data loggers and meters, and one inverter in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from heliograph.clock import MINUTE_MS
from heliograph.dialects.foxess import parameters
from heliograph.dialects.foxess.lookup import PLANTS, Rig, Sight, asked_rig, capacity_wh, rated_w, rigs, serials, sight
from heliograph.dialects.foxess.operations import (
    DEVICE_DETAIL,
    DEVICE_DETAIL_V1,
    LEAST_ROWS,
    LIST_DEVICES,
    LIST_METERS,
    LIST_MODULES,
    MOST_ROWS,
)
from heliograph.dialects.foxess.wire import (
    Battery,
    DeviceDetail,
    DeviceDetailResult,
    DeviceEntry,
    DevicePage,
    Functions,
    MeterEntry,
    MeterPage,
    ModuleEntry,
    ModulePage,
    Page,
    PageQuery,
    SerialQuery,
)
from heliograph.model.alarms import Severity
from heliograph.model.devices import INVERTERS, METERS, Device, DeviceKind
from heliograph.model.measurements import BATTERY_SOC, DEVICE_ONLINE, GATEWAY_SIGNAL
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.model.samples import Latest

D = TypeVar("D")

ONLINE, FAULT, OFFLINE = 1, 2, 3
MODULE_ONLINE, MODULE_OFFLINE = 1, 2
SILENCE_MS = 15 * MINUTE_MS
"""A device that was not heard for so long, and for three of its intervals, is offline. [ms]"""
_LATEST_PAGE = 1_000_000_000
_CALLED = {
    DeviceKind.INVERTER: "Inverter",
    DeviceKind.CENTRAL_INVERTER: "Central inverter",
    DeviceKind.HYBRID_INVERTER: "Hybrid inverter",
    DeviceKind.MICRO_INVERTER: "Micro inverter",
}
"""The model of an inverter of which none is known."""


def asked_page(query: PageQuery) -> tuple[int, int]:
    """Number and size of a page; the first, and the least rows, unless told. Raises BadRequestError."""
    page = 1 if query.page in (None, "") else parameters.whole(query.page, "currentPage", 1, _LATEST_PAGE)
    size = LEAST_ROWS
    if query.size not in (None, ""):
        size = min(parameters.whole(query.size, "pageSize", LEAST_ROWS, _LATEST_PAGE), MOST_ROWS)
    return page, size


def cut(found: Sequence[D], page: int, size: int) -> Sequence[D]:
    """The rows of a page."""
    return found[(page - 1) * size : page * size]


def heard(device: Device, latest: Latest, now_ms: int) -> bool:
    """Whether a device is online: heard of lately, and its last word on it was not that it is offline."""
    if latest.at_ms is None or now_ms - latest.at_ms > max(SILENCE_MS, 3 * device.interval_s * 1000):
        return False
    reading = latest.readings.get(DEVICE_ONLINE.key)
    return reading is None or reading.value != 0


async def _newest(call: Call[Any], devices: Sequence[Device]) -> dict[int, Latest]:
    ids = [device.id for device in devices]
    return dict(zip(ids, await call.hub.latest(call.caller, ids), strict=True))


async def _statuses(call: Call[Any], devices: Sequence[Device], newest: dict[int, Latest]) -> dict[int, int]:
    """The status of devices: a fault is an open alarm of the two worst severities."""
    found = {device.id: ONLINE if heard(device, newest[device.id], call.now_ms) else OFFLINE for device in devices}
    alive = [device_id for device_id, status in found.items() if status == ONLINE]
    for alarm in await call.hub.alarms(call.caller, alive, 0, call.now_ms + 1, active_only=True):
        if alarm.open and alarm.severity <= Severity.MAJOR:
            found[alarm.device_id] = FAULT
    return found


async def _plant_ids(call: Call[Any], devices: Sequence[Device]) -> dict[int, str]:
    ids = sorted({device.plant_id for device in devices})
    return dict(zip(ids, await call.hub.wire_ids(PLANTS, ids), strict=True))


async def module_names(call: Call[Any], devices: Sequence[Device], seen: Sight) -> list[str]:
    """The data logger that each device sends through; empty where there is none."""
    gateways = {device.id: device for device in seen.kinds([DeviceKind.GATEWAY])}
    used = list({g: gateways[g] for device in devices if (g := device.gateway_id) in gateways}.values())
    names = dict(zip([gateway.id for gateway in used], await serials(call, used), strict=True))
    return ["" if device.gateway_id is None else names.get(device.gateway_id, "") for device in devices]


def _model(device: Device) -> tuple[str, str]:
    """Model and series of an inverter; both are always there."""
    model = device.model.strip() or _CALLED[device.kind]
    return model, model.split("-")[0].strip() or model


def _has_battery(rig: Rig, latest: Latest) -> bool:
    return bool(rig.batteries) or BATTERY_SOC.key in latest.readings


async def _entries(call: Call[Any], found: Sequence[Rig], seen: Sight) -> list[DeviceEntry]:
    devices = [rig.device for rig in found]
    newest = await _newest(call, devices)
    statuses = await _statuses(call, devices, newest)
    plant_ids = await _plant_ids(call, devices)
    modules = await module_names(call, devices, seen)
    rows: list[DeviceEntry] = []
    for rig, module in zip(found, modules, strict=True):
        model, series = _model(rig.device)
        rows.append(
            DeviceEntry(
                serial=rig.serial,
                module=module,
                plant=plant_ids[rig.plant.id],
                plant_name=rig.plant.name,
                status=statuses[rig.device.id],
                has_pv=True,
                has_battery=_has_battery(rig, newest[rig.device.id]),
                type=model,
                product=series,
            )
        )
    return rows


async def list_devices(call: Call[PageQuery]) -> DevicePage:
    """The inverters that the caller sees, of any kind and maker, by pages."""
    page, size = asked_page(call.request)
    seen = await sight(call)
    found = seen.kinds(INVERTERS)
    rows = await _entries(call, await rigs(call, cut(found, page, size)), seen)
    return DevicePage(Page(page=page, size=size, total=len(found), rows=rows))


def kilowatts(watts: float | None) -> int | float:
    """A rating in kW, whole where it is; 0 where it is not known."""
    found = round((watts or 0.0) / 1000.0, 3)
    return int(found) if found.is_integer() else found


def _battery(serial: str, device: Device, place: int) -> Battery:
    holds = capacity_wh([device]) or 0.0
    number = int(holds) if holds.is_integer() else holds
    return Battery(serial, "bcu" if place == 0 else "bmu", device.firmware, device.model, str(number), number)


async def device_detail(call: Call[SerialQuery]) -> DeviceDetailResult:
    """One inverter: versions, functions, and the batteries that are wired to it."""
    rig = await asked_rig(call, parameters.serial(call.request.serial, call.request.same))
    seen = await sight(call, [rig.plant.id])
    (entry,) = await _entries(call, [rig], seen)
    names = await serials(call, rig.batteries)
    gateways = {device.id: device for device in seen.kinds([DeviceKind.GATEWAY])}
    gateway = gateways.get(rig.device.gateway_id or 0)
    return DeviceDetailResult(
        DeviceDetail(
            serial=entry.serial,
            module=entry.module,
            plant=entry.plant,
            plant_name=entry.plant_name,
            afci="",
            manager=gateway.firmware if gateway is not None else "",
            master=rig.device.firmware,
            slave="",
            hardware="",
            status=entry.status,
            capacity=kilowatts(rated_w(rig.device)),
            functions=Functions(rig.device.kind is DeviceKind.HYBRID_INVERTER),
            batteries=[
                _battery(name, device, place)
                for place, (name, device) in enumerate(zip(names, rig.batteries, strict=True))
            ],
            has_pv=entry.has_pv,
            has_battery=entry.has_battery,
            type=entry.type,
            product=entry.product,
        )
    )


async def list_modules(call: Call[PageQuery]) -> ModulePage:
    """The data loggers that the caller sees, by pages: online while they or a device behind them are heard."""
    page, size = asked_page(call.request)
    seen = await sight(call)
    found = seen.kinds([DeviceKind.GATEWAY])
    shown = cut(found, page, size)
    ids = {gateway.id for gateway in shown}
    behind = [device for device in seen.devices if device.id in ids or device.gateway_id in ids]
    newest = await _newest(call, behind)
    alive: set[int | None] = set()
    for device in behind:
        if heard(device, newest[device.id], call.now_ms):
            alive |= {device.id, device.gateway_id}
    plant_ids = await _plant_ids(call, shown)
    rows = [
        ModuleEntry(
            serial=name,
            plant=plant_ids[gateway.plant_id],
            status=MODULE_ONLINE if gateway.id in alive else MODULE_OFFLINE,
            signal=_signal(newest[gateway.id]),
            plant_name=seen.plants[gateway.plant_id].name,
        )
        for name, gateway in zip(await serials(call, shown), shown, strict=True)
    ]
    return ModulePage(Page(page=page, size=size, total=len(found), rows=rows))


def _signal(latest: Latest) -> int:
    """The strength of a data logger's signal; 0 where it does not tell, for clients expect a number. [%]"""
    reading = latest.readings.get(GATEWAY_SIGNAL.key)
    known = reading is not None and isinstance(reading.value, float | int) and reading.value == reading.value
    return min(max(round(float(reading.value)), 0), 100) if reading is not None and known else 0


async def list_meters(call: Call[PageQuery]) -> MeterPage:
    """The meters that the caller sees, by pages."""
    page, size = asked_page(call.request)
    seen = await sight(call)
    found = seen.kinds(METERS)
    shown = cut(found, page, size)
    statuses = await _statuses(call, shown, await _newest(call, shown))
    plant_ids = await _plant_ids(call, shown)
    rows = [
        MeterEntry(name, plant_ids[meter.plant_id], seen.plants[meter.plant_id].name, statuses[meter.id])
        for name, meter in zip(await serials(call, shown), shown, strict=True)
    ]
    return MeterPage(Page(page=page, size=size, total=len(found), rows=rows))


HANDLERS: tuple[Handler, ...] = (
    handle(LIST_DEVICES, list_devices),
    *(handle(operation, device_detail) for operation in (DEVICE_DETAIL, DEVICE_DETAIL_V1)),
    handle(LIST_MODULES, list_modules),
    handle(LIST_METERS, list_meters),
)
