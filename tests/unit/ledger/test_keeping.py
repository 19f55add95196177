"""Keeping: a statement is kept as it came, applied and sealed as a whole, or changes nothing at all."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.errors import ForbiddenError, NotFoundError, RecordsError, StoreError, UnknownDeviceError
from heliograph.ledger.checks import Limits, check, same
from heliograph.model.access import Caller
from heliograph.model.ledger import FIRST, Declaration, Declared, Kept, Statement
from tests.unit.ledger.books import Books, Told, body_of, declared
from tests.unit.store.world import at

D1, D2, D3 = "2024-06-01", "2024-06-02", "2024-06-03"


async def present(books: Books, since: str = "2000", until: str = "2100", device: int = 0) -> dict[str, Any]:
    """What is stated, by period."""
    found = await books.hub.ledger.declared(books.caller, books.devices[device].id, since, until)
    return {entry.on: (entry.period_kwh, entry.accumulated_kwh) for entry in found}


async def test_a_statement_is_kept_as_it_came(books: Books) -> None:
    body = body_of(declared({D1: "1.50"}), mark="w\u00e4rts \U0001f600") + b"\n"
    kept = await books.state({D1: "1.50"}, body=body)
    assert kept == Kept(statement_id=1, new=1)
    ((stored, sha256, author, at_ms),) = books.hub.database.query("SELECT body, sha256, author, at FROM statement")
    assert (stored, sha256) == (body, hashlib.sha256(body).hexdigest())
    assert (author, at_ms) == ("ours/meter-man", at("2024-06-10T12:00:01"))
    (link,) = books.chain()
    entry = link.sealed.entry
    assert (entry.at, entry.author, entry.device) == ("2024-06-10T12:00:01.000Z", "ours/meter-man", "R-1")
    assert (entry.previous, entry.revision, entry.sequence, entry.statement) == (FIRST, 1, 1, sha256)
    assert link.sealed.seal == entry.seal()


async def test_the_digits_that_were_sent_are_what_is_stated(books: Books) -> None:
    await books.state({D2: ("1.50", "7"), D1: "2"})
    assert await present(books) == {D1: ("2", None), D2: ("1.50", "7")}
    assert [link.sealed.entry.on for link in books.chain()] == [D1, D2]


async def test_sent_again_it_changes_nothing_and_has_its_old_number(books: Books) -> None:
    told: Told = {D1: ("1.5", "5"), D2: ("2", "7")}
    first = await books.state(told)
    before = books.dump()
    assert await books.state(told) == Kept(statement_id=first.statement_id, unchanged=2)
    assert books.dump() == before


async def test_the_same_in_other_bytes_is_another_statement_without_entries(books: Books) -> None:
    await books.state({D1: "1.5"})
    assert await books.state({D1: "1.50"}) == Kept(statement_id=2, unchanged=1)
    assert await books.state({D1: "1.5"}, operation="other") == Kept(statement_id=3, unchanged=1)
    assert len(books.chain()) == 1
    assert await present(books) == {D1: ("1.5", None)}
    assert books.prove().findings == ()


async def test_a_changed_value_is_a_correction_that_keeps_the_old_one_and_its_author(books: Books) -> None:
    await books.state({D1: ("1.5", "5"), D2: ("2", "7")})
    assert await books.state({D1: ("1.6", "5.1"), D2: ("2.0", "7")}) == Kept(statement_id=2, corrected=1, unchanged=1)
    assert await books.state({D1: ("1.5", "5")}) == Kept(statement_id=3, corrected=1)
    history = [
        (link.sealed.entry.on, link.sealed.entry.revision, link.sealed.entry.period_kwh) for link in books.chain()
    ]
    assert history == [(D1, 1, "1.5"), (D2, 1, "2"), (D1, 2, "1.6"), (D1, 3, "1.5")]
    assert await present(books) == {D1: ("1.5", "5"), D2: ("2", "7")}


async def test_an_accumulated_figure_can_be_added_and_taken_back(books: Books) -> None:
    await books.state({D1: "1.5"})
    assert (await books.state({D1: ("1.5", "5")})).corrected == 1
    assert (await books.state({D1: "1.5"})).corrected == 1
    assert await present(books) == {D1: ("1.5", None)}


async def test_one_statement_can_tell_of_several_devices_days_and_months(books: Books) -> None:
    kept = await books.state({D1: "1", "2024-06": "30", D2: "2"}, {D1: "3"})
    assert kept.new == 4
    assert await present(books) == {"2024-06": ("30", None), D1: ("1", None), D2: ("2", None)}
    assert [len(books.chain(0)), len(books.chain(1))] == [3, 1]
    assert books.prove().entries == 4


async def test_a_span_takes_a_month_as_its_first_day(books: Books) -> None:
    await books.state({"2024-04": "1", "2024-05": "2", "2024-05-31": "1", D1: "1", "2024-06": "3"})
    assert list(await present(books, "2024-05-01", "2024-06-01")) == ["2024-05", "2024-05-31"]
    assert list(await present(books, "2024-05-02", "2024-06-02")) == ["2024-05-31", "2024-06", D1]
    assert list(await present(books, "2024-05", "2024-06")) == ["2024-05", "2024-05-31"]


async def test_everything_wrong_is_told_and_nothing_is_kept(books: Books) -> None:
    await books.state({D1: ("1", "5")})
    before = books.dump()
    with pytest.raises(RecordsError) as caught:
        await books.state({D2: ("1", "4"), "2024-06-11": "1"}, {"x": "1"})
    assert [(p.group, p.place, p.field) for p in caught.value.problems] == [
        (0, 0, "accumulated_kwh"), (0, 1, "on"), (1, 0, "on"),
    ]  # fmt: skip
    assert books.dump() == before


async def test_a_figure_is_held_against_the_nearest_that_tells_one(books: Books) -> None:
    await books.state({"2024-05-20": ("1", "50")})
    await books.state({"2024-05-25": "1", D1: "1", D3: ("1", "60")})
    for told in ({D2: ("1", "49")}, {D2: ("1", "61")}, {"2024-05-19": ("1", "50.1")}, {"2024-06-04": ("1", "59")}):
        with pytest.raises(RecordsError):
            await books.state(told)
    await books.state({D2: ("1", "55")})


async def test_a_corrected_figure_is_no_neighbour_any_more(books: Books) -> None:
    await books.state({D1: ("1", "50")})
    await books.state({D1: "1"})
    await books.state({D2: ("1", "5")})


async def test_today_is_the_plants_own_day(books: Books) -> None:
    books.world.clock.at_ms = at("2024-06-10T21:59:59")
    with pytest.raises(RecordsError):
        await books.state({"2024-06-11": "1"})
    books.world.clock.at_ms = at("2024-06-10T22:00:00")  # midnight in Berlin
    assert (await books.state({"2024-06-11": "1"})).new == 1


async def test_a_device_makes_no_more_than_its_rating(tmp_path: Path) -> None:
    books = Books(tmp_path, capacity_w=5000.0)
    with pytest.raises(RecordsError):
        await books.state({D1: "125.1"})
    assert (await books.state({D1: "125"})).new == 1
    books.world.close()


async def test_a_device_without_a_rating_makes_no_more_than_its_plant(books: Books) -> None:
    rated = msgspec.structs.replace(books.plant, capacity_w=5000.0)
    async with books.hub.database.writing():
        await books.hub.database.write(lambda rows: books.hub.registry.put_plant(rows, rated))
    with pytest.raises(RecordsError):
        await books.state({D1: "125.1"})
    assert (await books.state({D1: "125"})).new == 1


async def test_a_device_stands_in_a_statement_once(books: Books) -> None:
    number = books.devices[0].id
    twice = [Declaration(device_id=number, remote_id="a", entries=declared({on: "1"})) for on in (D1, D2)]
    async with books.hub.database.writing():
        with pytest.raises(RecordsError) as caught:
            await books.hub.ledger.declare(
                books.caller, Statement(dialect="d", operation="o", body=b"", declarations=twice)
            )
    assert [(p.group, p.field) for p in caught.value.problems] == [(1, "on")]


async def test_who_may_not_write_or_does_not_see_the_device_states_nothing(books: Books) -> None:
    before = books.dump()
    reader = msgspec.structs.replace(books.caller, scopes=frozenset({"read"}))
    stranger = Caller(books.world.add_account("others").id, 7)
    elsewhere = msgspec.structs.replace(books.caller, plants=frozenset())
    for caller, error in ((reader, ForbiddenError), (stranger, UnknownDeviceError), (elsewhere, UnknownDeviceError)):
        books.caller = caller
        with pytest.raises(error):
            await books.state({D1: "1"})
    assert books.dump() == before


async def test_what_is_disabled_takes_no_statements_from_anybody(books: Books) -> None:
    off = msgspec.structs.replace(books.devices[0], disabled=True)
    books.hub.database.write_now(lambda rows: books.hub.registry.put_device(rows, off))
    books.caller = msgspec.structs.replace(books.caller, scopes=frozenset({"read", "write", "admin"}))
    with pytest.raises(UnknownDeviceError) as caught:
        await books.state({D1: "1"})
    assert caught.value.device == "R-1"


async def test_who_does_not_see_a_device_reads_nothing_of_it(books: Books) -> None:
    await books.state({D1: "1"})
    stranger = Caller(books.world.add_account("others").id, 7)
    with pytest.raises(UnknownDeviceError):
        await books.hub.ledger.declared(stranger, books.devices[0].id, D1, D3)
    with pytest.raises(NotFoundError):
        await books.hub.ledger.receipt(stranger, 1)
    receipt = await books.hub.ledger.receipt(books.caller, 1)
    assert (receipt.dialect, receipt.operation, receipt.at_ms) == ("redex", "state", at("2024-06-10T12:00:01"))


async def test_a_credential_that_is_gone_leaves_the_account_as_author(books: Books) -> None:
    books.caller = Caller(books.caller.account_id, 99)
    await books.state({D1: "1"})
    assert books.chain()[0].sealed.entry.author == "ours"


async def test_a_statement_marks_its_days_and_writes_a_line_into_the_audit_trail(books: Books) -> None:
    await books.state({D1: "1", "2024-05": "9"})
    await books.state({D1: "2"})
    days = {date.fromordinal(day) for (day,) in books.hub.database.query("SELECT day FROM dirty")}
    assert days == {date(2024, 6, 1), date(2024, 5, 1)}
    lines = books.hub.database.query("SELECT account, credential, action, detail FROM audit ORDER BY id")
    assert [line[3] for line in lines] == ["statement 1: 2 new, 0 corrected", "statement 2: 0 new, 1 corrected"]
    assert {line[:3] for line in lines} == {(books.caller.account_id, books.caller.credential_id, "ledger.stated")}


@pytest.mark.parametrize("table", ["statement", "declared", "chain", "account_chain", "audit", "dirty"])
async def test_a_store_that_fails_at_any_table_leaves_nothing(books: Books, table: str) -> None:
    await books.state({D1: "1"})
    before = books.dump()
    writer = books.hub.database.writer

    def refuse(action: int, name: str | None, *_: object) -> int:
        writes = action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE)
        return sqlite3.SQLITE_DENY if writes and name == table else sqlite3.SQLITE_OK

    writer.set_authorizer(refuse)
    with pytest.raises(StoreError):
        await books.state({D2: "2"})
    writer.set_authorizer(None)
    assert books.dump() == before
    assert (await books.state({D2: "2"})).new == 1
    assert books.prove().findings == ()


async def test_a_commit_that_fails_leaves_nothing(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    await books.state({D1: "1"})
    before = books.dump()

    def fail() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(books.hub.database, "_commit", fail)
        with pytest.raises(StoreError):
            await books.state({D2: "2"})
    assert books.dump() == before
    assert (await books.state({D2: "2"})).new == 1


async def test_statements_that_wait_together_are_sealed_one_after_the_other(books: Books) -> None:
    async with books.hub.database.writing():
        await asyncio.gather(
            *(
                books.hub.ledger.declare(
                    books.caller,
                    Statement(
                        dialect="d",
                        operation="o",
                        body=body_of(declared({f"2024-05-{day:02d}": "1"})),
                        declarations=[
                            Declaration(device_id=1, remote_id="R", entries=declared({f"2024-05-{day:02d}": "1"}))
                        ],
                    ),
                )
                for day in range(1, 30)
            )
        )
    proof = books.prove()
    assert (proof.entries, proof.statements, proof.findings) == (29, 29, ())


# Any sequence of statements, against a ledger in memory.

DAYS = [(date(2024, 6, 1) + timedelta(days=number)).isoformat() for number in range(12)]


class Model:
    """What a ledger of one device ought to hold."""

    def __init__(self) -> None:
        self.held: dict[str, Declared] = {}
        self.revisions: list[tuple[str, int, str, str | None]] = []
        self.statements = 0
        self.bodies: set[bytes] = set()

    def take(self, entries: list[Declared], body: bytes) -> Kept | None:
        """What ought to become of a statement; None for one that is refused."""
        if check(entries, self.held, Limits(date(2024, 6, 10), 2000.0)):
            return None
        changed = sorted(
            (entry for entry in entries if not same(entry, self.held.get(entry.on))), key=lambda entry: entry.on
        )
        corrected = sum(entry.on in self.held for entry in changed)
        if changed or body not in self.bodies:
            self.statements += 1
            self.bodies.add(body)
        for entry in changed:
            number = 1 + sum(on == entry.on for on, *_ in self.revisions)
            self.revisions.append((entry.on, number, entry.period_kwh, entry.accumulated_kwh))
            self.held[entry.on] = entry
        return Kept(
            statement_id=0, new=len(changed) - corrected, corrected=corrected, unchanged=len(entries) - len(changed)
        )


@st.composite
def statements(draw: st.DrawFn) -> list[Declared]:
    """Days of a course that starts somewhere, mostly true, sometimes changed, sometimes nonsense."""
    course: Mapping[str, tuple[int, int]] = {
        on: (n % 3 + 1, 10 + sum(m % 3 + 1 for m in range(n + 1))) for n, on in enumerate(DAYS)
    }
    entries = []
    for on in draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=5, unique=draw(st.integers(0, 9)) > 0)):
        period, total = course[on]
        shift = draw(st.sampled_from([0, 0, 0, 0, 1, -1, 60]))
        told = draw(st.sampled_from([f"{total + shift}.0", f"{total}.00", None]))
        entries.append(Declared(on=on, period_kwh=f"{max(period + shift, 0)}.0", accumulated_kwh=told))
    return entries


@settings(max_examples=25)
@given(calls=st.lists(st.tuples(statements(), st.booleans()), max_size=12))
def test_any_sequence_of_statements_is_kept_exactly(calls: list[tuple[list[Declared], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        books = Books(Path(folder), capacity_w=2000.0)
        try:
            asyncio.run(follow(books, calls))
        finally:
            books.world.close()


async def follow(books: Books, calls: list[tuple[list[Declared], bool]]) -> None:
    """Make each call, now and then once more, and compare."""
    model, device = Model(), books.devices[0].id
    for entries, again in calls:
        body = body_of(entries)
        call = Statement(
            dialect="redex", operation="state", body=body,
            declarations=[Declaration(device_id=device, remote_id="R", entries=entries)],
        )  # fmt: skip
        for _ in range(1 + again):
            before, expected = books.dump(), model.take(entries, body)
            async with books.hub.database.writing():
                try:
                    kept = await books.hub.ledger.declare(books.caller, call)
                except RecordsError:
                    assert expected is None
                    assert books.dump() == before
                    continue
            assert msgspec.structs.replace(kept, statement_id=0) == expected
        held = await books.hub.ledger.declared(books.caller, device, "2000", "2100")
        assert held == [model.held[on] for on in sorted(model.held)]
    made = [link.sealed.entry for link in books.chain()]
    assert [(e.on, e.revision, e.period_kwh, e.accumulated_kwh) for e in made] == model.revisions
    proof = books.prove()
    assert (proof.entries, proof.statements, proof.findings) == (len(model.revisions), model.statements, ())
