"""Weather: the sun, a clear sky, clouds, air and wind at a site, and what falls on a tilted plane.

Values are instantaneous at their stamp. The clear sky is Ineichen's with the site's own turbidity; clouds are a seeded
process that gives each day a character and each hour a turn; the split into direct and diffuse is Erbs's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
import pvlib

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model.samples import Floats
from heliograph.simulate.steps import block_stamps, drift, noise, spell

if TYPE_CHECKING:
    from heliograph.model.samples import Instants
    from heliograph.simulate.specs import Climate, Site

ALBEDO = 0.2
YEAR_D = 365.2425


class Weather(msgspec.Struct, frozen=True):
    """The weather of a block of days, one value a stamp."""

    elevation: Floats
    """Of the sun above the horizon, without refraction. [deg]"""
    zenith: Floats
    """Apparent angle of the sun from the vertical. [deg]"""
    azimuth: Floats
    """Of the sun, clockwise from north. [deg]"""
    ghi: Floats
    """Global horizontal irradiance. [W/m2]"""
    dni: Floats
    """Direct normal irradiance. [W/m2]"""
    dhi: Floats
    """Diffuse horizontal irradiance. [W/m2]"""
    dni_extra: Floats
    """Direct normal irradiance outside the atmosphere. [W/m2]"""
    temp_air: Floats
    """[degC]"""
    wind_speed: Floats
    """[m/s]"""
    wind_direction: Floats
    """Where the wind comes from, clockwise from north. [deg]"""


class Plane(msgspec.Struct, frozen=True):
    """What reaches modules of one tilt and direction, one value a stamp."""

    poa_global: Floats
    """Irradiance in the plane. [W/m2]"""
    effective: Floats
    """The same after reflection at the glass. [W/m2]"""
    temp_module: Floats
    """At the back of a module. [degC]"""
    temp_cell: Floats
    """[degC]"""


class _Sun(msgspec.Struct, frozen=True):
    elevation: Floats
    zenith: Floats
    azimuth: Floats
    dni_extra: Floats
    day_of_year: Floats


def _sun(site: Site, at_ms: Instants) -> _Sun:
    times = pd.DatetimeIndex(pd.to_datetime(at_ms, unit="ms", utc=True))
    position = pvlib.solarposition.get_solarposition(
        times, site.latitude, site.longitude, altitude=site.altitude_m, method="nrel_numpy"
    )
    day_of_year = times.day_of_year.to_numpy().astype(np.float64)
    return _Sun(
        elevation=position["elevation"].to_numpy(),
        zenith=position["apparent_zenith"].to_numpy(),
        azimuth=position["azimuth"].to_numpy(),
        dni_extra=np.asarray(pvlib.irradiance.get_extra_radiation(day_of_year), dtype=np.float64),
        day_of_year=day_of_year,
    )


def _season(climate: Climate, at_ms: Instants, lag_d: float = 0.0) -> Floats:
    """1 in high summer, -1 in deep winter."""
    day = at_ms / DAY_MS % YEAR_D - climate.warmest_day - lag_d
    return np.cos(day * (2 * np.pi / YEAR_D))


def _cover(site: Site, block: int, season: Floats) -> Floats:
    """The covered share of the sky. [0..1]"""
    climate, name = site.climate, f"{site.key}/clouds"
    level = climate.cloudiness + climate.cloud_swing * season
    level = level + 1.1 * spell(site.seed, f"{name}/day", block) + 0.6 * drift(site.seed, f"{name}/hour", block, 16)
    return 1 / (1 + np.exp(-1.7 * level))


def _clear_sky_index(site: Site, block: int, cover: Floats) -> Floats:
    """How much of the clear sky's irradiance arrives. [1]"""
    name = f"{site.key}/clouds"
    flicker = 0.8 * drift(site.seed, f"{name}/quarter", block, 96) + 0.6 * noise(site.seed, f"{name}/step", block)
    broken = 4 * cover * (1 - cover)
    return np.clip(1 - 0.8 * cover**2.6 + 0.13 * broken * flicker, 0.04, 1.15)


