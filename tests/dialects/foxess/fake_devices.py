"""Devices in memory that have settings, and take them as the test decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from heliograph.errors import BadRequestError, ConflictError, ForbiddenError, UnsupportedError
from heliograph.model import settings as s
from heliograph.model.commands import Argument, Command, CommandState
from heliograph.model.settings import Setting, Window
from tests.dialects.absent import AbsentCommands
from tests.dialects.fake_commands import accepted

if TYPE_CHECKING:
    from heliograph.errors import HubError
    from heliograph.model.access import Caller

MODES = ("self_use", "feed_in", "backup", "peak_shaving")
NO_WINDOWS = s.windows_text((Window(), Window()))
HYBRID = (
    Setting(key=s.MIN_SOC, value=10.0, unit="%", minimum=10.0, maximum=100.0),
    Setting(key=s.MIN_SOC_ON_GRID, value=15.0, unit="%", minimum=10.0, maximum=100.0),
    Setting(key=s.MAX_SOC, value=95.0, unit="%", minimum=10.0, maximum=100.0),
    Setting(key=s.PEAK_SOC, value=50.0, unit="%", minimum=10.0, maximum=100.0),
    Setting(key=s.EXPORT_LIMIT, value=30_000.0, unit="W", minimum=0.0, maximum=30_000.0),
    Setting(key=s.IMPORT_LIMIT, value=8_000.0, unit="W", minimum=0.0, maximum=30_000.0),
    Setting(key=s.WORK_MODE, value="self_use", choices=MODES),
    Setting(key=s.GRID_CODE, value="G98", choices=("G98", "G99")),
    Setting(key=s.CHARGE_WINDOWS, value=NO_WINDOWS),
    Setting(key=s.SCHEDULE_ON, value=False),
    Setting(key=s.SCHEDULE, value="[]"),
    Setting(key=s.CLOCK, value="2025-07-01 13:00:05"),
)
METER = (
    Setting(key=s.METER_MODE, value="Normal", choices=("Normal", "ExportLimit", "G100")),
    Setting(key=s.METER_FEED_IN, value=30_000.0, unit="W", minimum=0.0, maximum=30_000.0),
    Setting(key=s.METER_MAX_OUT, value=100.0, unit="A", minimum=0.0, maximum=200.0, precision=0.1),
    Setting(key=s.METER_MAX_IN, value=100.0, unit="A", minimum=0.0, maximum=200.0, precision=0.1),
    Setting(key=s.METER_OVER, value=262.2, unit="V", minimum=230.0, maximum=280.0, precision=0.1),
    Setting(key=s.METER_UNDER, value=184.0, unit="V", minimum=160.0, maximum=230.0, precision=0.1),
    Setting(key=s.METER_ON_OFF, value=500.0, unit="W", minimum=0.0, maximum=30_000.0),
    Setting(key=s.METER_DEVICES, value=1.0, minimum=0.0, maximum=10.0, fixed=True),
)


class FakeDevices(AbsentCommands):
    """Implements `protocol.hub.Commands`. `ends` says how commands end, `gone` why settings cannot be read."""

    def __init__(self) -> None:
        self.held: dict[int, dict[str, Setting]] = {}
        self.given: list[Command] = []
        self.waits: list[float] = []
        self.ends = CommandState.CONFIRMED
        self.left: CommandState | None = None
        """How a command has ended that cannot be taken back any more."""
        self.gone: HubError | None = None

    def equip(self, device_id: int, settings: Sequence[Setting]) -> None:
        """Give a device settings."""
        self.held[device_id] = {setting.key: setting for setting in settings}

    def put(self, device_id: int, key: str, value: s.Value) -> None:
        """Set a device to something."""
        self.held[device_id][key] = msgspec.structs.replace(self.held[device_id][key], value=value)

    def value(self, device_id: int, key: str) -> s.Value:
        """What a device is set to."""
        return self.held[device_id][key].value

    async def settings(self, caller: Caller, device_id: int) -> Mapping[str, Setting]:
        """See the contract."""
        if self.gone is not None:
            raise self.gone
        if device_id not in self.held:
            raise UnsupportedError(f"nothing carries commands to device {device_id}")
        return self.held[device_id]

    async def submit(
        self, caller: Caller, device_id: int, name: str, arguments: Mapping[str, Argument], *, key: str = "",
        lifetime_s: int = 600,
    ) -> Command:  # fmt: skip
        """See the contract; the values are those that a device takes, or the test fails."""
        assert name == s.WRITE
        if "control" not in caller.scopes:
            raise ForbiddenError("this needs the scope control")
        present = await self.settings(caller, device_id)
        for each, value in arguments.items():
            try:
                present[each].check(value)
            except BadRequestError as error:
                raise AssertionError(f"{each} should have been refused before") from error
        self.given.append(accepted(caller, len(self.given) + 1, device_id, name, arguments, lifetime_s=lifetime_s))
        return self.given[-1]

    async def wait(self, command: Command, timeout_s: float) -> Command:
        """See the contract: it ends as the test decided, and counts if it is confirmed."""
        self.waits.append(timeout_s)
        state = self.ends if len(self.waits) == 1 or self.left is None else self.left
        if state is CommandState.CONFIRMED:
            for key, value in command.arguments.items():
                self.put(command.device_id, key, value)
        return self._moved(command.id, state)

    async def cancel(self, caller: Caller, command_id: int) -> Command:
        """See the contract."""
        if self.left is not None:
            raise ConflictError("it was sent")
        return self._moved(command_id, CommandState.CANCELLED)

    def _moved(self, number: int, state: CommandState) -> Command:
        self.given[number - 1] = msgspec.structs.replace(self.given[number - 1], state=state)
        return self.given[number - 1]
