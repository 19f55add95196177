"""Alarms on disk."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from heliograph.model.alarms import Alarm
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database


class Alarms:
    """Reads and writes alarms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def put(rows: Rows, alarms: Sequence[Alarm]) -> int:
        """Keep alarms, inside a transaction; returns how many were new."""
        new = 0
        for alarm in alarms:
            key = (alarm.device_id, alarm.raised_at_ms, alarm.code)
            body = msgspec.msgpack.encode(alarm)
            new += rows.execute(
                "INSERT OR IGNORE INTO alarm (device, raised, code, cleared, body) VALUES (?, ?, ?, ?, ?)",
                (*key, alarm.cleared_at_ms, body),
            ).rowcount
            rows.execute(
                "UPDATE alarm SET cleared = ?, body = ? WHERE device = ? AND raised = ? AND code = ?",
                (alarm.cleared_at_ms, body, *key),
            )
        return new

    def find(
        self, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """The alarms of devices raised within a span, oldest first."""
        found: list[Alarm] = []
        for device_id in device_ids:
            rows = self._database.query(
                "SELECT body FROM alarm WHERE device = ? AND raised >= ? AND raised < ?",
                (device_id, since_ms, until_ms),
            )
            found.extend(msgspec.msgpack.decode(body, type=Alarm) for (body,) in rows)
        kept = [alarm for alarm in found if not active_only or alarm.cleared_at_ms is None]
        return sorted(kept, key=lambda alarm: (alarm.raised_at_ms, alarm.device_id))
