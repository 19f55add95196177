"""Proving: a sound ledger is sound, and whatever is changed behind the hub's back is found and named by day."""

from __future__ import annotations

import hashlib
import json

import pytest

from heliograph.ledger.proof import Finding, Proof
from heliograph.model.ledger import FIRST
from tests.unit.ledger.books import Books, body_of, declared

D1, D2, D3, D4 = (f"2024-06-0{day}" for day in range(1, 5))


def places(proof: Proof) -> set[tuple[int, str]]:
    """Devices and days that are named."""
    return {(finding.device_id, finding.on) for finding in proof.findings}


def test_an_empty_ledger_is_sound(books: Books) -> None:
    assert books.prove() == Proof()


async def test_a_ledger_is_sound_and_everything_is_counted(filled: Books) -> None:
    assert filled.prove() == Proof(devices=2, entries=6, statements=3)
    assert filled.prove([2]) == Proof(devices=1, entries=1, statements=3)


async def test_progress_counts_every_entry_and_statement(filled: Books) -> None:
    from heliograph.ledger.proof import prove
    from heliograph.store import chains

    steps: list[int] = []
    with filled.hub.database.snapshot() as rows:
        prove(rows, None, steps.append)
        assert sum(steps) == chains.size(rows) == 9


CHANGES = [
    # Entries: number 3 of device 1 is the third of June.
    ("UPDATE declared SET energy = '3.1' @entry", (1, D3)),
    ("UPDATE declared SET energy = '3.0' @entry", (1, D3)),
    ("UPDATE declared SET energy = CAST('3' AS BLOB) @entry", (1, D3)),
    ("UPDATE declared SET energy = x'ff' @entry", (1, D3)),
    ("UPDATE declared SET accumulated = '15.6' @entry", (1, D3)),
    ("UPDATE declared SET accumulated = NULL @entry", (1, D3)),
    ("UPDATE declared SET accumulated = '7.25' WHERE device = 2", (2, D1)),
    ("UPDATE declared SET period = '2024-06-05' @entry", (1, D3)),
    ("UPDATE declared SET period = '2024-06' @entry", (1, D3)),
    ("UPDATE declared SET revision = 2 @entry", (1, D3)),
    ("UPDATE declared SET revision = 'x' @entry", (1, D3)),
    ("UPDATE declared SET remote = 'r-1' @entry", (1, D3)),
    ("UPDATE declared SET remote = CAST(x'522dff' AS TEXT) @entry", (1, D3)),
    ("UPDATE declared SET remote = '' @entry", (1, D3)),
    ("UPDATE declared SET seal = '@other' @entry", (1, D3)),
    ("UPDATE declared SET seal = upper(seal) @entry", (1, D3)),
    ("UPDATE declared SET statement = 2 @entry", (1, D3)),
    ("UPDATE declared SET statement = 9 @entry", (1, D3)),
    ("UPDATE declared SET sequence = 6 @entry", (1, D3)),
    ("UPDATE declared SET sequence = 'third' @entry", (1, D3)),
    ("UPDATE declared SET sequence = 3.5 @entry", (1, D3)),
    ("UPDATE declared SET device = 2 @entry", (1, D3)),
    ("UPDATE declared SET device = 3 @entry", (1, D3)),
    ("UPDATE declared SET device = '1x' @entry", (1, D3)),
    ("DELETE FROM declared @entry", (1, D3)),
    ("DELETE FROM declared WHERE device = 1 AND sequence = 1", (1, D1)),
    ("DELETE FROM declared WHERE device = 1 AND sequence = 5", (1, D4)),
    ("DELETE FROM declared WHERE device = 2", (2, D1)),
    ("DELETE FROM declared", (1, D1)),
    # The ends of chains.
    ("UPDATE chain SET length = 4 WHERE device = 1", (1, D4)),
    ("UPDATE chain SET length = 'many' WHERE device = 1", (1, D4)),
    ("UPDATE chain SET seal = '@other' WHERE device = 1", (1, D4)),
    ("UPDATE chain SET seal = x'ff' WHERE device = 1", (1, D4)),
    ("UPDATE chain SET device = 7 WHERE device = 1", (1, D4)),
    ("DELETE FROM chain WHERE device = 1", (1, D4)),
    ("INSERT INTO chain VALUES (7, 1, 'x')", (7, "")),
    ("UPDATE account_chain SET length = 2", (0, "")),
    ("UPDATE account_chain SET seal = '@other'", (0, "")),
    ("UPDATE account_chain SET account = 2", (0, "")),
    ("DELETE FROM account_chain", (0, "")),
    # Statements: number 2 made the entries of the second and fourth, number 3 none.
    ("UPDATE statement SET body = replace(body, '2.5', '2.6') @call", (1, D4)),
    ("UPDATE statement SET body = x'00' @call", (1, D2)),
    ("UPDATE statement SET sha256 = '@other' @call", (1, D2)),
    ("UPDATE statement SET author = 'ours/nobody' @call", (1, D2)),
    ("UPDATE statement SET at = at + 1 @call", (1, D2)),
    ("UPDATE statement SET at = 9000000000000000000 @call", (1, D2)),
    ("UPDATE statement SET at = 'noon' @call", (1, D2)),
    ("UPDATE statement SET account = 2 @call", (1, D2)),
    ("UPDATE statement SET account = 'ours' @call", (1, D2)),
    ("UPDATE statement SET credential = 2 @call", (1, D2)),
    ("UPDATE statement SET dialect = 'native' @call", (1, D2)),
    ("UPDATE statement SET operation = 'other' @call", (1, D2)),
    ("UPDATE statement SET place = 3 @call", (1, D2)),
    ("UPDATE statement SET stated = '[]' @call", (1, D2)),
    ("UPDATE statement SET stated = replace(stated, ',', ', ') @call", (1, D2)),
    ("UPDATE statement SET stated = '[[1,2]]' @call", (1, D2)),
    ("UPDATE statement SET stated = 'gone' @call", (1, D2)),
    ("UPDATE statement SET seal = '@other' @call", (1, D2)),
    ("UPDATE statement SET id = 9 @call", (1, D2)),
    ("DELETE FROM statement @call", (1, D4)),
    ("DELETE FROM statement", (2, D1)),
    ("UPDATE statement SET body = replace(body, 'again', 'later') WHERE id = 3", (0, "")),
    ("UPDATE statement SET author = 'x' WHERE id = 3", (0, "")),
    ("UPDATE statement SET id = 9 WHERE id = 3", (0, "")),
    ("DELETE FROM statement WHERE id = 3", (0, "")),
]
"""What is changed, and the device and day that must be named."""


