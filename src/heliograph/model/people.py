"""People: who owns plants, as an installer knows them. They are not the credentials of programs.

A person with a password can sign in, to let an application act for them.
"""

from __future__ import annotations

import re

import msgspec

_NOT_DIALLED = re.compile(r"[^0-9+]")
_TRUNK = re.compile(r"^(\s*(?:\+|00)[^(]*)\(0\)")


class PasswordHash(msgspec.Struct, frozen=True):
    """What a password is checked against: an argon2id hash, never the password. It does not show itself."""

    text: str

    def __repr__(self) -> str:
        return "PasswordHash(***)"


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person of an account, found by e-mail address or telephone number."""

    id: int
    account_id: int
    name: str
    email: str = ""
    phone: str = ""
    plants: tuple[int, ...] | None = None
    """The plants that are theirs; None for all of the account."""
    disabled: bool = False
    password: PasswordHash | None = None
    """None for somebody who cannot sign in."""

    def answers_to(self, contact: str) -> bool:
        """Whether an e-mail address or telephone number is theirs; case and the spaces of a number do not count."""
        wanted = contact.strip()
        if "@" in wanted:
            return self.email.strip().casefold() == wanted.casefold()
        number = plain_number(wanted)
        return number.strip("+") != "" and number == plain_number(self.phone)


def plain_number(text: str) -> str:
    """A telephone number without what is only there to be read; `00` in front is the same as `+`.

    A zero in brackets after a country's code is not dialled either.
    """
    number = _NOT_DIALLED.sub("", _TRUNK.sub(r"\1", text))
    return f"+{number[2:]}" if number.startswith("00") else number
