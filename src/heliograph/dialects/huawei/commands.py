"""Commands to devices: upgrade them, see how that stands, switch them on and off. (2.14, 2.15)

A command is delivered once the journal has it; the device itself is heard of later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heliograph.dialects.huawei.codes import (
    NO_PACKAGE,
    NO_UPGRADE_FILE,
    NO_UPGRADES,
    SERVER,
    UNKNOWN_DEVICE,
    UNSUPPORTED_TYPE,
    WRONG_SWITCH,
    refuse,
)
from heliograph.dialects.huawei.fields import INVERTER_TYPES, UPGRADED_TYPES
from heliograph.dialects.huawei.lookup import asked_type, device_numbers, known_devices, whole
from heliograph.dialects.huawei.operations import LIST_UPGRADES, SWITCH_DEVICES, UPGRADE_DEVICES
from heliograph.dialects.huawei.wire import Deliveries, Delivery, UpgradeEntry, UpgradeList
from heliograph.errors import (
    ConflictError,
    DeviceFileError,
    NotFoundError,
    StoreError,
    UnknownDeviceError,
    UnsupportedError,
)
from heliograph.model.commands import SWITCH, TIMEOUT, UPGRADE, Command, CommandState
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from heliograph.dialects.huawei.lookup import NamedDevice
    from heliograph.dialects.huawei.wire import DeviceQuery, SwitchQuery
    from heliograph.errors import HubError
    from heliograph.model.devices import Device
    from heliograph.protocol.codes import Code

LIFETIME_S = 600
"""How long a command may wait for its device before it is given up. [s]"""
ON, OFF = 1, 2
NOT_STARTED, SUCCESS, FAILURE, CANCELED, UPGRADING, TIMED_OUT = range(6)
"""`upgradeResult`. (2.15)"""
RESULTS = {
    CommandState.ACCEPTED: NOT_STARTED,
    CommandState.SENT: UPGRADING,
    CommandState.UNKNOWN: UPGRADING,
    CommandState.CONFIRMED: SUCCESS,
    CommandState.REFUSED: FAILURE,
    CommandState.FAILED: FAILURE,
    CommandState.CANCELLED: CANCELED,
    CommandState.EXPIRED: TIMED_OUT,
}
_FAILURES: dict[type[HubError], Code] = {
    DeviceFileError: NO_UPGRADE_FILE,
    UnknownDeviceError: UNKNOWN_DEVICE,
    NotFoundError: NO_PACKAGE,
    UnsupportedError: UNSUPPORTED_TYPE,
    StoreError: SERVER,
}


async def _deliver(devices: Sequence[NamedDevice], send: Callable[[Device], Awaitable[None]]) -> Deliveries:
    """Send a command to each device, and tell of each how that went. Raises VendorError when nothing can be kept."""
    rows: list[Delivery] = []
    for each in devices:
        code = 0
        try:
            await send(each.device)
        except tuple(_FAILURES) as error:
            code = next(int(found.value) for kind, found in _FAILURES.items() if isinstance(error, kind))
        rows.append(Delivery(each.number, code == 0, code))
    if all(row.code == SERVER.value for row in rows):
        raise refuse(SERVER)
    return Deliveries(rows)


async def _upgrades(call: Call[Any], devices: Sequence[NamedDevice]) -> dict[int, Command]:
    """The newest upgrade of each device that has one."""
    newest: dict[int, Command] = {}
    for command in await call.hub.commands.list(call.caller, [each.device.id for each in devices], UPGRADE):
        newest.setdefault(command.device_id, command)
    return newest


async def _asked(call: Call[DeviceQuery]) -> list[NamedDevice]:
    numbers = device_numbers(call)
    return await known_devices(call, numbers, asked_type(call.request.type_id, UPGRADED_TYPES))


async def upgrade_devices(call: Call[DeviceQuery]) -> Deliveries:
    """Upgrade devices to the newest version there is for them. One that is being upgraded gets no second command.

    Raises VendorError; what is wrong with one device alone stands in its row. (2.14)
    """
    devices = await _asked(call)
    newest = await _upgrades(call, devices)

    async def send(device: Device) -> None:
        last = newest.get(device.id)
        if last is not None and not last.settled:
            return
        package = await call.hub.commands.firmware_for(call.caller, device.id)
        arguments = {"version": package.version, "sha256": package.sha256, "from": device.firmware}
        # Of two requests at the same time only one finds this key free.
        key = f"huawei upgrade {device.id} after {0 if last is None else last.id}"
        try:
            await call.hub.commands.submit(
                call.caller, device.id, UPGRADE, arguments, key=key, lifetime_s=LIFETIME_S
            )  # fmt: skip
        except ConflictError:
            return

    return await _deliver(devices, send)


def result_of(command: Command) -> int:
    """The `upgradeResult` of a command."""
    return TIMED_OUT if command.code == TIMEOUT else RESULTS[command.state]


async def list_upgrades(call: Call[DeviceQuery]) -> UpgradeList:
    """The newest upgrade of each device that has one. Raises VendorError when none has. (2.15)"""
    devices = await _asked(call)
    newest = await _upgrades(call, devices)
    if not newest:
        raise refuse(NO_UPGRADES)
    found = [(each.number, newest[each.device.id]) for each in devices if each.device.id in newest]
    return UpgradeList(
        [
            UpgradeEntry(
                device=number,
                at_ms=command.accepted_at_ms,
                source=str(command.arguments["from"]),
                target=str(command.arguments["version"]),
                progress=float(command.progress),
                outcome=result_of(command),
            )
            for number, command in found
        ]
    )


async def switch_devices(call: Call[SwitchQuery]) -> Deliveries:
    """Switch inverters on or off. Raises VendorError; what is wrong with one device alone stands in its row."""
    numbers = device_numbers(call)
    wanted = asked_type(call.request.type_id, INVERTER_TYPES)
    control = whole(call.request.control)
    if control not in (ON, OFF):
        raise refuse(WRONG_SWITCH)
    devices = await known_devices(call, numbers, wanted)

    async def send(device: Device) -> None:
        await call.hub.commands.submit(call.caller, device.id, SWITCH, {"on": control == ON}, lifetime_s=LIFETIME_S)

    return await _deliver(devices, send)


HANDLERS: tuple[Handler, ...] = (
    handle(UPGRADE_DEVICES, upgrade_devices),
    handle(LIST_UPGRADES, list_upgrades),
    handle(SWITCH_DEVICES, switch_devices),
)
