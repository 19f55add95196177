"""The grid, the blocks and the draws."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, day_of, day_start, instant_ms, local
from heliograph.simulate.steps import (
    BLOCK_DAYS,
    BLOCK_STEPS,
    STEP_MS,
    Counts,
    block_stamps,
    ceil_step,
    cut,
    drift,
    generator,
    midnights,
    noise,
    since_last,
    spell,
    stamps,
    wall_times,
)

ZONES = ["Europe/London", "Australia/Adelaide", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe"]
INSTANTS = st.integers(instant_ms(datetime(2019, 1, 1, tzinfo=UTC)), instant_ms(datetime(2031, 1, 1, tzinfo=UTC)))


class Numbered(msgspec.Struct, frozen=True):
    """A block that holds the stamps themselves."""

    at_ms: Counts
    twice: Counts


def numbered(block: int) -> Numbered:
    at_ms = block_stamps(block)
    return Numbered(at_ms, np.stack([at_ms, 2 * at_ms]))


@given(INSTANTS, st.integers(0, 40 * DAY_MS))
def test_a_cut_holds_the_stamps_of_its_span(since_ms: int, length_ms: int) -> None:
    part = cut(numbered, since_ms, since_ms + length_ms)
    expected = stamps(since_ms, since_ms + length_ms)
    assert np.array_equal(part.at_ms, expected)
    assert np.array_equal(part.twice, np.stack([expected, 2 * expected]))


@given(INSTANTS, st.integers(0, DAY_MS))
def test_stamps_lie_on_the_grid_inside_the_half_open_span(since_ms: int, length_ms: int) -> None:
    found = stamps(since_ms, since_ms + length_ms)
    assert all(since_ms <= at_ms < since_ms + length_ms and at_ms % STEP_MS == 0 for at_ms in found.tolist())
    assert 0 <= found.size - length_ms // STEP_MS <= 1


def test_a_stamp_of_the_grid_is_its_own_ceiling() -> None:
    assert ceil_step(3 * STEP_MS) == 3 * STEP_MS
    assert ceil_step(3 * STEP_MS + 1) == 4 * STEP_MS


def test_draws_depend_on_seed_name_and_day_alone() -> None:
    assert generator(1, "a", 5).random() == generator(1, "a", 5).random()
    others = {generator(*key).random() for key in ((1, "a", 5), (2, "a", 5), (1, "b", 5), (1, "a", 6))}
    assert len(others) == 4


@pytest.mark.parametrize("series", [lambda block: drift(1, "x", block, 24), lambda block: spell(1, "x", block)])
def test_a_wandering_number_does_not_jump_between_blocks(series: object) -> None:
    assert callable(series)
    first, second = series(1230), series(1231)
    assert abs(second[0] - first[-1]) <= 1.01 * np.abs(np.diff(first)).max() + 0.02


def test_random_numbers_have_mean_nought_and_spread_one() -> None:
    many = np.concatenate([noise(3, "n", block) for block in range(1230, 1236)])
    slow = np.concatenate([spell(3, "n", block) for block in range(1200, 1240)])
    assert many.size == 6 * BLOCK_STEPS
    assert abs(many.mean()) < 0.03
    assert abs(many.std() - 1) < 0.03
    assert 0.6 < slow.std() < 1.2


@given(INSTANTS, st.sampled_from(ZONES))
def test_wall_times_are_those_of_the_zone(since_ms: int, name: str) -> None:
    tz = ZoneInfo(name)
    at_ms = stamps(since_ms, since_ms + DAY_MS // 4)
    wall = wall_times(at_ms, tz)
    for n in range(0, at_ms.size, 7):
        expected = local(int(at_ms[n]), tz)
        assert wall.minute[n] == expected.hour * 60 + expected.minute
        assert wall.weekday[n] == expected.weekday()


@given(INSTANTS, st.sampled_from(ZONES))
def test_midnights_are_where_the_calendar_turns(since_ms: int, name: str) -> None:
    tz = ZoneInfo(name)
    at_ms = stamps(since_ms, since_ms + 3 * DAY_MS)
    expected = [day_start(day_of(int(at), tz), tz) == at for at in at_ms.tolist()]
    assert midnights(at_ms, tz).tolist() == expected


def test_no_stamps_have_no_midnights() -> None:
    assert midnights(stamps(0, 0), ZoneInfo("UTC")).size == 0


def test_the_last_mark_is_found_for_each_place() -> None:
    assert since_last(np.array([False, True, False, True, False])).tolist() == [-1, 1, 1, 3, 3]


def test_a_block_is_whole_days() -> None:
    at_ms = block_stamps(1231)
    assert at_ms.size == BLOCK_STEPS
    assert at_ms[0] % DAY_MS == 0
    assert at_ms[-1] - at_ms[0] == BLOCK_DAYS * DAY_MS - STEP_MS
