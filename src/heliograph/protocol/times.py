"""Times on the wire: parsing and formatting, one declaration for both directions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from heliograph.clock import from_local, instant_ms, local
from heliograph.errors import BadRequestError

_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?\Z")
_FIRST_MS, _LAST_MS = -62_000_000_000_000, 253_370_764_800_000  # the years 5 to 9998: what datetime holds in any zone


def parse_local(text: str, tz: ZoneInfo, *, field: str, now_ms: int | None = None) -> int:
    """The instant of `YYYY-MM-DD HH:MM:SS` in the plant's zone. [ms since 1970, UTC]

    Raises BadRequestError for anything else. See `clock.from_local` for skipped and repeated times.
    """
    if not _LOCAL.match(text):
        raise BadRequestError(f"{field} must read YYYY-MM-DD HH:MM:SS, not {text[:40]!r}", field=field)
    try:
        at_ms = from_local(datetime.fromisoformat(text), tz, now_ms)
    except (ValueError, OverflowError) as error:
        raise BadRequestError(f"{field} {text[:40]!r} is not a time", field=field) from error
    return _held(at_ms, field)


def _held(at_ms: int, field: str) -> int:
    """An instant. Raises BadRequestError when no calendar holds it in every zone."""
    if not _FIRST_MS <= at_ms <= _LAST_MS:
        raise BadRequestError(f"{field} is no time a calendar holds", field=field)
    return at_ms


def format_local(at_ms: int, tz: ZoneInfo) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the plant's zone."""
    return local(at_ms, tz).strftime("%Y-%m-%d %H:%M:%S")


def parse_epoch_ms(value: int | float | str, *, field: str) -> int:
    """Milliseconds since 1970 from a number or numeric text.

    Raises BadRequestError for anything else, or beyond the years 5 to 9998.
    """
    try:
        at_ms = int(value)
    except (ValueError, OverflowError) as error:
        raise BadRequestError(f"{field} must be milliseconds since 1970", field=field) from error
    return _held(at_ms, field)


def parse_instant(text: str, tz: ZoneInfo, *, field: str) -> int:
    """The instant of an ISO 8601 text, or of milliseconds since 1970; without an offset it is the zone's wall time.

    Raises BadRequestError for anything else.
    """
    if text.lstrip("-").isdigit():
        return parse_epoch_ms(text, field=field)
    try:
        at = datetime.fromisoformat(text)
        at_ms = from_local(at, tz) if at.tzinfo is None else instant_ms(at.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise BadRequestError(
            f"{field} must be ISO 8601 or milliseconds since 1970, not {text[:40]!r}", field=field
        ) from error
    return _held(at_ms, field)


def format_instant(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at.year:04d}-{at:%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def parse_date(text: str, *, field: str) -> date:
    """A calendar date `YYYY-MM-DD`. Raises BadRequestError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequestError(f"{field} must read YYYY-MM-DD, not {text[:40]!r}", field=field) from error
