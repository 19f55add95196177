"""Reading the chains of the ledger as their rows are now, whatever was done to them.

Columns are read as numbers or bytes, never as what a changed cell is taken for, so that no change stops the reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from heliograph.model.ledger import FIRST, Entry, Filed, Sealed
from heliograph.store.base import Rows
from heliograph.store.ledger import Head, format_at

Cell = int | bytes | None

_ENTRY_NUMBERS = ("d.device", "d.sequence", "d.revision", "d.statement", "s.at")
_ENTRY_TEXTS = ("d.period", "d.remote", "d.energy", "d.accumulated", "d.seal", "s.author", "s.sha256")
_FILED_NUMBERS = ("id", "account", "credential", "at", "place")
_FILED_TEXTS = ("author", "dialect", "operation", "sha256", "stated", "seal")


class Link(msgspec.Struct, frozen=True):
    """An entry of a chain: which statement it belongs to, whether that is there, whether its cells are what they were
    made as.
    """

    sealed: Sealed
    statement_id: int
    known: bool
    whole: bool


class Statement(msgspec.Struct, frozen=True):
    """A statement with its seal and its bytes; `whole` as of a Link."""

    filed: Filed
    seal: str
    body: bytes
    whole: bool


def _select(numbers: tuple[str, ...], texts: tuple[str, ...], *more: str) -> str:
    """Columns that can be read, and what they are said to hold."""
    kinds = " || ',' || ".join(f"typeof({name})" for name in (*numbers, *texts))
    columns = [f"CAST({name} AS INTEGER)" for name in numbers] + [f"CAST({name} AS BLOB)" for name in texts]
    return f"SELECT {', '.join([*columns, *more, kinds])}"


_ENTRY = (
    f"{_select(_ENTRY_NUMBERS, _ENTRY_TEXTS, 's.id IS NOT NULL')}"
    " FROM declared d LEFT JOIN statement s ON s.id = d.statement"
)
_FILED = f"{_select(_FILED_NUMBERS, _FILED_TEXTS, 'CAST(body AS BLOB)')} FROM statement ORDER BY account, place, id"
_ENTRY_KINDS = ["integer"] * len(_ENTRY_NUMBERS) + ["text"] * len(_ENTRY_TEXTS)
_FILED_KINDS = ["integer"] * len(_FILED_NUMBERS) + ["text"] * len(_FILED_TEXTS)
_ACCUMULATED = len(_ENTRY_NUMBERS) + _ENTRY_TEXTS.index("d.accumulated")


def _text(cell: Cell) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else ""


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def _at(cell: Cell) -> str:
    try:
        return format_at(_number(cell))
    except (OverflowError, OSError, ValueError):
        return ""


def _whole(row: tuple[Any, ...], kinds: list[str]) -> bool:  # any: cells of a database
    """Whether every cell is of its kind, and its text readable."""
    texts = (cell for cell in row if isinstance(cell, bytes))
    return row[-1].split(",") == kinds and all(_text(cell).encode() == cell for cell in texts)


def chained(rows: Rows) -> list[int]:
    """The devices that have a chain, or entries without one."""
    found = rows.execute(
        "SELECT device FROM chain UNION SELECT device FROM declared WHERE typeof(device) = 'integer' ORDER BY 1"
    )
    return [device for (device,) in found]


def size(rows: Rows) -> int:
    """How many entries and statements there are."""
    found = rows.execute("SELECT (SELECT count(*) FROM declared) + (SELECT count(*) FROM statement)").fetchone()
    return int(found[0])


def head(rows: Rows, device_id: int) -> Head:
    """How a device's chain ends, as far as it can be read."""
    found = rows.execute("SELECT CAST(length AS INTEGER), CAST(seal AS BLOB) FROM chain WHERE device = ?", (device_id,))
    return _head(found.fetchone())


def account_heads(rows: Rows) -> dict[int, Head]:
    """How the chains of all accounts' statements end."""
    found = rows.execute(
        "SELECT CAST(account AS INTEGER), CAST(length AS INTEGER), CAST(seal AS BLOB) FROM account_chain"
    )
    return {account: _head((length, seal)) for account, length, seal in found}


def _head(row: tuple[Cell, Cell] | None) -> Head:
    return Head() if row is None else Head(_number(row[0]), _text(row[1]))


def links(rows: Rows, device_id: int) -> Iterator[Link]:
    """The chain of a device from its start, each entry as the rows tell it now, with the seal it was given."""
    previous = FIRST
    for row in rows.execute(f"{_ENTRY} WHERE d.device = ? ORDER BY d.sequence", (device_id,)):
        number, sequence, revision, statement_id, at, on, remote, energy, accumulated, seal, author, sha256 = row[:12]
        kinds = list(_ENTRY_KINDS)
        if accumulated is None:
            kinds[_ACCUMULATED] = "null"
        known = bool(row[12])
        entry = Entry(
            accumulated_kwh=None if accumulated is None else _text(accumulated), at=_at(at) if known else "",
            author=_text(author), device=_text(remote), device_id=_number(number), on=_text(on),
            period_kwh=_text(energy), previous=previous, revision=_number(revision), sequence=_number(sequence),
            statement=_text(sha256),
        )  # fmt: skip
        previous = _text(seal)
        yield Link(Sealed(entry=entry, seal=previous), _number(statement_id), known, not known or _whole(row, kinds))


def statements(rows: Rows) -> Iterator[Statement]:
    """Every statement, account by account, in the order of their chains."""
    account, previous = None, FIRST
    for row in rows.execute(_FILED):
        number, account_id, credential_id, at, place, author, dialect, operation, sha256, stated, seal, body = row[:12]
        if account_id != account:
            account, previous = account_id, FIRST
        filed = Filed(
            account_id=_number(account_id), at=_at(at), author=_text(author), credential_id=_number(credential_id),
            dialect=_text(dialect), number=_number(number), operation=_text(operation), previous=previous,
            sequence=_number(place), sha256=_text(sha256), stated=_text(stated),
        )  # fmt: skip
        previous = _text(seal)
        yield Statement(filed, previous, bytes(body or b""), _whole((*row[:11], row[-1]), _FILED_KINDS))


def stated_by(rows: Rows, statement_id: int) -> dict[tuple[int, int], Entry]:
    """The entries that belong to a statement by device and place, with what they say of their periods."""
    found = rows.execute(
        "SELECT CAST(device AS INTEGER), CAST(sequence AS INTEGER), CAST(period AS BLOB), CAST(remote AS BLOB),"
        " CAST(energy AS BLOB), CAST(accumulated AS BLOB) FROM declared WHERE statement = ?"
        " AND typeof(device) = 'integer'",
        (statement_id,),
    )
    return {
        (device_id, sequence): Entry(
            accumulated_kwh=None if accumulated is None else _text(accumulated), at="", author="", device=_text(remote),
            device_id=device_id, on=_text(on), period_kwh=_text(energy), previous="", revision=0, sequence=sequence,
            statement="",
        )
        for device_id, sequence, on, remote, energy, accumulated in found
    }  # fmt: skip


def bodies(rows: Rows, digests: set[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of the calls with these digests."""
    for sha256, body in rows.execute("SELECT CAST(sha256 AS BLOB), CAST(body AS BLOB) FROM statement ORDER BY id"):
        name = _text(sha256)
        if name in digests:
            yield name, bytes(body or b"")
