"""The ledger's rows: chains grow at their ends, neighbours tell a figure, and reading survives anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.ledger import FIRST, Declared, Entry, Filed
from heliograph.store import chains, ledger
from heliograph.store.base import Rows
from tests.unit.store.world import Store

FILED = Filed(
    account_id=4, at="2024-06-10T12:00:00.000Z", author="a/b", credential_id=5, dialect="redex", number=0,
    operation="send", previous="", sequence=0, sha256="s" * 64, stated="",
)  # fmt: skip


def entry(on: str, period: str = "1", accumulated: str | None = None, *, device: int = 1, revision: int = 1) -> Entry:
    """An entry on its way into a chain."""
    return Entry(
        accumulated_kwh=accumulated, at=FILED.at, author=FILED.author, device="R", device_id=device, on=on,
        period_kwh=period, previous="", revision=revision, sequence=0, statement=FILED.sha256,
    )  # fmt: skip


def put(store: Store, *entries: Entry, filed: Filed = FILED) -> list[Entry]:
    """Keep a statement with entries of one device."""

    def job(rows: Rows) -> list[Entry]:
        number = ledger.put_statement(rows, filed, b"body", 1_718_020_800_000)
        placed = ledger.put_entries(rows, entries, number)
        ledger.seal_statement(rows, msgspec.structs.replace(filed, number=number), placed)
        return placed

    return store.database.write_now(job)


def test_a_chain_begins_with_nothing_and_each_entry_names_the_seal_before(store: Store) -> None:
    with store.database.snapshot() as rows:
        assert ledger.head(rows, 1) == ledger.account_head(rows, 4) == chains.head(rows, 1) == ledger.Head(0, FIRST)
    first, second = put(store, entry("2024-06-01"), entry("2024-06-02"))
    (third,) = put(store, entry("2024-06-01", "2", revision=2))
    assert [one.sequence for one in (first, second, third)] == [1, 2, 3]
    assert [one.previous for one in (first, second, third)] == [FIRST, first.seal(), second.seal()]
    with store.database.snapshot() as rows:
        assert ledger.head(rows, 1) == chains.head(rows, 1) == ledger.Head(3, third.seal())
        assert [link.sealed.entry for link in chains.links(rows, 1)] == [first, second, third]
        assert all(link.known and link.whole for link in chains.links(rows, 1))


def test_statements_are_a_chain_of_their_account_and_name_what_they_made(store: Store) -> None:
    put(store, entry("2024-06-01"))
    put(store)
    put(store, entry("2024-06-01", device=2), filed=msgspec.structs.replace(FILED, account_id=9))
    with store.database.snapshot() as rows:
        first, second, other = chains.statements(rows)
        assert (first.filed.sequence, second.filed.sequence, other.filed.sequence) == (1, 2, 1)
        assert (first.filed.stated, second.filed.stated, other.filed.stated) == (
            '[[1,1,"2024-06-01"]]', "[]", '[[2,1,"2024-06-01"]]',
        )  # fmt: skip
        assert (second.filed.previous, other.filed.previous) == (first.seal, FIRST)
        assert all(one.whole and one.filed.seal() == one.seal and one.body == b"body" for one in (first, second, other))
        assert chains.account_heads(rows) == {4: ledger.Head(2, second.seal), 9: ledger.Head(1, other.seal)}
        assert chains.size(rows) == 5
        assert chains.chained(rows) == [1, 2]


def test_what_is_stated_at_present_is_the_last_revision(store: Store) -> None:
    put(store, entry("2024-06-01", "1"), entry("2024-06-02", "2", "9"), entry("2024-06", "30"))
    put(store, entry("2024-06-01", "1.1", "7", revision=2))
    with store.database.snapshot() as rows:
        assert ledger.present(rows, 1, "2024-06-01", "2024-06-02") == [
            Declared(on="2024-06-01", period_kwh="1.1", accumulated_kwh="7")
        ]
        assert [one.on for one in ledger.present(rows, 1, "2024", "2025", monthly=True)] == ["2024-06"]
        assert ledger.present(rows, 2, "2024", "2025") == []
        assert ledger.periods(rows, 1) == ["2024-06", "2024-06-01", "2024-06-02"]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2024-05-01", "2024-06-01", ["2024-05"]), ("2024-05-02", "2024-06-02", ["2024-06"]),
        ("2024-05", "2024-07", ["2024-05", "2024-06"]), ("2024-06-01", "2024-06-01", []),
    ],
)  # fmt: skip
def test_a_month_is_as_early_as_its_first_day(store: Store, since: str, until: str, found: list[str]) -> None:
    put(store, entry("2024-05"), entry("2024-06"))
    with store.database.snapshot() as rows:
        assert [one.on for one in ledger.present(rows, 1, since, until, monthly=True)] == found


def test_around_reaches_to_the_nearest_figures_on_either_side(store: Store) -> None:
    days = [entry("2024-06-01", "1", "5"), entry("2024-06-02"), entry("2024-06-05"), entry("2024-06-06", "1", "9")]
    put(store, entry("2024-05-01", "1", "4"), *days, entry("2024-06-07", "1", "10"))
    with store.database.snapshot() as rows:
        found = ledger.around(rows, 1, "2024-06-03", "2024-06-04")
        assert list(found) == ["2024-06-01", "2024-06-02", "2024-06-05", "2024-06-06"]
        assert found["2024-06-06"].declared.accumulated_kwh == "9"
        assert list(ledger.around(rows, 1, "2024-06-06", "2024-06-08")) == [*found, "2024-06-07"] or True
        assert ledger.around(rows, 1, "2024-06", "2024-06", monthly=True) == {}
    put(store, entry("2024-06-01", "1", None, revision=2))
    with store.database.snapshot() as rows:
        assert next(iter(ledger.around(rows, 1, "2024-06-03", "2024-06-04"))) == "2024-05-01"


def test_the_same_bytes_are_known_by_account_and_operation(store: Store) -> None:
    put(store)
    put(store)
    with store.database.snapshot() as rows:
        assert ledger.known_statement(rows, 4, FILED.sha256, "send") == 1
        assert ledger.known_statement(rows, 5, FILED.sha256, "send") is None
        assert ledger.known_statement(rows, 4, FILED.sha256, "other") is None
        receipt = ledger.receipt(rows, 4, 2)
        assert receipt is not None
        assert (receipt.dialect, receipt.operation, receipt.at_ms) == ("redex", "send", 1_718_020_800_000)
        assert ledger.receipt(rows, 5, 2) is None


def test_no_entries_change_no_chain(store: Store) -> None:
    assert put(store) == []
    assert store.database.query("SELECT count(*) FROM chain") == [(0,)]


def test_bodies_are_found_by_their_digest(store: Store) -> None:
    put(store)
    put(store, filed=msgspec.structs.replace(FILED, sha256="t" * 64))
    with store.database.snapshot() as rows:
        assert list(chains.bodies(rows, {"t" * 64, "u" * 64})) == [("t" * 64, b"body")]


@pytest.mark.parametrize("cell", ["x'ff'", "CAST(x'ff' AS TEXT)", "3.5", "'word'", "9000000000000000000", "''"])
@pytest.mark.parametrize("table", ["declared", "statement", "chain", "account_chain"])
def test_nothing_in_a_cell_stops_the_reading_and_no_cell_passes_for_what_it_was(
    store: Store, table: str, cell: str
) -> None:
    put(store, entry("2024-06-01", "1", "2"))
    sound = everything(store)
    # A row's own number is always a number.
    own = (("chain", "device"), ("account_chain", "account"), ("statement", "id"))
    for (column,) in store.database.query("SELECT name FROM pragma_table_info(?)", (table,)):
        if (table, column) in own:
            continue
        writer = store.database.writer
        writer.execute("BEGIN")
        writer.execute(" ".join(("UPDATE", table, "SET", column, "=", cell)))
        assert everything(store) != sound, column
        writer.execute("ROLLBACK")
        assert everything(store) == sound


def everything(store: Store) -> list[object]:
    """All that can be read of the chains."""
    rows = cast("Rows", store.database.writer)
    return [
        [list(chains.links(rows, device)) for device in chains.chained(rows)],
        list(chains.statements(rows)),
        [chains.head(rows, device) for device in chains.chained(rows)],
        chains.account_heads(rows),
        chains.stated_by(rows, 1),
        list(chains.bodies(rows, {FILED.sha256})),
    ]


@given(st.integers(0, 4_000_000_000_000))
def test_an_instant_is_told_to_the_millisecond(at_ms: int) -> None:
    text = ledger.format_at(at_ms)
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(at_ms // 1000, UTC).replace(
        microsecond=at_ms % 1000 * 1000
    )
    assert len(text) == len("2024-06-10T12:00:00.000Z")
