"""Whether stated energies can be true: each rule by example, and all of them against a second reckoning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.ledger.checks import Limits, check, same
from heliograph.model.ledger import Declared
from tests.unit.ledger.books import Told, declared

TODAY = date(2024, 6, 10)
LIMITS = Limits(TODAY)
FIRST = date(2024, 6, 1)


def wrong(told: Told, held: Told | None = None, limits: Limits = LIMITS) -> list[tuple[int, str]]:
    """Places and fields of what is wrong."""
    known = {entry.on: entry for entry in declared(held or {})}
    return [(problem.place, problem.field) for problem in check(declared(told), known, limits)]


def test_the_printed_example_is_right() -> None:
    told = {
        "2023-05-01": ("0.1234", "5.1234"), "2023-05-02": ("0.2345", "5.3579"), "2023-05-03": ("0.4567", "5.8146"),
    }  # fmt: skip
    assert wrong(told) == []


WIDE = "\uff12"
"""A digit that is none of ours."""


@pytest.mark.parametrize(
    "on",
    [
        "2024-6-01", "2024-02-30", "2024-13", "2024-00", "2024", "", "soon", "2024-06-01T00", f"{WIDE}024-06-01",
        "2024-6", "0000-01",
    ],
)  # fmt: skip
def test_a_date_is_a_day_or_a_month_that_there_is(on: str) -> None:
    assert wrong({on: "1"}) == [(0, "on")]


@pytest.mark.parametrize(
    "number", ["", "-1", "+1", "1.", ".5", "1e3", "1.00001", "1,5", "nan", "1234567890123", WIDE, " 1", "1_0", "0x1"]
)
def test_a_number_has_at_most_four_decimals_and_no_sign(number: str) -> None:
    assert wrong({"2024-06-01": (number, "5")}) == [(0, "period_kwh")]
    assert wrong({"2024-06-01": ("5", number)}) == [(0, "accumulated_kwh")]


def test_everything_wrong_with_an_entry_is_told() -> None:
    assert wrong({"x": ("y", "z"), "2024-06-11": ("y", "1")}) == [
        (0, "on"), (0, "period_kwh"), (0, "accumulated_kwh"), (1, "period_kwh"), (1, "on"),
    ]  # fmt: skip


def test_the_future_begins_after_the_plants_present_day() -> None:
    assert wrong({"2024-06-10": "1", "2024-06": "1"}) == []
    assert wrong({"2024-06-11": "1", "2024-07": "1", "9999-12": "1", "9999-12-31": ("1", "1")}) == [
        (index, "on") for index in range(4)
    ]


def test_there_is_a_first_day() -> None:
    assert wrong({"1980-01-01": "1"}) == []
    assert wrong({"1979-12-31": "1", "1979-12": "1"}) == [(0, "on"), (1, "on")]


def test_a_day_that_is_there_twice_names_the_second() -> None:
    entries = declared({"2024-06-01": "1", "2024-06-02": "1"})
    problems = check([*entries, entries[0]], {}, LIMITS, group=4)
    assert [(problem.place, problem.field, problem.group) for problem in problems] == [(2, "on", 4)]
    assert problems[0].message == "2024-06-01 is there twice, first in record 0"


@pytest.mark.parametrize(
    ("on", "most"), [("2024-06-01", 25), ("2024-02", 29 * 25), ("2023-02", 28 * 25), ("2023-12", 31 * 25)]
)
def test_nothing_makes_more_than_its_rating_all_day(on: str, most: int) -> None:
    limits = Limits(TODAY, 1000.0)
    assert wrong({on: str(most)}, limits=limits) == []
    assert wrong({on: f"{most}.0001"}, limits=limits) == [(0, "period_kwh")]


@pytest.mark.parametrize("capacity_w", [None, 0.0, math.nan, math.inf])
def test_without_a_rating_everything_is_plausible(capacity_w: float | None) -> None:
    assert wrong({"2024-06-01": "999999999999"}, limits=Limits(TODAY, capacity_w)) == []


@pytest.mark.parametrize(
    ("total", "right"),
    [("5.5", True), ("5.6", True), ("5.4", True), ("5.7", False), ("5.3", False), ("5.40", True), ("5.39", False)],
)
def test_printed_decimals_leave_room_for_half_of_the_last(total: str, right: bool) -> None:
    # 3.0 + 2.5 with one decimal each: at most 0.05 from each figure, 0.005 from one with two decimals.
    found = wrong({"2024-06-01": ("1", "3.0"), "2024-06-02": ("2.5", total)})
    assert found == ([] if right else [(1, "accumulated_kwh")])


def test_an_accumulated_figure_never_falls() -> None:
    told = {"2024-06-01": ("1", "5.0001"), "2024-06-03": ("0", "5.0000")}
    assert wrong(told) == [(1, "accumulated_kwh")]
    assert wrong({"2024-06-03": ("0", "5.0000")}, {"2024-06-01": ("1", "5.0001")}) == [(0, "accumulated_kwh")]


def test_over_a_gap_it_rises_by_the_days_own_at_least() -> None:
    held = {"2024-06-01": ("1", "5")}
    assert wrong({"2024-06-04": ("2", "50")}, held) == []
    assert wrong({"2024-06-04": ("2.0", "6.0")}, held) == [(0, "accumulated_kwh")]


def test_the_very_first_day_has_accumulated_what_it_made() -> None:
    assert wrong({"2024-06-01": ("2.0", "1.8")}) == [(0, "accumulated_kwh")]
    assert wrong({"2024-06-01": ("2.0", "1.9")}) == []


def test_a_middle_day_can_be_corrected_as_long_as_the_next_is_not_less() -> None:
    held = {"2024-06-01": ("1", "5"), "2024-06-02": ("2", "7"), "2024-06-03": ("3", "10")}
    assert wrong({"2024-06-02": ("3", "8")}, held) == []
    assert wrong({"2024-06-02": ("5", "10")}, held) == []
    assert wrong({"2024-06-02": ("6", "11")}, held) == [(0, "accumulated_kwh")]
    assert wrong({"2024-06-02": ("3", "8"), "2024-06-03": ("3", "11")}, held) == []
    assert wrong({"2024-06-02": ("3.0", "8.0"), "2024-06-03": ("3.0", "10")}, held) == [(1, "accumulated_kwh")]


def test_what_is_known_already_is_not_judged_again() -> None:
    # The second day was corrected after the third had been stated.
    held = {"2024-06-01": ("1", "5"), "2024-06-02": ("3", "8"), "2024-06-03": ("3", "10")}
    assert wrong({"2024-06-03": ("3.0", "10.00")}, held) == []
    assert wrong({"2024-06-01": ("1", "5"), "2024-06-03": ("3", "10")}, held, Limits(date(2024, 6, 2), 1.0)) == []
    assert wrong({"2024-06-01": ("9", "5")}, {"2024-06-01": ("9", "5")}) == []


def test_a_day_without_an_accumulated_figure_interrupts_nothing() -> None:
    held: Told = {"2024-06-01": ("1", "50"), "2024-06-02": "2"}
    assert wrong({"2024-06-03": ("1", "5")}, held) == [(0, "accumulated_kwh")]
    assert wrong({"2024-06-03": "1"}, held) == []
    assert wrong({"2024-06-01": "1"}, held) == []


def test_a_wrong_entry_leaves_the_one_that_is_held_in_its_place() -> None:
    held = {"2024-06-01": ("1", "5")}
    assert wrong({"2024-06-01": ("x", "900"), "2024-06-02": ("1", "6")}, held) == [(0, "period_kwh")]


def test_months_are_held_against_months_and_not_against_days() -> None:
    held = {"2024-03": ("10", "100"), "2024-04-01": ("1", "9999")}
    assert wrong({"2024-04": ("20", "120")}, held) == []
    assert wrong({"2024-04": ("20", "121.1")}, held) == [(0, "accumulated_kwh")]
    assert wrong({"2024-05": ("20", "150")}, held) == []
    assert wrong({"2023-12": ("20", "101")}, held) == [(0, "accumulated_kwh")]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (("1.50", "2"), ("1.5", "2.0"), True), ("1.5", "1.50", True), ("1.5", ("1.5", "2"), False),
        (("1.5", "2"), "1.5", False), (("1.5", "2"), ("1.6", "2"), False), (("1.5", "2"), ("1.5", "3"), False),
    ],
)  # fmt: skip
def test_zeros_at_the_end_say_nothing_new(
    one: str | tuple[str, str], other: str | tuple[str, str], equal: bool
) -> None:
    first, second = (declared({"2024-06-01": what})[0] for what in (one, other))
    assert same(first, second) is equal
    assert not same(first, None)


# A second reckoning, entry by entry and in fractions, knowing nothing of the first.


def slack(*numbers: str) -> Fraction:
    """Half of the last printed decimal of each."""
    return sum((Fraction(1, 2) / 10 ** len(number.partition(".")[2]) for number in numbers), Fraction(0))


def expected(entries: Sequence[Declared], held: Mapping[str, Declared], limits: Limits) -> set[tuple[int, str]]:
    """Places and fields of what is wrong with well-formed days, each there once."""
    alone = {place: _alone(entry, held, limits) for place, entry in enumerate(entries)}
    found = {(place, field) for place, field in alone.items() if field}
    accepted = {entries[place].on: place for place, field in alone.items() if not field}
    present = {**held, **{on: entries[place] for on, place in accepted.items()}}
    fresh = {on for on, place in accepted.items() if on not in held or not _equal(entries[place], held[on])}
    told = {on: entry for on, entry in present.items() if entry.accumulated_kwh is not None}
    for on in told.keys() & accepted.keys():
        before = max((other for other in told if other < on), default=None)
        after = min((other for other in told if other > on), default=None)
        low = on in fresh if before is None else bool({on, before} & fresh)
        falls = low and not _follows(told[on], None if before is None else told[before])
        if falls or (
            on in fresh and after is not None and after not in accepted and _total(told[after]) < _total(told[on])
        ):
            found.add((accepted[on], "accumulated_kwh"))
    return found


def _alone(entry: Declared, held: Mapping[str, Declared], limits: Limits) -> str:
    if entry.on in held and _equal(entry, held[entry.on]):
        return ""
    if date.fromisoformat(entry.on) > limits.today:
        return "on"
    most = Fraction(limits.capacity_w) * 25 / 1000 if limits.capacity_w else None
    return "period_kwh" if most is not None and Fraction(entry.period_kwh) > most else ""


def _total(entry: Declared) -> Fraction:
    return Fraction(entry.accumulated_kwh or 0)


def _follows(entry: Declared, before: Declared | None) -> bool:
    """Whether an accumulated figure can follow the one before, or be the very first."""
    period, room = Fraction(entry.period_kwh), slack(entry.accumulated_kwh or "", entry.period_kwh)
    if before is None:
        return _total(entry) >= period - room
    room += slack(before.accumulated_kwh or "")
    rise = _total(entry) - _total(before)
    beside = date.fromisoformat(before.on) + timedelta(days=1) == date.fromisoformat(entry.on)
    return rise >= 0 and rise >= period - room and (not beside or rise <= period + room)


def _equal(one: Declared, other: Declared) -> bool:
    if Fraction(one.period_kwh) != Fraction(other.period_kwh):
        return False
    totals = [entry.accumulated_kwh for entry in (one, other)]
    return totals == [None, None] or (None not in totals and len({Fraction(total or 0) for total in totals}) == 1)


@st.composite
def figures(draw: st.DrawFn) -> str:
    """A small number with up to four decimals, often a whole one."""
    decimals = draw(st.sampled_from([0, 0, 1, 1, 2, 4]))
    return f"{draw(st.integers(0, 40 * 10 ** min(decimals, 1))) / 10 ** min(decimals, 1):.{decimals}f}"


@st.composite
def courses(draw: st.DrawFn) -> dict[str, Declared]:
    """Some of ten days, mostly as a true course of a device would have them."""
    total = Fraction(draw(st.integers(0, 30)))
    found: dict[str, Declared] = {}
    for number in range(12):
        period = draw(figures())
        total += Fraction(period)
        if draw(st.booleans()):
            true, decimals = draw(st.integers(0, 7)) > 0, draw(st.sampled_from([0, 1, 4]))
            stated = f"{float(total):.{decimals}f}" if true else draw(figures())
            on = (FIRST + timedelta(days=number)).isoformat()
            found[on] = Declared(
                on=on, period_kwh=period, accumulated_kwh=None if draw(st.integers(0, 5)) == 0 else stated
            )
    return found


@settings(max_examples=400)
@given(course=courses(), other=courses(), data=st.data(), capacity_w=st.sampled_from([None, 800.0]))
def test_both_reckonings_agree(
    course: dict[str, Declared], other: dict[str, Declared], data: st.DataObject, capacity_w: float | None
) -> None:
    """Some of the days of a course are held, others are stated, and some are stated differently."""
    held = {on: entry for on, entry in course.items() if data.draw(st.booleans())}
    stated = [
        other.get(on, entry) if data.draw(st.integers(0, 3)) == 0 else entry
        for on, entry in course.items()
        if on not in held or data.draw(st.integers(0, 2)) == 0
    ]
    entries = data.draw(st.permutations(stated))
    limits = Limits(TODAY, capacity_w)
    problems = check(entries, held, limits)
    assert {(problem.place, problem.field) for problem in problems} == expected(entries, held, limits)
    assert [problem.place for problem in problems] == sorted(problem.place for problem in problems)
