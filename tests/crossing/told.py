"""What dialects say, in one form: facts, how exactly each was told, and whether two of them can be the same.

A number on a wire stands for every value that is written so: half a unit of its last digit to either side. Two
dialects agree when what each stands for overlaps, which is rounding the finer one to the decimals of the coarser, in
decimal arithmetic; the half digit of the finer one is let through because it was itself rounded once, and rounding
twice may end beside rounding once. Sums of several written numbers carry the halves of all.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

Json = Any  # any: JSON
When = tuple[str, str | int]

FREE = 9
"""Decimals of numbers that are not rounded: as many as a binary fraction keeps."""
NOISE = Decimal("1e-6")
"""What sums and changes of unit in binary fractions leave, in the canonical unit."""
NOW: When = ("now", "")
EVER: When = ("ever", "")
ALWAYS: When = ("always", "")


class Fact(NamedTuple):
    """Something that can be said: a quantity of a plant or device, at an instant or over a period."""

    subject: str
    quantity: str
    when: When


class Told(NamedTuple):
    """A value in the canonical unit, and how far what is meant may lie from it."""

    value: Decimal
    error: Decimal

    def agrees(self, other: Told) -> bool:
        """Whether both can stand for the same."""
        return abs(self.value - other.value) <= self.error + other.error


class Saying(NamedTuple):
    """A fact as a call of a dialect told it."""

    dialect: str
    call: str
    fact: Fact
    told: Told


def number(value: object) -> Decimal | None:
    """A number of an answer as its digits stand there; None for null."""
    return None if value is None else Decimal(str(value))


def told(value: object, digits: int, scale: int | str = 1) -> Told | None:
    """A number on the wire that carries so many decimals, in units of `scale`. None for null.

    More decimals than a dialect carries are an AssertionError.
    """
    found = number(value)
    if found is None:
        return None
    exponent = found.normalize().as_tuple().exponent
    assert isinstance(exponent, int), value
    assert digits >= FREE or -exponent <= digits, f"{value} has more than {digits} decimals"
    factor = Decimal(scale)
    return Told(found * factor, max(Decimal("0.5").scaleb(-digits) * abs(factor), NOISE))


def added(parts: list[Told]) -> Told:
    """Several numbers together."""
    return Told(sum((part.value for part in parts), Decimal(0)), sum((part.error for part in parts), Decimal(0)))


class Sayings(list[Saying]):
    """What one dialect says."""

    def __init__(self, dialect: str) -> None:
        super().__init__()
        self.dialect = dialect

    def say(self, call: str, subject: str, quantity: str, when: When, value: Told | None) -> None:
        """Note a fact, unless nothing was told."""
        if value is not None:
            self.append(Saying(self.dialect, call, Fact(subject, quantity, when), value))