@pytest.mark.parametrize(("sql", "found"), CHANGES)
async def test_a_changed_cell_is_found_and_its_day_named(filled: Books, sql: str, found: tuple[int, str]) -> None:
    assert filled.tamper(sql) >= 1
    proof = filled.prove()
    assert found in places(proof)
    assert all(finding.message for finding in proof.findings)


async def test_every_column_of_the_ledger_is_among_what_was_tampered_with(filled: Books) -> None:
    tried = " ".join(sql for sql, _ in CHANGES)
    for table in ("declared", "statement", "chain", "account_chain"):
        for (column,) in filled.hub.database.query("SELECT name FROM pragma_table_info(?)", (table,)):
            assert " ".join(("UPDATE", table, "SET", column, "=")) in tried


async def test_entries_that_change_places_are_found(filled: Books) -> None:
    for step in (
        "sequence = 90 WHERE sequence = 2",
        "sequence = 2 WHERE sequence = 3",
        "sequence = 3 WHERE sequence = 90",
    ):
        filled.tamper("UPDATE declared SET @step AND device = 1", step=step)
    assert {(1, D2), (1, D3)} <= places(filled.prove())


async def test_statements_that_change_places_are_found(filled: Books) -> None:
    for step in ("place = 90 WHERE place = 2", "place = 2 WHERE place = 3", "place = 3 WHERE place = 90"):
        filled.tamper("UPDATE statement SET @step", step=step)
    assert {(1, D2), (1, D4), (0, "")} <= places(filled.prove())


async def test_an_end_cut_off_with_its_mark_is_found_by_what_the_statement_made(filled: Books) -> None:
    seal = filled.chain()[3].sealed.seal
    filled.tamper("DELETE FROM declared WHERE device = 1 AND sequence = 5")
    filled.tamper("UPDATE chain SET length = 4, seal = ? WHERE device = 1", seal)
    (finding,) = filled.prove().findings
    assert (finding.on, finding.sequence, finding.statement) == (D4, 5, 2)
    assert "is gone" in finding.message


async def test_a_chain_made_anew_around_a_changed_number_is_found_by_the_call(filled: Books) -> None:
    previous = FIRST
    for link in filled.chain():
        entry = link.sealed.entry
        energy = "3.3" if entry.on == D3 else entry.period_kwh
        made = type(entry)(**{**{f: getattr(entry, f) for f in entry.__struct_fields__}, "period_kwh": energy})
        made = type(entry)(**{**{f: getattr(made, f) for f in made.__struct_fields__}, "previous": previous})
        previous = made.seal()
        filled.tamper(
            "UPDATE declared SET energy = ?, seal = ? WHERE device = 1 AND sequence = ?",
            energy,
            previous,
            made.sequence,
        )
    filled.tamper("UPDATE chain SET seal = ? WHERE device = 1", previous)
    (finding,) = filled.prove().findings
    assert (finding.device_id, finding.on, finding.message) == (1, D3, "statement 1 says something else")


async def test_a_call_that_another_takes_the_place_of_is_found(filled: Books) -> None:
    body = body_of(declared({D2: ("9", "13.0"), D4: ("4", "19.5")}))
    filled.tamper("UPDATE statement SET body = ?, sha256 = ? WHERE id = 2", body, hashlib.sha256(body).hexdigest())
    assert {(1, D2), (1, D4)} <= places(filled.prove())


async def test_an_entry_that_no_call_made_is_found(filled: Books) -> None:
    filled.tamper(
        "INSERT INTO declared SELECT 2, 2, period, 1, remote, energy, NULL, 3, seal FROM declared WHERE sequence = 5"
    )
    assert (2, D4) in places(filled.prove())
    assert any("did not make it" in finding.message for finding in filled.prove().findings)


async def test_proving_one_device_leaves_out_what_concerns_others_alone(filled: Books) -> None:
    filled.tamper("UPDATE declared SET energy = '3.1' @entry")
    assert filled.prove([2]).findings == ()
    assert places(filled.prove([1])) == {(1, D3)}


async def test_a_finding_tells_the_device_as_its_author_calls_it(filled: Books) -> None:
    filled.tamper("UPDATE declared SET energy = '7.5' WHERE device = 2")
    first, second = filled.prove().findings
    assert first == Finding(
        device_id=2, device="R-2", on=D1, sequence=1,
        message="it does not match its seal: the entry, its call, or the one before it was changed",
    )  # fmt: skip
    assert second.statement == 1
    assert json.loads(filled.hub.database.query("SELECT stated FROM statement")[0][0])[3] == [2, 1, D1]
