"""Alarms in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dialects.fake_figures import NOW_MS
from tests.dialects.fake_hub import FakeHub

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heliograph.model.access import Caller
    from heliograph.model.alarms import Alarm


def alarms_raised(
    alarms: Iterable[Alarm], device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool
) -> list[Alarm]:
    """The alarms of devices that were raised within the span, in the order given."""
    return [
        alarm
        for alarm in alarms
        if alarm.device_id in device_ids
        and since_ms <= alarm.raised_at_ms < until_ms
        and not (active_only and alarm.cleared_at_ms is not None)
    ]


class AlarmedHub(FakeHub):
    """A hub with the alarms that the test has set."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        super().__init__(now_ms)
        self.all_alarms: list[Alarm] = []

    async def alarms(
        self, caller: Caller, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """What `alarms_raised` says, oldest first."""
        oldest_first = sorted(self.all_alarms, key=lambda one: one.raised_at_ms)
        return alarms_raised(oldest_first, device_ids, since_ms, until_ms, active_only=active_only)
