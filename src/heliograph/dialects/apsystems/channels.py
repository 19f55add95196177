"""The channels of an inverter, made of its strings, and the energy that belongs to each.

The document has four channels. An inverter with more strings has those from the fourth on together on channel 4; one
that tells of no string has a single channel.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from heliograph.clock import HOUR_MS
from heliograph.model import measurements as m
from heliograph.model.derive import derive, sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heliograph.model.samples import Floats, Instants

CHANNELS = 4
MAX_GAP_MS = HOUR_MS
"""The longest stretch between two samples across which power counts, as the hub folds it. [ms]"""
DARK_WH = 1e-9
"""What an hour's powers must hold at least to tell how its production divides. [Wh]"""
_QUANTITIES = frozenset({"power", "voltage", "current"})


class Channel(msgspec.Struct, frozen=True):
    """A channel and its strings; none for the only channel of an inverter that tells of no string."""

    number: int
    strings: tuple[int, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The measurements that its power is made of."""
        if not self.strings:
            return (m.PV_POWER.key, *sources(m.PV_POWER.key))
        return tuple(f"pv.{each}.{quantity}" for each in self.strings for quantity in ("power", "voltage", "current"))


@lru_cache(maxsize=1024)
def channels(keys: frozenset[str]) -> tuple[Channel, ...]:
    """The channels of an inverter that sent these measurements."""
    parts = (key.split(".") for key in keys if key.startswith("pv."))
    strings = sorted({int(p[1]) for p in parts if len(p) == 3 and p[1].isdigit() and p[2] in _QUANTITIES})
    if not strings:
        return (Channel(1, ()),)
    found: dict[int, list[int]] = {}
    for string in strings:
        found.setdefault(min(max(string, 1), CHANNELS), []).append(string)
    return tuple(Channel(number, tuple(of)) for number, of in found.items())


def power(channel: Channel, columns: Mapping[str, Floats]) -> Floats | None:
    """The power of a channel: told, else voltage times current; None when there is neither. [W]"""
    if not channel.strings:
        told = columns.get(m.PV_POWER.key)
        return derive(m.PV_POWER.key, columns) if told is None else told
    return _added([_string_power(each, columns) for each in channel.strings])


def _string_power(string: int, columns: Mapping[str, Floats]) -> Floats | None:
    told = columns.get(f"pv.{string}.power")
    volts, amperes = columns.get(f"pv.{string}.voltage"), columns.get(f"pv.{string}.current")
    if volts is None or amperes is None:
        return told
    return volts * amperes if told is None else np.where(np.isnan(told), volts * amperes, told)


def current(channel: Channel, columns: Mapping[str, Floats]) -> Floats | None:
    """The current of a channel: the sum of its strings'. [A]"""
    return _added([columns.get(f"pv.{each}.current") for each in channel.strings])


def voltage(channel: Channel, columns: Mapping[str, Floats]) -> Floats | None:
    """The voltage of a channel: that of its first string. [V]"""
    return columns.get(f"pv.{channel.strings[0]}.voltage") if channel.strings else None


def _added(parts: Sequence[Floats | None]) -> Floats | None:
    found = [part for part in parts if part is not None]
    if len(found) < 2:
        return found[0] if found else None
    matrix = np.vstack(found)
    total: Floats = np.where(np.isnan(matrix).all(axis=0), np.nan, np.nansum(matrix, axis=0))
    return total


def powers(each: Sequence[Channel], columns: Mapping[str, Floats], rows: int) -> Floats:
    """The powers of channels, one row a channel, NaN where nothing tells. [W]"""
    found = [power(channel, columns) for channel in each]
    return np.vstack([np.full(rows, np.nan) if one is None else one for one in found])


def divide(at_ms: Instants, watts: Floats, starts: Instants, produced: Floats) -> Floats:
    """The energy of each channel since the sample before, so that an hour's adds up to what the hour produced. [Wh]

    `watts` has a row for each channel; `starts` the hours and their end, `produced` the total of each [Wh]. It is what
    lies under the straight lines between powers, in proportion. In an hour whose total is not known it stands as it is;
    one that was produced without any power is spread evenly over its samples. What an hour without any sample produced
    stands at the sample before: points are told as earlier than what was measured within them.
    """
    energy = np.zeros_like(watts)
    if not len(at_ms):
        return energy
    width = np.diff(at_ms)
    width = np.where(width <= MAX_GAP_MS, width, 0) / HOUR_MS
    known = np.maximum(np.nan_to_num(watts), 0.0)
    energy[:, 1:] = (known[:, 1:] + known[:, :-1]) / 2 * width
    hours = len(produced)
    hour = np.clip(np.searchsorted(starts, at_ms, "left") - 1, 0, hours - 1)
    under = np.bincount(hour, energy.sum(axis=0), hours)
    count = np.bincount(hour, minlength=hours)
    told, lit = np.isfinite(produced), under > DARK_WH
    energy *= np.divide(produced, under, out=np.ones(hours), where=told & lit)[hour]
    evenly = np.divide(produced, count, out=np.zeros(hours), where=told & ~lit & (count > 0)) / len(watts)
    dark = ~lit[hour]
    energy[:, dark] = evenly[hour][dark]
    for empty in np.flatnonzero((count == 0) & told & (np.nan_to_num(produced) > 0)).tolist():
        place = max(int(np.searchsorted(at_ms, starts[empty + 1], "right")) - 1, 0)
        energy[:, place] += in_proportion(known[:, place : place + 1], produced[empty : empty + 1])[:, 0]
    return energy


def in_proportion(weights: Floats, produced: Floats) -> Floats:
    """What each channel (row) has of what each period (column) produced; evenly where nothing tells. [Wh]"""
    total = weights.sum(axis=0)
    share = np.divide(weights, total, out=np.full(weights.shape, 1.0 / len(weights)), where=total > 0)
    divided: Floats = share * np.nan_to_num(produced)
    return divided
