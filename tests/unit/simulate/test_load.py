"""Loads follow the clock on the wall, the week and the weather."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.simulate.load import Demand, _appliances, _events, demand
from heliograph.simulate.steps import BLOCK_STEPS, cut, stamps, wall_times

if TYPE_CHECKING:
    from heliograph.simulate.specs import Load, SimulatedPlant, Site
    from heliograph.simulate.steps import Counts

SINCE_MS = 1_704_067_200_000
UNTIL_MS = SINCE_MS + 366 * DAY_MS


@lru_cache
def year(site: Site, load: Load) -> Demand:
    return cut(partial(demand, site, load), SINCE_MS, UNTIL_MS)


def of(plant: SimulatedPlant) -> Demand:
    return year(plant.site, plant.load)


def by_hour(mwh: Counts, plant: SimulatedPlant) -> list[float]:
    hour = wall_times(stamps(SINCE_MS, UNTIL_MS), plant.tz).minute // 60
    return [float(mwh[hour == n].mean()) for n in range(24)]


def test_something_is_always_drawn(plant: SimulatedPlant) -> None:
    drawn = of(plant)
    assert drawn.mwh.min() > 0
    assert drawn.mvarh.min() >= 0
    assert (drawn.mvarh < drawn.mwh).all()


def test_a_household_is_busiest_in_the_evening(plants: dict[str, SimulatedPlant]) -> None:
    hours = by_hour(of(plants["london"]).mwh, plants["london"])
    assert 17 <= int(np.argmax(hours)) <= 21
    assert min(hours) == min(hours[0:6])


def test_a_household_draws_what_households_draw(plants: dict[str, SimulatedPlant]) -> None:
    assert 2500 < of(plants["london"]).mwh.sum() / 1e6 < 7500


def test_a_business_works_by_day_and_rests_at_the_weekend(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["shanghai"]
    mwh = of(plant).mwh
    hours = by_hour(mwh, plant)
    assert min(hours[9:17]) > 2 * max(hours[0:5])
    weekday = wall_times(stamps(SINCE_MS, UNTIL_MS), plant.tz).weekday
    assert mwh[weekday < 5].mean() > 1.4 * mwh[weekday >= 5].mean()


def test_cooling_follows_the_heat(plants: dict[str, SimulatedPlant]) -> None:
    months = np.array_split(of(plants["shanghai"]).mwh, 12)
    assert months[6].mean() > 1.2 * months[3].mean()


def test_a_day_keeps_its_wall_hours_across_the_clock_change(plants: dict[str, SimulatedPlant]) -> None:
    plant = plants["adelaide"]
    mwh = of(plant).mwh
    wall = wall_times(stamps(SINCE_MS, UNTIL_MS), plant.tz)
    change = (1_712_421_000_000 - SINCE_MS) // (HOUR_MS // 12)  # 2024-04-06 16:30 UTC: from +10:30 to +9:30
    work = wall.weekday < 5
    for part in (slice(change - 20 * 288, change), slice(change, change + 20 * 288)):
        minutes, drawn = wall.minute[part][work[part]], mwh[part][work[part]]
        rising = [float(drawn[minutes // 60 == hour].mean()) for hour in (5, 9)]
        assert rising[1] > 2 * rising[0]


def test_an_appliance_goes_on_into_the_next_block(plants: dict[str, SimulatedPlant]) -> None:
    site, crossing = plants["new-york"].site, 0
    for block in range(1220, 1260):
        running = [
            (first - BLOCK_STEPS, length, watts)
            for first, length, watts in _events(site, block)
            if first + length > BLOCK_STEPS
        ]
        crossing += len(running)
        assert set(running) <= set(_events(site, block + 1))
        assert _appliances(site, block + 1)[0] >= sum(watts for _, _, watts in running)
    assert crossing