def _irradiance(site: Site, sun: _Sun, season: Floats, index: Floats) -> tuple[Floats, Floats, Floats]:
    """Global, direct normal and diffuse irradiance; nothing while the sun is below the horizon. [W/m2]"""
    up = sun.elevation > 0
    zenith = np.where(up, sun.zenith, 90.0)
    relative = pvlib.atmosphere.get_relative_airmass(zenith)
    airmass = pvlib.atmosphere.get_absolute_airmass(relative, pvlib.atmosphere.alt2pres(site.altitude_m))
    turbidity = site.climate.turbidity + site.climate.turbidity_swing * season
    clear = pvlib.clearsky.ineichen(zenith, airmass, turbidity, site.altitude_m, sun.dni_extra)
    ghi = np.where(up, np.asarray(clear["ghi"], dtype=np.float64) * index, 0.0)
    split = pvlib.irradiance.erbs(ghi, zenith, sun.day_of_year)
    dni = np.where(up, np.asarray(split["dni"], dtype=np.float64), 0.0)
    return ghi, dni, np.where(up, np.asarray(split["dhi"], dtype=np.float64), 0.0)


def _temp_air(site: Site, at_ms: Instants, block: int, cover: Floats) -> Floats:
    climate = site.climate
    hour = at_ms / HOUR_MS + site.longitude / 15
    daily = climate.temp_daily_c * (1.1 - 0.8 * cover) * np.cos((hour - 15) * (np.pi / 12))
    anomaly = 3.0 * spell(site.seed, f"{site.key}/air/day", block) + 0.3 * drift(
        site.seed, f"{site.key}/air/hour", block, 24
    )
    return climate.temp_mean_c + climate.temp_swing_c * _season(climate, at_ms) + daily + anomaly


def _wind(site: Site, block: int) -> tuple[Floats, Floats]:
    """Speed and direction. [m/s, deg]"""
    name = f"{site.key}/wind"
    slow = 0.45 * drift(site.seed, f"{name}/speed", block, 8)
    gusts = 1 + 0.15 * noise(site.seed, f"{name}/gusts", block)
    speed = np.clip(0.9 * site.climate.wind_mean_m_s * np.exp(slow) * gusts, 0.0, 30.0)
    turn = 45 * drift(site.seed, f"{name}/turn", block, 4) + 8 * noise(site.seed, f"{name}/veer", block)
    return speed, np.mod(site.climate.wind_from_deg + turn, 360.0)


@lru_cache(maxsize=48)
def weather(site: Site, block: int) -> Weather:
    """The weather of a block of days."""
    at_ms = block_stamps(block)
    sun, season = _sun(site, at_ms), _season(site.climate, at_ms)
    cover = _cover(site, block, season)
    ghi, dni, dhi = _irradiance(site, sun, season, _clear_sky_index(site, block, cover))
    speed, direction = _wind(site, block)
    return Weather(
        elevation=sun.elevation,
        zenith=sun.zenith,
        azimuth=sun.azimuth,
        ghi=ghi,
        dni=dni,
        dhi=dhi,
        dni_extra=sun.dni_extra,
        temp_air=_temp_air(site, at_ms, block, cover),
        wind_speed=speed,
        wind_direction=direction,
    )


@lru_cache(maxsize=96)
def plane(site: Site, tilt_deg: float, azimuth_deg: float, mount: str, block: int) -> Plane:
    """What reaches a tilted plane in a block of days, and how warm the modules are."""
    sky = weather(site, block)
    total = pvlib.irradiance.get_total_irradiance(
        tilt_deg, azimuth_deg, sky.zenith, sky.azimuth, sky.dni, sky.ghi, sky.dhi,
        dni_extra=sky.dni_extra, albedo=ALBEDO, model="haydavies",
    )  # fmt: skip
    direct = np.asarray(total["poa_direct"], dtype=np.float64)
    diffuse = np.asarray(total["poa_diffuse"], dtype=np.float64)
    aoi = np.asarray(pvlib.irradiance.aoi(tilt_deg, azimuth_deg, sky.zenith, sky.azimuth), dtype=np.float64)
    effective = direct * np.asarray(pvlib.iam.physical(aoi), dtype=np.float64) + 0.95 * diffuse
    constants = pvlib.temperature.TEMPERATURE_MODEL_PARAMETERS["sapm"][mount]
    poa_global = direct + diffuse
    temp_module = pvlib.temperature.sapm_module(
        poa_global, sky.temp_air, sky.wind_speed, constants["a"], constants["b"]
    )
    temp_cell = pvlib.temperature.sapm_cell_from_module(temp_module, poa_global, constants["deltaT"])
    return Plane(
        poa_global=poa_global,
        effective=effective,
        temp_module=np.asarray(temp_module, dtype=np.float64),
        temp_cell=np.asarray(temp_cell, dtype=np.float64),
    )
