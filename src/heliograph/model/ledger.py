"""The generation ledger: energies that someone answers for, sealed one after the other.

A seal is the SHA-256 of an entry's canonical text, which holds the seal before it: so no entry can change, vanish or
change places without every later seal of its device failing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date

import msgspec

FIRST = "0" * 64
"""What stands for the seal before the first."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The energy of one day or month of a device, as someone states it; the numbers are the digits that were sent."""

    on: str
    """`YYYY-MM-DD` for a day, `YYYY-MM` for a month, of the plant's calendar."""
    period_kwh: str
    accumulated_kwh: str | None = None
    """All energy up to the end of the period, where it is told. [kWh]"""

    @property
    def monthly(self) -> bool:
        """Whether it speaks of a month."""
        return len(self.on) == len("2023-05")

    @property
    def first_day(self) -> date:
        """The first day that it speaks of."""
        return date.fromisoformat(f"{self.on}-01" if self.monthly else self.on)


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What one call states of one device. `remote_id` is what the caller calls it."""

    device_id: int
    remote_id: str
    entries: Sequence[Declared]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it came, and what it states; kept for ever."""

    dialect: str
    operation: str
    body: bytes
    declarations: Sequence[Declaration]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a statement: its number, and how many entries are new, known already, or correct older ones."""

    statement_id: int
    new: int = 0
    unchanged: int = 0
    corrected: int = 0


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that was kept: when, and of what sort."""

    statement_id: int
    dialect: str
    operation: str
    at_ms: int


class Canonical(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is sealed: its members, in alphabetical order, are the canonical text."""

    def canonical(self) -> bytes:
        """The text that is sealed: JSON, members in alphabetical order, no space between, UTF-8."""
        return json.dumps(
            msgspec.to_builtins(self), ensure_ascii=False, separators=(",", ":"), sort_keys=True
        ).encode()  # fmt: skip

    def seal(self) -> str:
        """The seal, 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical()).hexdigest()


class Entry(Canonical, frozen=True, kw_only=True):
    """One entry in the chain of its device."""

    accumulated_kwh: str | None
    at: str
    """When it was received, ISO 8601, UTC."""
    author: str
    """Account and credential that sent it."""
    device: str
    """What the author calls the device."""
    device_id: int
    on: str
    period_kwh: str
    previous: str
    """The seal before, `FIRST` for none."""
    revision: int
    """1 for the first statement about a period; each correction counts one more."""
    sequence: int
    """Its place in the chain of its device, from 1."""
    statement: str
    """SHA-256 of the bytes of the call that stated it."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with the seal that was put on it when it came."""

    entry: Entry
    seal: str


class Filed(Canonical, frozen=True, kw_only=True):
    """A statement in the chain of its account: who sent what, and which entries were made of it."""

    account_id: int
    at: str
    """When it was received, ISO 8601, UTC."""
    author: str
    credential_id: int
    dialect: str
    number: int
    operation: str
    previous: str
    """The seal before, `FIRST` for none."""
    sequence: int
    """Its place in the chain of its account, from 1."""
    sha256: str
    """Of its bytes."""
    stated: str
    """Its entries as JSON: device, place in the device's chain, and period of each."""
