"""Commands to devices: giving them, following them, taking them back."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from heliograph.dialects.native.lookups import device_of, page
from heliograph.dialects.native.operations import IDEMPOTENCY_KEY, PREFIX
from heliograph.dialects.native.queries import CancelCommand, ListCommands, OneCommand, ReadSettings, SendCommand
from heliograph.dialects.native.results import CommandEntry, Commands, DeviceSettings, SettingEntry
from heliograph.dialects.native.wire import StateWord
from heliograph.errors import BadRequestError, ConflictError
from heliograph.model.commands import SWITCH, UPGRADE, Argument, Command, CommandState
from heliograph.model.devices import Device
from heliograph.model.settings import WRITE
from heliograph.protocol.operations import Call, Reply
from heliograph.protocol.times import format_instant

NAMES = (SWITCH, UPGRADE, WRITE)
MOST_KEY = 200
STATES: dict[CommandState, StateWord] = {
    CommandState.ACCEPTED: "accepted", CommandState.SENT: "sent", CommandState.CONFIRMED: "confirmed",
    CommandState.REFUSED: "refused", CommandState.UNKNOWN: "unknown", CommandState.FAILED: "failed",
    CommandState.EXPIRED: "expired", CommandState.CANCELLED: "cancelled",
}  # fmt: skip
Arguments = Mapping[str, Argument]


async def get_settings(call: Call[ReadSettings]) -> DeviceSettings:
    """What a device is set to now."""
    device = await device_of(call, call.request.device)
    held = await call.hub.commands.settings(call.caller, device.id)
    return DeviceSettings(
        device.id,
        [
            SettingEntry(
                key=key,
                value=held[key].value,
                unit=held[key].unit,
                minimum=held[key].minimum,
                maximum=held[key].maximum,
                precision=held[key].precision,
                choices=list(held[key].choices),
                fixed=held[key].fixed,
            )
            for key in sorted(held)
        ],
    )


async def list_commands(call: Call[ListCommands]) -> Commands | Reply:
    """A page of the commands of a device, newest first."""
    request = call.request
    device = await device_of(call, request.device)
    found = await call.hub.commands.list(call.caller, [device.id], request.name)
    before = -request.after if request.after else -(2**63)
    some, following = page(found, request.limit, lambda command: -command.id, before)
    return Commands([command_entry(command) for command in some], None if following is None else -following)


async def get_command(call: Call[OneCommand]) -> CommandEntry | Reply:
    """One command, at its end if that comes within the time to wait."""
    command = await call.hub.commands.get(call.caller, call.request.command)
    return command_entry(await _waited(call, command, call.request.wait_s))


async def send_command(call: Call[SendCommand]) -> CommandEntry | Reply:
    """Accept a command, and wait for its end as long as the caller wants to."""
    device, body = await device_of(call, call.request.device), call.request.body
    key = _key(body.key, call.http.headers.get(IDEMPOTENCY_KEY.lower()))
    command: Command | None = None
    if body.name == SWITCH:
        arguments = _switch(body.arguments)
    elif body.name == UPGRADE:
        command = await _upgrade_held(call, device, key, body.arguments)
        arguments = {} if command is not None else await _package(call, device, body.arguments)
    elif body.name == WRITE:
        # What it has and takes is for the device to say, at `submit`.
        arguments = body.arguments
    else:
        raise BadRequestError(f"there is no command {body.name!r}; there are {', '.join(NAMES)}", field="name")
    if command is None:
        command = await call.hub.commands.submit(call.caller, device.id, body.name, arguments, key=key)
    command = await _waited(call, command, body.wait_s)
    location = f"{PREFIX}/commands/{command.id}"
    return Reply(msgspec.json.encode(command_entry(command)), 201, {"Location": location})


async def cancel_command(call: Call[CancelCommand]) -> CommandEntry | Reply:
    """Take a command back before it is sent."""
    return command_entry(await call.hub.commands.cancel(call.caller, call.request.command))


def command_entry(command: Command) -> CommandEntry:
    """A command as it travels."""
    return CommandEntry(
        id=command.id,
        device=command.device_id,
        name=command.name,
        arguments=command.arguments,
        state=STATES[command.state],
        settled=command.settled,
        progress=command.progress,
        code=command.code,
        key=command.key,
        credential=command.credential_id,
        accepted_at=format_instant(command.accepted_at_ms),
        changed_at=format_instant(command.changed_at_ms),
        expires_at=format_instant(command.expires_at_ms),
    )


async def _waited(call: Call[OneCommand] | Call[SendCommand], command: Command, wait_s: float) -> Command:
    return await call.hub.commands.wait(command, wait_s) if wait_s > 0 else command


def _key(in_body: str | None, in_header: str | None) -> str:
    """The key of a command, empty for none. Raises BadRequestError for one that cannot be, and for two."""
    key = in_header
    if key is not None:
        key = key.strip().strip('"')  # quoted, as a structured field is, or plain
        if not (1 <= len(key) <= MOST_KEY and key.isascii()):
            raise BadRequestError(f"{IDEMPOTENCY_KEY} takes 1 to {MOST_KEY} ASCII characters", field=IDEMPOTENCY_KEY)
        if in_body not in (None, key):
            raise BadRequestError(f"key and {IDEMPOTENCY_KEY} say different things", field="key")
    return key or in_body or ""


def _switch(arguments: Arguments) -> Arguments:
    """The arguments of a switch. Raises BadRequestError unless they are `on` and nothing else."""
    if arguments.keys() != {"on"} or not isinstance(arguments["on"], bool):
        raise BadRequestError(f"{SWITCH} takes one argument, on, which is true or false", field="arguments")
    return arguments


async def _upgrade_held(call: Call[SendCommand], device: Device, key: str, given: Arguments) -> Command | None:
    """The upgrade that the key already stands for.

    It is looked up first, for after it there may be no newer package. Raises ConflictError when the key stands for
    another upgrade, or when one without this key is still under way.
    """
    for command in await call.hub.commands.list(call.caller, [device.id], UPGRADE):
        if key and (command.key, command.account_id) == (key, call.caller.account_id):
            if not given.items() <= command.arguments.items():
                raise ConflictError(f"the key {key!r} belongs to another command")
            return command
        if not command.settled:
            raise ConflictError(f"command {command.id} is upgrading device {device.id}")
    return None


async def _package(call: Call[SendCommand], device: Device, given: Arguments) -> Arguments:
    """The arguments of an upgrade: the newest package of the catalogue. What the caller names must be that.

    Raises NotFoundError and DeviceFileError as `firmware_for`, BadRequestError and ConflictError for what was named.
    """
    firmware = await call.hub.commands.firmware_for(call.caller, device.id)
    found: dict[str, Argument] = {
        "version": firmware.version, "sha256": firmware.sha256, "from": device.firmware
    }  # fmt: skip
    for name, value in given.items():
        if name not in found:
            raise BadRequestError(f"{UPGRADE} takes {', '.join(found)}, or nothing", field=f"arguments.{name[:100]}")
        if value != found[name]:
            raise ConflictError(f"{name} would be {found[name]!r}, not {str(value)[:100]!r}")
    return found
