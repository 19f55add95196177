"""Units: what stands on a wire, and the canonical unit that the hub keeps for each dimension.

A field of a dialect names its unit; the factor to the canonical unit is computed from here, for both directions.
"""

from __future__ import annotations

import msgspec


class Unit(msgspec.Struct, frozen=True):
    """A unit of a dimension. One of it is `factor` canonical units."""

    symbol: str
    dimension: str
    factor: float = 1.0


W = Unit("W", "power")
KW = Unit("kW", "power", 1e3)
MW = Unit("MW", "power", 1e6)
WH = Unit("Wh", "energy")
KWH = Unit("kWh", "energy", 1e3)
CENTI_KWH = Unit("0.01kWh", "energy", 10.0)
MWH = Unit("MWh", "energy", 1e6)
VAR = Unit("var", "reactive power")
KVAR = Unit("kvar", "reactive power", 1e3)
VARH = Unit("varh", "reactive energy")
KVARH = Unit("kvarh", "reactive energy", 1e3)
VA = Unit("VA", "apparent power")
KVA = Unit("kVA", "apparent power", 1e3)
V = Unit("V", "voltage")
A = Unit("A", "current")
HZ = Unit("Hz", "frequency")
OHM = Unit("ohm", "resistance")
KILOOHM = Unit("kohm", "resistance", 1e3)
DEG_C = Unit("degC", "temperature")
PERCENT = Unit("%", "percentage")
ONE = Unit("1", "number")
W_PER_M2 = Unit("W/m2", "irradiance")
WH_PER_M2 = Unit("Wh/m2", "irradiation")
KWH_PER_M2 = Unit("kWh/m2", "irradiation", 1e3)
MJ_PER_M2 = Unit("MJ/m2", "irradiation", 1e6 / 3600.0)
M_PER_S = Unit("m/s", "speed")
DEGREE = Unit("deg", "angle")
S = Unit("s", "duration")
H = Unit("h", "duration", 3600.0)
MS_EPOCH = Unit("ms since 1970", "instant")
CODE = Unit("code", "code")
TIMES = Unit("times", "count")
TEXT = Unit("text", "text")
CURRENCY = Unit("currency", "money")


def factor(wire: Unit, canonical: Unit) -> float:
    """How many canonical units one wire unit is.

    Raises ValueError when the dimensions differ.
    """
    if wire.dimension != canonical.dimension:
        raise ValueError(f"{wire.symbol} is a unit of {wire.dimension}, not of {canonical.dimension}")
    return wire.factor / canonical.factor
