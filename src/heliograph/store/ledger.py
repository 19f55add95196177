"""The generation ledger on disk: statements as they came, and the sealed entries made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from heliograph.model.ledger import FIRST, Declared, Entry, Filed, Receipt
from heliograph.store.base import Rows

_PRESENT = (
    "SELECT period, energy, accumulated, max(revision) FROM declared WHERE device = ? AND period >= ? AND period < ?"
    " AND length(period) = ? GROUP BY period ORDER BY period"
)
_NEIGHBOUR = (
    "SELECT period FROM declared AS d WHERE device = ? AND period {bound} ? AND length(period) = ?"
    " AND accumulated IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM declared WHERE device = d.device AND period = d.period AND revision > d.revision)"
    " ORDER BY period {order} LIMIT 1"
)
DAY_DIGITS, MONTH_DIGITS = len("2023-05-01"), len("2023-05")


class Head(msgspec.Struct, frozen=True):
    """How long a chain is, and its last seal."""

    length: int = 0
    seal: str = FIRST


class Present(msgspec.Struct, frozen=True):
    """What is stated of a period at present, and the how-manieth statement about it that is."""

    declared: Declared
    revision: int


def known_statement(rows: Rows, account_id: int, sha256: str, operation: str) -> int | None:
    """The number of an earlier statement of the account with the same bytes."""
    found = rows.execute(
        "SELECT min(id) FROM statement WHERE account = ? AND sha256 = ? AND operation = ?",
        (account_id, sha256, operation),
    ).fetchone()
    return None if found[0] is None else int(found[0])


def put_statement(rows: Rows, filed: Filed, body: bytes, at_ms: int) -> int:
    """Keep the bytes of a call; returns the number it has from now on. `seal_statement` has to follow."""
    cursor = rows.execute(
        "INSERT INTO statement (account, credential, author, dialect, operation, at, sha256, place, stated, seal, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', '', ?)",
        (
            filed.account_id, filed.credential_id, filed.author, filed.dialect, filed.operation, at_ms, filed.sha256,
            body,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def seal_statement(rows: Rows, filed: Filed, entries: Sequence[Entry]) -> str:
    """Add a statement to the chain of its account, now that its entries are known; returns its seal."""
    end = account_head(rows, filed.account_id)
    stated = json.dumps([(one.device_id, one.sequence, one.on) for one in entries], separators=(",", ":"))
    filed = msgspec.structs.replace(filed, previous=end.seal, sequence=end.length + 1, stated=stated)
    seal = filed.seal()
    rows.execute(
        "UPDATE statement SET place = ?, stated = ?, seal = ? WHERE id = ?",
        (filed.sequence, stated, seal, filed.number),
    )
    rows.execute(
        "INSERT OR REPLACE INTO account_chain (account, length, seal) VALUES (?, ?, ?)",
        (filed.account_id, filed.sequence, seal),
    )
    return seal


def receipt(rows: Rows, account_id: int, statement_id: int) -> Receipt | None:
    """A statement of an account."""
    found = rows.execute(
        "SELECT dialect, operation, at FROM statement WHERE id = ? AND account = ?", (statement_id, account_id)
    ).fetchone()
    return Receipt(statement_id=statement_id, dialect=found[0], operation=found[1], at_ms=found[2]) if found else None


def head(rows: Rows, device_id: int) -> Head:
    """How a device's chain ends."""
    found = rows.execute("SELECT length, seal FROM chain WHERE device = ?", (device_id,)).fetchone()
    return Head(*found) if found else Head()


def account_head(rows: Rows, account_id: int) -> Head:
    """How the chain of an account's statements ends."""
    found = rows.execute("SELECT length, seal FROM account_chain WHERE account = ?", (account_id,)).fetchone()
    return Head(*found) if found else Head()


def put_entries(rows: Rows, entries: Sequence[Entry], statement_id: int) -> list[Entry]:
    """Add entries to the end of the chain of their device, in this order; returns them with their places."""
    if not entries:
        return []
    device_id = entries[0].device_id
    end = head(rows, device_id)
    placed: list[Entry] = []
    lines = []
    for sequence, entry in enumerate(entries, end.length + 1):
        placed.append(msgspec.structs.replace(entry, sequence=sequence, previous=end.seal))
        end = Head(sequence, placed[-1].seal())
        lines.append((
            device_id, sequence, entry.on, entry.revision, entry.device, entry.period_kwh, entry.accumulated_kwh,
            statement_id, end.seal,
        ))  # fmt: skip
    rows.executemany(
        "INSERT INTO declared (device, sequence, period, revision, remote, energy, accumulated, statement, seal)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        lines,
    )
    rows.execute(
        "INSERT OR REPLACE INTO chain (device, length, seal) VALUES (?, ?, ?)", (device_id, end.length, end.seal)
    )
    return placed


def present(rows: Rows, device_id: int, since: str, until: str, *, monthly: bool = False) -> list[Declared]:
    """What is stated at present of the days, or months, that start with since <= on < until, oldest first."""
    digits = DAY_DIGITS
    if monthly:
        digits, since, until = MONTH_DIGITS, _month(since), _month(until)
    return [
        Declared(on=on, period_kwh=energy, accumulated_kwh=accumulated)
        for on, energy, accumulated, _ in rows.execute(_PRESENT, (device_id, since, until, digits))
    ]


def _month(on: str) -> str:
    """A date to compare months with: the first day of one is as early as the month."""
    return on[:MONTH_DIGITS] if len(on) == DAY_DIGITS and on.endswith("-01") else on


def around(rows: Rows, device_id: int, first: str, last: str, *, monthly: bool = False) -> dict[str, Present]:
    """What is stated at present from `first` to `last`, and on to the nearest period on either side that tells an
    accumulated figure.
    """
    digits = MONTH_DIGITS if monthly else DAY_DIGITS
    edges = []
    for bound, order, on in (("<", "DESC", first), (">", "ASC", last)):
        found = rows.execute(_NEIGHBOUR.format(bound=bound, order=order), (device_id, on, digits)).fetchone()
        edges.append(found[0] if found else on)
    return {
        on: Present(Declared(on=on, period_kwh=energy, accumulated_kwh=accumulated), number)
        for on, energy, accumulated, number in rows.execute(_PRESENT, (device_id, edges[0], f"{edges[1]}~", digits))
    }


def periods(rows: Rows, device_id: int) -> list[str]:
    """Every period of a device that was ever stated."""
    found = rows.execute("SELECT DISTINCT period FROM declared WHERE device = ? ORDER BY period", (device_id,))
    return [on for (on,) in found]


def format_at(at_ms: int) -> str:
    """An instant as entries hold it: ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
