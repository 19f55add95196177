"""The weather is plausible for its place, and dark at night."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.simulate.steps import STEP_MS, cut, stamps
from heliograph.simulate.weather import Plane, Weather, plane, weather

if TYPE_CHECKING:
    from heliograph.model.samples import Floats, Instants
    from heliograph.simulate.specs import SimulatedPlant, Site

SINCE_MS = 1_704_067_200_000
UNTIL_MS = SINCE_MS + 366 * DAY_MS
HOURS_PER_STEP = STEP_MS / HOUR_MS
# Global horizontal irradiation of a usual year, from and to. [kWh/m2]
IRRADIATION = {"shanghai": (1150, 1500), "london": (900, 1150), "new-york": (1300, 1600), "adelaide": (1650, 1950)}


@lru_cache
def year(site: Site) -> Weather:
    return cut(partial(weather, site), SINCE_MS, UNTIL_MS)


@lru_cache
def tilted(site: Site, azimuth: float) -> Plane:
    return cut(partial(plane, site, 30.0, azimuth, "open_rack_glass_polymer"), SINCE_MS, UNTIL_MS)


def of(plant: SimulatedPlant) -> Weather:
    return year(plant.site)


def facing_equator(plant: SimulatedPlant) -> Plane:
    return tilted(plant.site, 180.0 if plant.latitude > 0 else 0.0)


def elevation(at_ms: Instants, latitude: float, longitude: float) -> Floats:
    """The sun's height by the short formulas of the Astronomical Almanac, good to a few hundredths of a degree."""
    days = at_ms / DAY_MS - 10957.5
    mean = np.radians(280.460 + 0.9856474 * days)
    anomaly = np.radians(357.528 + 0.9856003 * days)
    ecliptic = mean + np.radians(1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 0.0000004 * days)
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(tilt) * np.sin(ecliptic))
    sidereal = np.radians((280.46062 + 360.98564737 * days) % 360 + longitude)
    turn, height = sidereal - ascension, np.radians(latitude)
    result: Floats = np.degrees(
        np.arcsin(np.sin(height) * np.sin(declination) + np.cos(height) * np.cos(declination) * np.cos(turn))
    )
    return result


def test_the_sun_stands_where_the_almanac_has_it(plant: SimulatedPlant) -> None:
    expected = elevation(stamps(SINCE_MS, UNTIL_MS), plant.latitude, plant.longitude)
    assert np.abs(of(plant).elevation - expected).max() < 0.06


def test_nothing_falls_while_the_sun_is_below_the_horizon(plant: SimulatedPlant) -> None:
    night = elevation(stamps(SINCE_MS, UNTIL_MS), plant.latitude, plant.longitude) < -0.06
    sky, face = of(plant), facing_equator(plant)
    for column in (sky.ghi, sky.dni, sky.dhi, face.poa_global, face.effective):
        assert not column[night].any()


def test_irradiance_is_finite_and_never_negative(plant: SimulatedPlant) -> None:
    sky, face = of(plant), facing_equator(plant)
    for column in (sky.ghi, sky.dni, sky.dhi, face.poa_global, face.effective):
        assert np.isfinite(column).all()
        assert column.min() >= 0
        assert column.max() < 1500
    assert (face.effective <= face.poa_global + 1e-9).all()


def test_direct_and_diffuse_make_up_the_whole(plant: SimulatedPlant) -> None:
    sky = of(plant)
    high = sky.elevation > 10
    whole = sky.dni * np.cos(np.radians(sky.zenith)) + sky.dhi
    assert np.abs(whole - sky.ghi)[high].max() < 1e-6


def test_a_year_of_irradiation_suits_the_place(plant: SimulatedPlant) -> None:
    low, high = IRRADIATION[plant.key]
    assert low < of(plant).ghi.sum() * HOURS_PER_STEP / 1000 < high


def test_the_middle_of_the_irradiance_is_solar_noon(plant: SimulatedPlant) -> None:
    solar_hour = (stamps(SINCE_MS, UNTIL_MS) / HOUR_MS + plant.longitude / 15) % 24
    ghi = of(plant).ghi
    assert abs((solar_hour * ghi).sum() / ghi.sum() - 12) < 0.3


def test_clouds_come_and_go(plant: SimulatedPlant) -> None:
    daily = of(plant).ghi.reshape(366, -1).sum(axis=1)
    steps = np.abs(np.diff(daily)) / daily.mean()
    assert 0.05 < np.median(steps) < 0.8


def test_summer_is_warmer_than_winter(plant: SimulatedPlant) -> None:
    months = np.array_split(of(plant).temp_air, 12)
    july_minus_january = months[6].mean() - months[0].mean()
    assert (july_minus_january > 8) if plant.latitude > 0 else (july_minus_january < -8)


def test_air_and_wind_stay_within_reason(plant: SimulatedPlant) -> None:
    sky = of(plant)
    assert sky.temp_air.min() > -25
    assert sky.temp_air.max() < 48
    assert sky.wind_speed.min() >= 0
    assert 1.5 < sky.wind_speed.mean() < 7
    assert ((sky.wind_direction >= 0) & (sky.wind_direction < 360)).all()
    assert np.abs(np.diff(sky.temp_air)).max() < 2.5


def test_cells_are_warmer_than_air_by_day_and_as_warm_at_night(plant: SimulatedPlant) -> None:
    sky, face = of(plant), facing_equator(plant)
    assert np.allclose(face.temp_cell[face.poa_global == 0], sky.temp_air[face.poa_global == 0])
    bright = face.poa_global > 600
    assert (face.temp_cell[bright] > face.temp_module[bright]).all()
    assert (face.temp_module[bright] > sky.temp_air[bright] + 3).all()
    assert face.temp_cell.max() < 95


def test_another_seed_has_another_sky_over_the_same_sun(plants: dict[str, SimulatedPlant]) -> None:
    site = plants["london"].site
    other = type(site)(site.key, site.seed + 1, *(getattr(site, name) for name in site.__struct_fields__[2:]))
    here, there = weather(site, 1231), weather(other, 1231)
    assert np.array_equal(here.elevation, there.elevation)
    assert not np.array_equal(here.ghi, there.ghi)


def test_a_tilted_plane_gets_more_in_winter_than_a_flat_one(plant: SimulatedPlant) -> None:
    winter = slice(0, 30 * 288) if plant.latitude > 0 else slice(170 * 288, 200 * 288)
    assert facing_equator(plant).poa_global[winter].sum() > 1.1 * of(plant).ghi[winter].sum()


@pytest.mark.parametrize("block", [0, 1231, 1500])
def test_any_block_can_be_computed(plants: dict[str, SimulatedPlant], block: int) -> None:
    assert np.isfinite(weather(plants["adelaide"].site, block).ghi).all()
