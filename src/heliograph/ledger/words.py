"""What a call says: the days and numbers in its bytes, to hold the entries that were made of it against. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from heliograph.model.ledger import Entry


class Words:
    """The days and numbers of a call."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._days: dict[str, list[set[Decimal]]] = {}
        self._numbers: set[Decimal] = set()
        try:
            # Numbers stay the digits that they are.
            self._read(json.loads(body, parse_float=str, parse_int=str))
            self._plain = False
        except (ValueError, RecursionError):
            self._plain = True

    def _read(self, value: Any) -> None:  # any: JSON
        for record in _records(value):
            texts = [text for text in record if isinstance(text, str)]
            numbers = {number for text in texts if (number := _number(text)) is not None}
            self._numbers |= numbers
            for text in texts:
                self._days.setdefault(text.strip()[: len("2023-05-01")], []).append(numbers)

    def say(self, entry: Entry) -> bool:
        """Whether the call says what an entry says: for a day within one record, for a month anywhere.

        A call that is no JSON must hold the digits.
        """
        texts = [entry.period_kwh, *([] if entry.accumulated_kwh is None else [entry.accumulated_kwh])]
        daily = len(entry.on) == len("2023-05-01")
        if self._plain:
            return all(text.encode() in self._body for text in (*texts, *([entry.on] if daily else [])))
        wanted = {_number(text) for text in texts}
        return any(wanted <= numbers for numbers in (self._days.get(entry.on, []) if daily else [self._numbers]))


def _records(value: Any) -> Iterator[list[Any]]:  # any: JSON
    """The values of each object in a JSON value."""
    if isinstance(value, dict):
        yield list(value.values())
        value = value.values()
    elif not isinstance(value, list):
        return
    for part in value:
        yield from _records(part)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
