"""Alarms on disk."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from heliograph.errors import ConflictError, NotFoundError
from heliograph.model.alarms import NEXT_STATUSES, Alarm, AlarmStatus
from heliograph.store.base import Rows
from heliograph.store.sqlite import Database


class Alarms:
    """Reads and writes alarms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @staticmethod
    def put(rows: Rows, alarms: Sequence[Alarm]) -> int:
        """Keep alarms as their devices tell them, inside a transaction; returns how many were new.

        What people did about an alarm that is known already stays.
        """
        new = 0
        for alarm in alarms:
            told = alarm
            if alarm.cleared_at_ms is not None and alarm.open:
                told = msgspec.structs.replace(alarm, status=AlarmStatus.CLEARED)
            held = _read(rows, alarm.device_id, alarm.raised_at_ms, alarm.code)
            new += held is None
            _write(rows, told if held is None else held.merged(told))
        return new

    @staticmethod
    def handle(rows: Rows, device_id: int, code: str, raised_at_ms: int, status: AlarmStatus, now_ms: int) -> Alarm:
        """Move an alarm on to another status, inside a transaction.

        Raises NotFoundError, and ConflictError for a status that does not follow.
        """
        held = _read(rows, device_id, raised_at_ms, code)
        if held is None:
            raise NotFoundError(f"device {device_id} has no alarm {code} of that time")
        if status not in NEXT_STATUSES[held.status]:
            words = held.status.name.lower(), status.name.lower()
            raise ConflictError(f"an alarm that is {words[0]} cannot become {words[1]}")
        cleared_at_ms = max(now_ms, raised_at_ms) if status >= AlarmStatus.CLEARED_BY_USER else None
        moved = msgspec.structs.replace(held, status=status, cleared_at_ms=cleared_at_ms)
        _write(rows, moved)
        return moved

    def find(
        self, device_ids: Sequence[int], since_ms: int, until_ms: int, *, active_only: bool = False
    ) -> list[Alarm]:
        """The alarms of devices raised within a span, oldest first."""
        found: list[Alarm] = []
        only = " AND cleared IS NULL" if active_only else ""
        for device_id in device_ids:
            rows = self._database.query(
                f"SELECT body FROM alarm WHERE device = ? AND raised >= ? AND raised < ?{only}",  # noqa: S608
                (device_id, since_ms, until_ms),
            )
            found.extend(_decode(body) for (body,) in rows)
        return sorted(found, key=lambda alarm: (alarm.raised_at_ms, alarm.device_id, alarm.code))

    def troubled(self, code: str) -> list[int]:
        """The devices with an alarm of a code that is not cleared."""
        rows = self._database.query("SELECT DISTINCT device FROM alarm WHERE cleared IS NULL AND code = ?", (code,))
        return [device for (device,) in rows]

    def open(self, device_id: int, code: str) -> list[Alarm]:
        """The alarms of a device and a code that are not cleared, oldest first."""
        rows = self._database.query(
            "SELECT body FROM alarm WHERE device = ? AND cleared IS NULL AND code = ? ORDER BY raised",
            (device_id, code),
        )
        return [_decode(body) for (body,) in rows]

    def newest(self, device_id: int, *, watched: bool) -> list[Alarm]:
        """The newest alarm of each code of a device, of those that the hub found itself or of the others."""
        rows = self._database.query("SELECT body FROM alarm WHERE device = ? ORDER BY raised", (device_id,))
        found = (_decode(body) for (body,) in rows)
        return list({alarm.code: alarm for alarm in found if alarm.watched is watched}.values())


def _decode(body: bytes) -> Alarm:
    """An alarm as it lies on the disk; one from before there were statuses has that of its end."""
    alarm = msgspec.msgpack.decode(body, type=Alarm)
    if alarm.cleared_at_ms is not None and alarm.open:
        return msgspec.structs.replace(alarm, status=AlarmStatus.CLEARED)
    return alarm


def _read(rows: Rows, device_id: int, raised_at_ms: int, code: str) -> Alarm | None:
    found = rows.execute(
        "SELECT body FROM alarm WHERE device = ? AND raised = ? AND code = ?", (device_id, raised_at_ms, code)
    ).fetchone()
    return _decode(found[0]) if found else None


def _write(rows: Rows, alarm: Alarm) -> None:
    rows.execute(
        "INSERT OR REPLACE INTO alarm (device, raised, code, cleared, body) VALUES (?, ?, ?, ?, ?)",
        (alarm.device_id, alarm.raised_at_ms, alarm.code, alarm.cleared_at_ms, msgspec.msgpack.encode(alarm)),
    )
