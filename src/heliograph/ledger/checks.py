"""Whether stated energies can be true. Pure: everything they are held against is an argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec

from heliograph.errors import Problem
from heliograph.model.ledger import Declared

NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
DAY, MONTH = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), re.compile(r"[0-9]{4}-[0-9]{2}")
EARLIEST = date(1980, 1, 1)
ON, PERIOD, ACCUMULATED = "on", "period_kwh", "accumulated_kwh"


class Limits(msgspec.Struct, frozen=True):
    """What a device's energies are held against: the plant's present day, and its rated power, or the plant's. [W]"""

    today: date
    capacity_w: float | None = None


class _Figure(msgspec.Struct, frozen=True):
    """An entry on its way through the checks; `index` is None for one that the ledger holds already."""

    index: int | None
    day: date
    following: date
    """The first day of the next period."""
    period: Decimal
    accumulated: Decimal
    known: bool
    """Whether the ledger says the same already."""


def same(entry: Declared, held: Declared | None) -> bool:
    """Whether an entry states what is held already; how many zeros were printed does not count."""
    if held is None or Decimal(entry.period_kwh) != Decimal(held.period_kwh):
        return False
    if entry.accumulated_kwh is None or held.accumulated_kwh is None:
        return entry.accumulated_kwh is held.accumulated_kwh
    return Decimal(entry.accumulated_kwh) == Decimal(held.accumulated_kwh)


def check(entries: Sequence[Declared], held: Mapping[str, Declared], limits: Limits, group: int = 0) -> list[Problem]:
    """Everything that is wrong with the entries of one device, in their order.

    `held` is what the ledger states at present around them. The accumulated figure of a day must be the one before
    plus the day's own, to the decimals that are printed, and never fall; a later day that the ledger holds must only
    not be less. Months are held against months. What the ledger says already was judged when it came.
    """
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    lines: dict[bool, dict[str, _Figure]] = {False: {}, True: {}}
    for entry in held.values():
        _put(lines, entry, _figure(entry, None, known=True))
    for index, entry in enumerate(entries):
        found = [Problem(index, field, message, group) for field, message in _alone(entry, held.get(entry.on), limits)]
        if entry.on in seen:
            message = f"{entry.on[:20]} is there twice, first in record {seen[entry.on]}"
            found.append(Problem(index, ON, message, group))
        seen.setdefault(entry.on, index)
        problems.extend(found)
        if not found:
            _put(lines, entry, _figure(entry, index, known=same(entry, held.get(entry.on))))
    for line in lines.values():
        ordered = [line[on] for on in sorted(line)]
        problems.extend(Problem(*found, group) for found in (*_together(ordered), *_first(ordered)))
    return sorted(problems, key=lambda problem: problem.place)


def _put(lines: dict[bool, dict[str, _Figure]], entry: Declared, figure: _Figure | None) -> None:
    """Put a figure in its line; an entry that tells no accumulated one stands in none."""
    line = lines[entry.monthly]
    line.pop(entry.on, None)
    if figure is not None:
        line[entry.on] = figure


def _alone(entry: Declared, held: Declared | None, limits: Limits) -> Iterator[tuple[str, str]]:
    """What is wrong with an entry, whatever stands beside it."""
    first = _date(entry)
    if first is None:
        yield ON, f"{entry.on[:20]!r} is not a date like 2023-05-01, nor a month like 2023-05"
    numbers = ((PERIOD, entry.period_kwh), (ACCUMULATED, entry.accumulated_kwh))
    wrong = [(field, text) for field, text in numbers if text is not None and not NUMBER.fullmatch(text)]
    for field, text in wrong:
        yield field, f"{text[:20]!r} is not a number of at most 4 decimals, 0 or more"
    if first is None or (not wrong and same(entry, held)):
        return
    if first > limits.today:
        yield ON, f"{entry.on} lies in the future; at the plant it is {limits.today}"
        return
    if first < EARLIEST:
        yield ON, f"{entry.on} lies before {EARLIEST}"
    most_kwh = _most_kwh(entry, first, limits)
    if not wrong and most_kwh is not None and Decimal(entry.period_kwh) > most_kwh:
        yield PERIOD, f"{entry.period_kwh} kWh is more than the device can make in that time, {most_kwh:.4f} kWh"


def _date(entry: Declared) -> date | None:
    if not (MONTH if entry.monthly else DAY).fullmatch(entry.on):
        return None
    try:
        return entry.first_day
    except ValueError:
        return None


def _most_kwh(entry: Declared, first: date, limits: Limits) -> Decimal | None:
    """What a device at its rated power makes in a period; 25 hours, since some days have them."""
    # Also keeps out what is no number: nothing is greater than it, or less.
    if limits.capacity_w is None or not limits.capacity_w > 0:
        return None
    return Decimal(limits.capacity_w) / 1000 * 25 * (_following(entry) - first).days


def _following(entry: Declared) -> date:
    """The first day after the period of an entry."""
    first = entry.first_day
    return (first + timedelta(days=31)).replace(day=1) if entry.monthly else first + timedelta(days=1)


def _figure(entry: Declared, index: int | None, *, known: bool) -> _Figure | None:
    if entry.accumulated_kwh is None:
        return None
    numbers = Decimal(entry.period_kwh), Decimal(entry.accumulated_kwh)
    return _Figure(index, entry.first_day, _following(entry), *numbers, known)


def _half(number: Decimal) -> Decimal:
    """Half of the last decimal that is printed: as much may have been rounded off."""
    exponent = number.as_tuple().exponent
    return Decimal(5).scaleb(int(exponent) - 1)


def _together(line: Sequence[_Figure]) -> Iterator[tuple[int, str, str]]:
    """Where an accumulated figure does not follow from the one before."""
    for before, after in pairwise(line):
        if before.known and after.known:
            continue
        rise = after.accumulated - before.accumulated
        slack = _half(before.accumulated) + _half(after.accumulated) + _half(after.period)
        message = ""
        if after.index is None:
            if rise < 0:
                message = f"{before.accumulated} kWh is above the {after.accumulated} kWh of {after.day}"
        elif rise < 0:
            message = f"{after.accumulated} kWh falls below the {before.accumulated} kWh of {before.day}"
        elif before.following == after.day and abs(rise - after.period) > slack:
            message = f"{after.accumulated} kWh is not {before.accumulated} kWh of {before.day} plus {after.period} kWh"
        elif rise < after.period - slack:
            message = f"{after.accumulated} kWh rises less since {before.day} than {after.period} kWh"
        blamed = before.index if after.index is None else after.index
        if message and blamed is not None:
            yield blamed, ACCUMULATED, message


def _first(line: Sequence[_Figure]) -> Iterator[tuple[int, str, str]]:
    """Where a device has accumulated less than its very first period made."""
    first = line[0] if line else None
    if first is None or first.index is None or first.known:
        return
    if first.accumulated < first.period - _half(first.accumulated) - _half(first.period):
        message = f"{first.accumulated} kWh is less than the {first.period} kWh of {first.day}"
        yield first.index, ACCUMULATED, message
