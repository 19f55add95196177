"""The guard: who guesses is held back, who knows is let in, and nobody can lock others out from afar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import FixedClock
from heliograph.errors import TooFrequentError
from heliograph.protocol.limits import Guard

HERE, THERE = "127.0.0.1", "127.0.0.2"


def fail(guard: Guard, name: str, peer: str, times: int) -> None:
    """Guess wrong so often."""
    for _ in range(times):
        guard.check(name, peer)
        guard.failed(name, peer)


def test_five_wrong_guesses_are_enough_for_five_minutes() -> None:
    wall = FixedClock(0)
    guard = Guard(wall)
    fail(guard, "admin", HERE, 5)
    with pytest.raises(TooFrequentError) as caught:
        guard.check("admin", HERE)
    assert caught.value.retry_after_s == 300.0
    wall.at_ms += 299_999
    with pytest.raises(TooFrequentError):
        guard.check("admin", HERE)
    wall.at_ms += 1
    guard.check("admin", HERE)


def test_somebody_else_s_guesses_do_not_lock_a_name_elsewhere() -> None:
    guard = Guard(FixedClock(0))
    fail(guard, "admin", HERE, 5)
    guard.check("admin", THERE)
    guard.check("other", HERE)


def test_one_address_may_not_try_many_names() -> None:
    guard = Guard(FixedClock(0))
    for number in range(30):
        fail(guard, f"user{number}", HERE, 1)
    with pytest.raises(TooFrequentError):
        guard.check("user31", HERE)
    guard.check("user31", THERE)


def test_many_addresses_may_not_try_one_name() -> None:
    guard = Guard(FixedClock(0))
    for number in range(100):
        fail(guard, "admin", f"10.0.0.{number}", 1)
    with pytest.raises(TooFrequentError):
        guard.check("admin", "10.0.1.1")
    guard.check("other", "10.0.1.1")


def test_who_knows_the_secret_is_forgiven_what_came_before() -> None:
    guard = Guard(FixedClock(0))
    fail(guard, "admin", HERE, 4)
    guard.succeeded("admin", HERE)
    fail(guard, "admin", HERE, 4)
    guard.check("admin", HERE)


def test_a_name_that_is_empty_counts_apart_from_an_address() -> None:
    guard = Guard(FixedClock(0))
    fail(guard, "", HERE, 5)
    guard.check("admin", HERE)
    with pytest.raises(TooFrequentError):
        guard.check("", HERE)


def test_guesses_of_long_ago_take_no_room() -> None:
    wall = FixedClock(0)
    guard = Guard(wall)
    for number in range(1000):
        wall.at_ms += 40_000
        fail(guard, f"user{number}", HERE, 1)
    assert len(guard._failures) < 50


@given(st.lists(st.integers(0, 120_000), min_size=1, max_size=40))
def test_no_five_minutes_ever_hold_more_than_five_failures(steps: list[int]) -> None:
    wall = FixedClock(0)
    guard = Guard(wall)
    failures: list[int] = []
    for step in steps:
        wall.at_ms += step
        inside = [at_ms for at_ms in failures if at_ms > wall.at_ms - 300_000]
        if len(inside) >= 5:
            with pytest.raises(TooFrequentError):
                guard.check("admin", HERE)
        else:
            fail(guard, "admin", HERE, 1)
            failures.append(wall.at_ms)
