"""Times as answers show them: the plant's wall time with the zone's name and offset, `2024-09-11 21:00:57 BST+0100`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo


def stamp(at_ms: int, tz: ZoneInfo) -> str:
    """An instant in the plant's zone. A zone whose name is but a number is called UTC with its offset."""
    at = datetime.fromtimestamp(at_ms // 1000, tz)
    return f"{at:%Y-%m-%d %H:%M:%S} {_zone(at)}"


def stamps(at_ms: Iterable[int], tz: ZoneInfo) -> list[str]:
    """Instants in the plant's zone."""
    return [stamp(at, tz) for at in at_ms]


def _zone(at: datetime) -> str:
    name = at.tzname() or ""
    return f"{name if name.isalpha() else 'UTC'}{at:%z}"
