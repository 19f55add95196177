"""Limits: refused exactly where a patient client would wait, and never a moment longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import FixedClock
from heliograph.errors import TooFrequentError
from heliograph.protocol.limits import Limiter
from heliograph.protocol.operations import Limit

KEY = (1, "read")


@given(
    st.integers(1, 5),
    st.sampled_from([0.5, 1.0, 60.0, 300.0]),
    st.lists(st.integers(0, 200_000), min_size=1, max_size=40),
)
def test_no_window_ever_holds_more_calls_than_allowed(calls: int, per_s: float, steps: list[int]) -> None:
    wall, limit = FixedClock(0), Limit(calls, per_s)
    limiter = Limiter(wall)
    passed: list[int] = []
    for step in steps:
        wall.at_ms += step
        inside = [at_ms for at_ms in passed if at_ms > wall.at_ms - per_s * 1000]
        if len(inside) < calls:
            assert limiter.wait_s(limit, KEY) == 0.0
            limiter.take(limit, KEY)
            passed.append(wall.at_ms)
        else:
            with pytest.raises(TooFrequentError) as caught:
                limiter.take(limit, KEY)
            assert caught.value.retry_after_s * 1000 == pytest.approx(inside[0] + per_s * 1000 - wall.at_ms)


@given(st.integers(1, 4), st.floats(0.1, 100.0), st.integers(1, 20))
def test_a_client_that_waits_as_told_is_never_refused_and_never_early(calls: int, per_s: float, times: int) -> None:
    wall, limit = FixedClock(1_000_000), Limit(calls, per_s)
    limiter = Limiter(wall)
    for _ in range(times):
        wait_ms = round(limiter.wait_s(limit, KEY) * 1000)
        if wait_ms:
            wall.at_ms += wait_ms - 1
            with pytest.raises(TooFrequentError):
                limiter.take(limit, KEY)
            wall.at_ms += 1
        limiter.take(limit, KEY)


@given(st.integers(1, 5), st.lists(st.integers(0, 25_000), min_size=1, max_size=40))
def test_a_fixed_window_starts_with_a_call_and_holds_no_more_than_allowed(calls: int, steps: list[int]) -> None:
    wall, limit = FixedClock(1_000), Limit(calls, 20.0, fixed=True)
    limiter = Limiter(wall)
    started_ms, passed = -1_000_000, 0
    for step in steps:
        wall.at_ms += step
        if wall.at_ms >= started_ms + 20_000:
            started_ms, passed = wall.at_ms, 0
        if passed < calls:
            limiter.take(limit, KEY)
            passed += 1
        else:
            with pytest.raises(TooFrequentError) as caught:
                limiter.take(limit, KEY)
            assert caught.value.retry_after_s * 1000 == pytest.approx(started_ms + 20_000 - wall.at_ms)


def test_a_fixed_window_is_over_when_the_clock_is_set_back() -> None:
    wall, limit = FixedClock(1_000_000), Limit(1, 60.0, fixed=True)
    limiter = Limiter(wall)
    limiter.take(limit, KEY)
    wall.at_ms -= 500_000
    limiter.take(limit, KEY)
    assert limiter.wait_s(limit, KEY) == 60.0


def test_a_refused_call_is_not_counted() -> None:
    wall = FixedClock(0)
    limiter, limit = Limiter(wall), Limit(1, 10.0)
    limiter.take(limit, KEY)
    for _ in range(5):
        wall.at_ms += 1000
        with pytest.raises(TooFrequentError):
            limiter.take(limit, KEY)
    wall.at_ms = 10_000
    limiter.take(limit, KEY)


def test_keys_do_not_spend_each_others_calls() -> None:
    limiter, limit = Limiter(FixedClock(0)), Limit(1, 10.0)
    for key in ((1, "a"), (1, "b"), (2, "a"), (1, "")):
        limiter.take(limit, key)
        with pytest.raises(TooFrequentError):
            limiter.take(limit, key)


def test_a_limiter_that_is_off_lets_everything_pass() -> None:
    limiter = Limiter(FixedClock(0), enabled=False)
    for _ in range(100):
        limiter.take(Limit(1, 1e6), KEY)


def test_clients_that_went_away_are_forgotten() -> None:
    wall = FixedClock(0)
    limiter, limit = Limiter(wall), Limit(1, 10.0)
    for number in range(50):
        limiter.take(limit, (number, "a"))
    wall.at_ms = 2 * 86_400_000
    limiter.take(limit, (99, "a"))
    assert set(limiter._seen) == {(99, "a")}
