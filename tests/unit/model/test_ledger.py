"""The canonical text of the ledger: the same in any language, and nothing of it can change without the seal."""

from __future__ import annotations

import json
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.ledger import FIRST, Declared, Entry, Filed

ENTRY = Entry(
    accumulated_kwh=None, at="2024-06-10T12:00:00.000Z", author="ours/tool", device="STR1", device_id=1,
    on="2024-06-01", period_kwh="0.1234", previous=FIRST, revision=1, sequence=1, statement="ab" * 32,
)  # fmt: skip


def test_the_canonical_text_is_fixed_for_ever() -> None:
    assert ENTRY.canonical().decode() == (
        '{"accumulated_kwh":null,"at":"2024-06-10T12:00:00.000Z","author":"ours/tool","device":"STR1","device_id":1,'
        f'"on":"2024-06-01","period_kwh":"0.1234","previous":"{FIRST}","revision":1,"sequence":1,'
        f'"statement":"{"ab" * 32}"}}'
    )
    assert ENTRY.seal() == "e6fb2a0c0d1309c2ad232d51383e5636d90df38d11fbbd61de16a688b5763a73"


@given(device=st.text(), author=st.text(), accumulated=st.none() | st.text())
def test_any_text_can_be_sealed_and_read_back(device: str, author: str, accumulated: str | None) -> None:
    entry = msgspec.structs.replace(ENTRY, device=device, author=author, accumulated_kwh=accumulated)
    assert json.loads(entry.canonical()) == msgspec.to_builtins(entry)


@pytest.mark.parametrize("member", Entry.__struct_fields__)
def test_every_member_is_sealed(member: str) -> None:
    held = getattr(ENTRY, member)
    changed = msgspec.structs.replace(ENTRY, **{member: held + 1 if isinstance(held, int) else f"{held}x"})
    assert changed.seal() != ENTRY.seal()


def test_the_members_of_a_filed_statement_stand_in_alphabetical_order() -> None:
    names = list(Filed.__struct_fields__)
    numbers = ("account_id", "credential_id", "number", "sequence")
    filed = msgspec.convert({name: 1 if name in numbers else "x" for name in names}, Filed)
    assert list(json.loads(filed.canonical())) == sorted(names)


@pytest.mark.parametrize(
    ("on", "monthly", "first"), [("2023-05-07", False, date(2023, 5, 7)), ("2023-05", True, date(2023, 5, 1))]
)
def test_a_period_is_a_day_or_a_month(on: str, monthly: bool, first: date) -> None:
    declared = Declared(on=on, period_kwh="1")
    assert (declared.monthly, declared.first_day) == (monthly, first)
