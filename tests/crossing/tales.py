"""Plants and days that nobody thought of: random fleets, gaps, counters that start again, late and corrected data."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from hypothesis import strategies as st

from heliograph.simulate.fleet import advance, fleet, initial
from tests.crossing.calendar import Calendar
from tests.crossing.differences import ANY, BACK, FORWARD, HALF_BACK
from tests.crossing.story import (
    COUNTERS,
    ECU,
    LOGGER,
    METERS,
    PLACES,
    SILENT,
    Fleet,
    Readings,
    Spec,
    Stated,
    Story,
    canonical,
    stated,
)

DAYS = (
    ("Europe/London", date(2026, 6, 20), ANY),
    ("Europe/London", date(2026, 3, 29), FORWARD),
    ("Europe/London", date(2026, 10, 25), BACK),
    ("America/New_York", date(2026, 6, 20), ANY),
    ("America/New_York", date(2026, 3, 8), FORWARD),
    ("America/New_York", date(2026, 11, 1), BACK),
    ("Australia/Lord_Howe", date(2026, 6, 20), ANY),
    ("Australia/Lord_Howe", date(2026, 10, 4), FORWARD),
    ("Australia/Lord_Howe", date(2026, 4, 5), HALF_BACK),
    ("Asia/Kathmandu", date(2026, 6, 20), ANY),
    ("Asia/Shanghai", date(2026, 6, 20), ANY),
)
"""Zones, days, and what the clocks do."""
_LEFT_OUT = ("grid.", "ac.energy_today")
"""What simulated inverters tell of the grid beside its meter, and registers that repeat a counter."""


class Tale(NamedTuple):
    """What comes in, in which order, and what of it counts in the end."""

    cal: Calendar
    fleet: Fleet
    story: Story
    """What counts."""
    batches: tuple[Story, ...]
    stated: tuple[Stated, ...]
    now_ms: int


def told_once(zone: str, on: date, *, days: int = 3, until_hour: int = 21) -> Tale:
    """The canonical day, told in order."""
    cal = Calendar(zone)
    story = canonical(cal, on, before_days=days, until_hour=until_hour)
    return Tale(cal, Fleet(), story, (story,), (stated(on, max(days, 40)),), ending(story))


def ending(story: Story) -> int:
    """A minute after the last reading. [ms]"""
    return max(at_ms for own in story.values() for at_ms in own) + 60_000


def simulated(key: str, on: date) -> Tale:
    """A day of a plant of the simulated fleet."""
    plant = next(plant for plant in fleet() if plant.key == key)
    cal = Calendar(plant.zone)
    serials = {device.key: device.serial for device in plant.devices}
    places = [
        Spec(
            device.serial, device.kind, serials.get(device.gateway or "", ""),
            None if device.capacity_w is None else int(device.capacity_w), role=device.role,
            interval_s=device.interval_s,
        )
        for device in plant.devices
    ]  # fmt: skip
    since_ms, until_ms = cal.start(on), cal.end(on) - 2 * 3_600_000
    story: Story = {}
    for part in advance(plant, initial(plant, since_ms), since_ms, until_ms)[1]:
        kept = [(place, key) for place, key in enumerate(part.keys) if not key.startswith(_LEFT_OUT)]
        story[serials[part.device]] = {
            at_ms: {key: float(row[place]) for place, key in kept if row[place] == row[place]}
            for at_ms, row in zip(part.at_ms.tolist(), part.values, strict=True)
        }
    ordered = sorted(places, key=lambda place: bool(place.gateway))
    return Tale(cal, Fleet(ordered), story, (story,), (), ending(story))


def _gap(chance: random.Random, own: Readings) -> None:
    instants = sorted(own)
    first = chance.randrange(len(instants))
    for at_ms in instants[first : first + chance.randrange(1, 25)]:
        if len(own) > 1:
            del own[at_ms]


def _restart(chance: random.Random, own: Readings) -> None:
    instants = sorted(own)
    first = instants[chance.randrange(len(instants))]
    for key in [key for key in own[first] if key in COUNTERS]:
        base = own[first][key]
        for at_ms in instants:
            if at_ms >= first and own[at_ms].get(key, 0.0) >= base:
                own[at_ms][key] = round(own[at_ms][key] - base + 12.3, 1)


def _glitch(chance: random.Random, own: Readings) -> None:
    at_ms = sorted(own)[chance.randrange(len(own))]
    for key in [key for key in own[at_ms] if key in COUNTERS]:
        own[at_ms][key] = round(own[at_ms][key] * chance.choice((0.2, 0.7)), 1)


MISHAPS: tuple[Callable[[random.Random, Readings], None], ...] = (_gap, _gap, _restart, _glitch)


def _split(chance: random.Random, story: Story) -> tuple[Story, Story, Story]:
    """What comes first, some of it wrong; what comes late; and what is sent again to correct it."""
    first, late, again = Story(), Story(), Story()
    for serial, own in story.items():
        for at_ms, bag in own.items():
            fate = chance.random()
            part = late if fate < 0.15 else first
            part.setdefault(serial, {})[at_ms] = bag
            if fate > 0.95:
                first[serial][at_ms] = {key: round(value * 1.5 + 7, 1) for key, value in bag.items()}
                again.setdefault(serial, {})[at_ms] = bag
    return first, late, again


class Recipe(NamedTuple):
    """What a tale is made of."""

    day: int
    absent: frozenset[str]
    until_hour: int
    mishaps: int
    seed: int


RECIPES = st.builds(
    Recipe,
    day=st.integers(0, len(DAYS) - 1),
    absent=st.frozensets(st.sampled_from([place.serial for place in PLACES if place.serial != SILENT]), max_size=4),
    until_hour=st.sampled_from([3, 7, 13]),
    mishaps=st.integers(0, 4),
    seed=st.integers(0, 2**32),
)
"""Any plant on any of the days, with whatever may go wrong."""


def made(recipe: Recipe) -> Tale:
    """The tale of a recipe."""
    zone, on, _ = DAYS[recipe.day]
    cal = Calendar(zone)
    absent = recipe.absent - {LOGGER} if ECU in recipe.absent else recipe.absent
    places = [place for place in PLACES if place.serial not in absent]
    known = {place.serial for place in places}
    places = [place if place.gateway in known else place._replace(gateway="") for place in places]
    whole = canonical(cal, on, before_days=2, until_hour=recipe.until_hour)
    story = {place.serial: whole[place.serial] for place in places if place.serial in whole}
    chance = random.Random(recipe.seed)  # noqa: S311  a story, not a secret
    for _ in range(recipe.mishaps if story else 0):
        chance.choice(MISHAPS)(chance, story[chance.choice(sorted(story))])
    days = stated(on)
    wrong = {day: kwh + 1 for day, kwh in days.items() if chance.random() < 0.3}
    now_ms = cal.start(on) + 14 * 3_600_000
    return Tale(cal, Fleet(places), story, _split(chance, story), (days | wrong, days), now_ms)


def parts(story: Story) -> tuple[Story, Story]:
    """What inverters and batteries send, and what meters do."""
    return (
        {serial: own for serial, own in story.items() if serial not in METERS},
        {serial: own for serial, own in story.items() if serial in METERS},
    )
