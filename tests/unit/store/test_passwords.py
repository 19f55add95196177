"""Passwords: only hashes, the same work for everybody, and a rule for how long they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from heliograph.errors import BadRequestError
from heliograph.model.people import PasswordHash
from heliograph.store.passwords import LONGEST, SHORTEST, Passwords

RIGHT = "correct horse"


class Counting(PasswordHasher):
    """Cheap, and counts how often it works."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        """Count, and verify."""
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> Counting:
    """A hasher to count by."""
    return Counting()


@pytest.fixture
def passwords(hasher: Counting) -> Iterator[Passwords]:
    """Cheap ones."""
    made = Passwords(hasher)
    yield made
    made.close()


async def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    held = passwords.hash(RIGHT)
    assert RIGHT not in held.text
    assert await passwords.matches(held, RIGHT)
    assert held != passwords.hash(RIGHT)
    for wrong in ("", RIGHT.upper(), RIGHT + " ", "x" * 100_000, "\ud800"):
        assert not await passwords.matches(held, wrong)


async def test_nobody_s_password_matches_nothing_after_the_same_work(passwords: Passwords, hasher: Counting) -> None:
    assert not await passwords.matches(None, RIGHT)
    assert not await passwords.matches(None, "")
    assert hasher.verified == 2


async def test_a_hash_that_is_none_matches_nothing(passwords: Passwords) -> None:
    assert not await passwords.matches(PasswordHash("nonsense"), RIGHT)


def test_what_looks_the_same_is_the_same(passwords: Passwords) -> None:
    assert passwords._matches(passwords.hash("\u00e9 and more text"), "e\u0301 and more text")


@pytest.mark.parametrize("text", ["", "x" * (SHORTEST - 1), "x" * (LONGEST + 1), "e\u0301" * (SHORTEST - 1)])
def test_a_password_is_neither_short_nor_endless(passwords: Passwords, text: str) -> None:
    with pytest.raises(BadRequestError, match="8 to 1000"):
        passwords.hash(text)


def test_the_costs_are_those_of_the_rfc() -> None:
    held = extract_parameters(Passwords().hash(RIGHT).text)
    assert held.type.name == "ID"
    assert (held.time_cost, held.memory_cost, held.parallelism) == (3, 65536, 4)
