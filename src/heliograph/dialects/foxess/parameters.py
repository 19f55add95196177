"""Reading parameters: numbers as text, text as numbers, lists as text. What is wrong is told by its name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from heliograph.errors import BadRequestError, MissingFieldError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.dialects.foxess.wire import Param

MOST_NAMES = 1000
"""Variables that one call may name."""


def text(value: Param, field: str, *, needed: bool = True) -> str:
    """A text. Raises BadRequestError when it is something else, MissingFieldError when it is empty but needed."""
    if isinstance(value, bool | list | dict):
        raise BadRequestError(f"{field} must be text", field=field)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = "" if value is None else str(value).strip()
    if needed and not found:
        raise MissingFieldError(f"{field} is missing", field=field)
    return found


def number(value: Param, field: str, least: float = -math.inf, most: float = math.inf) -> float:
    """A number within bounds. Raises BadRequestError, MissingFieldError."""
    if value is None or value == "":
        raise MissingFieldError(f"{field} is missing", field=field)
    try:
        found = math.nan if isinstance(value, bool | list | dict) else float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise BadRequestError(f"{field} must be a number", field=field)
    if not least <= found <= most:
        raise BadRequestError(f"{field} must lie between {least:.12g} and {most:.12g}", field=field)
    return found


def whole(value: Param, field: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises BadRequestError, MissingFieldError."""
    found = number(value, field, least, most)
    if not found.is_integer():
        raise BadRequestError(f"{field} must be a whole number", field=field)
    return int(found)


def serial(*values: Param, needed: bool = True) -> str:
    """The serial number of a device under the first of its names that is there. Raises BadRequestError."""
    found = (text(value, "sn", needed=False) for value in values)
    first = next((each for each in found if each), "")
    if needed and not first:
        raise MissingFieldError("sn is missing", field="sn")
    return first


def names(value: Param, field: str) -> tuple[str, ...]:
    """A list of texts, each once; also as JSON in a text, or with commas between. Raises BadRequestError."""
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadRequestError(f"{field} must be a list of texts", field=field) from error
    if isinstance(value, str):
        value = value.split(",")
    parts: Sequence[Param] = value if isinstance(value, list) else [] if value is None else [value]
    found = tuple(dict.fromkeys(one for part in parts if (one := text(part, field, needed=False))))
    if len(found) > MOST_NAMES:
        raise BadRequestError(f"{field} has more than {MOST_NAMES} entries", field=field)
    return found
