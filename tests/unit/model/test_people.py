"""People are found by their address or number, however it is written, and by nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.people import PasswordHash, Person, plain_number

PERSON = Person(id=1, account_id=1, name="Ada", email="Ada.L@Example.com", phone="+49 (0)30 123-45 67")


@pytest.mark.parametrize(
    "contact",
    [
        "Ada.L@Example.com", " ada.l@example.COM ", "+49301234567", "0049 30 1234567", "+49(0)30 / 123 45 67",
        "+49 30 123.45.67",
    ],
)  # fmt: skip
def test_a_contact_is_theirs_however_it_is_written(contact: str) -> None:
    assert PERSON.answers_to(contact)


@pytest.mark.parametrize("contact", ["", " ", "@", "ada", "ada.l@example.org", "301234567", "+49301234568", "+"])
def test_anything_else_is_not_theirs(contact: str) -> None:
    assert not PERSON.answers_to(contact)


@pytest.mark.parametrize("contact", ["", "@", "+", "0", "a@b", "123"])
def test_who_has_no_contact_answers_to_none(contact: str) -> None:
    for phone in ("", "+", "n/a"):
        assert not Person(id=1, account_id=1, name="Nobody", phone=phone).answers_to(contact)


@given(st.text())
def test_a_plain_number_is_as_plain_as_can_be(text: str) -> None:
    plain = plain_number(text)
    assert set(plain) <= set("0123456789+")
    assert plain_number(plain) == plain or plain.startswith("+")


@pytest.mark.parametrize(
    ("text", "plain"),
    [("(0)30 12", "03012"), ("00 49 (0) 30", "+4930"), ("+49(0)30(0)", "+49300"), ("0049", "+49"), ("0", "0")],
)
def test_a_zero_in_brackets_is_left_out_after_a_country_alone(text: str, plain: str) -> None:
    assert plain_number(text) == plain


def test_the_hash_of_a_password_does_not_show_itself() -> None:
    person = Person(id=1, account_id=1, name="Ada", password=PasswordHash("$argon2id$..."))
    assert "argon2id" not in f"{person} {person!r} {person.password}"
