"""The points of an electricity meter, device type 1.

The document prints names in an example and refers to an appendix of point definitions that is not part of it. The
units are those of the utility meters these names come from: kilowatts and kilowatt-hours. Points of other device types
are kept under their own names.
"""

from __future__ import annotations

from heliograph.model import measurements as m
from heliograph.model.units import HZ, KVAR, KVARH, KW, KWH, ONE, PERCENT, A, V
from heliograph.protocol.fields import Field, FieldTable

_SIBLING = "not printed; the sibling of a printed point"

METER = FieldTable(
    "energy_expert",
    "meter",
    (
        Field("Ua", m.METER_A_VOLTAGE, V),
        Field("Ub", m.METER_B_VOLTAGE, V),
        Field("Uc", m.METER_C_VOLTAGE, V),
        Field("Ia", m.METER_A_CURRENT, A),
        Field("Ib", m.METER_B_CURRENT, A),
        Field("Ic", m.METER_C_CURRENT, A),
        Field("P", m.METER_POWER, KW),
        Field("Pa", m.METER_A_POWER, KW),
        Field("Pb", m.METER_B_POWER, KW, note=_SIBLING),
        Field("Pc", m.METER_C_POWER, KW, note=_SIBLING),
        Field("Q", m.METER_REACTIVE_POWER, KVAR),
        Field("Qa", m.METER_A_REACTIVE_POWER, KVAR, note=_SIBLING),
        Field("Qb", m.METER_B_REACTIVE_POWER, KVAR, note=_SIBLING),
        Field("Qc", m.METER_C_REACTIVE_POWER, KVAR, note=_SIBLING),
        Field("COSQ", m.METER_POWER_FACTOR, ONE),
        Field("F", m.METER_FREQUENCY, HZ),
        Field("VdisPer", m.METER_VOLTAGE_UNBALANCE, PERCENT),
        Field("dp_imp", m.METER_DEMAND_FORWARD, KW),
        Field("dp_exp", m.METER_DEMAND_REVERSE, KW),
        Field("Ep_imp", m.METER_FORWARD, KWH),
        Field("Ep_exp", m.METER_REVERSE, KWH),
        Field("eq_imp", m.METER_REACTIVE_FORWARD, KVARH),
        Field("eq_exp", m.METER_REACTIVE_REVERSE, KVARH),
        # The four tariffs in the order Chinese meters number them.
        Field("Ep_imp_1", m.METER_TARIFF["energy_forward", "sharp"], KWH),
        Field("Ep_imp_2", m.METER_TARIFF["energy_forward", "peak"], KWH),
        Field("Ep_imp_3", m.METER_TARIFF["energy_forward", "flat"], KWH),
        Field("Ep_imp_4", m.METER_TARIFF["energy_forward", "valley"], KWH),
    ),
    cite="PushDeviceData, Request parameters, example of data",
)
