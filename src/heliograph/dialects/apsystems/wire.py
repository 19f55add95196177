"""The bodies of the interface. Vendor's names stand in `rename`; numbers travel as text.

Nothing is sent that the document does not print: some clients build objects from `data` by keyword.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

T = TypeVar("T")


class SystemQuery(msgspec.Struct, frozen=True, rename={"system": "sid"}):
    """A system."""

    system: str


class SystemPeriodQuery(
    msgspec.Struct, frozen=True, rename={"system": "sid", "level": "energy_level", "span": "date_range"}
):
    """A system, a level, and the day, month or year it is asked for."""

    system: str
    level: str | None = None
    span: str | None = None


class EcuQuery(msgspec.Struct, frozen=True, rename={"system": "sid", "ecu": "eid"}):
    """An ECU of a system."""

    system: str
    ecu: str


class EcuPeriodQuery(
    msgspec.Struct, frozen=True, rename={"system": "sid", "ecu": "eid", "level": "energy_level", "span": "date_range"}
):
    """An ECU, a level, and the day, month or year it is asked for."""

    system: str
    ecu: str
    level: str | None = None
    span: str | None = None


class InverterQuery(msgspec.Struct, frozen=True, rename={"system": "sid", "inverter": "uid"}):
    """An inverter of a system."""

    system: str
    inverter: str


class InverterPeriodQuery(
    msgspec.Struct,
    frozen=True,
    rename={"system": "sid", "inverter": "uid", "level": "energy_level", "span": "date_range"},
):
    """An inverter, a level, and the day, month or year it is asked for."""

    system: str
    inverter: str
    level: str | None = None
    span: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What tells a success from a refusal."""

    code: int


class Full(msgspec.Struct, Generic[T], frozen=True):
    """A success."""

    data: T
    code: int = 0


class SystemDetails(
    msgspec.Struct,
    frozen=True,
    rename={"system": "sid", "created_on": "create_date", "zone": "timezone", "ecus": "ecu"},
):
    """A system. (3.1.1)"""

    system: str
    created_on: str
    capacity: str
    """[kW]"""
    type: int
    zone: str
    ecus: list[str]


class InverterEntry(msgspec.Struct, frozen=True, rename={"inverter": "uid"}):
    """An inverter of the list. (3.1.2)"""

    inverter: str
    type: str


class EcuEntry(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"ecu": "eid", "zone": "timezone", "inverters": "inverter"},
):
    """An ECU with its inverters; model and capacity where it has storage. (3.1.2)"""

    ecu: str
    type: int
    zone: str
    inverters: list[InverterEntry]
    model: str | UnsetType = UNSET
    capacity: str | UnsetType = UNSET
    """[kWh]"""


class Summary(msgspec.Struct, frozen=True):
    """Production of four periods. (3.2.1, 3.3.1) [kWh]"""

    today: str
    month: str
    year: str
    lifetime: str


class EcuMinutes(msgspec.Struct, frozen=True):
    """Production of an ECU over a day. (3.3.2)"""

    time: list[str]
    energy: list[str]
    """Since the point before. [kWh]"""
    power: list[str]
    """[W]"""
    today: str
    """[kWh]"""


class MeterEnergy(msgspec.Struct, frozen=True):
    """The four energies of a meter ECU in one period. [kWh]"""

    consumed: str
    exported: str
    imported: str
    produced: str


class MeterSummary(msgspec.Struct, frozen=True):
    """Energies of four periods. (3.4.1)"""

    today: MeterEnergy
    month: MeterEnergy
    year: MeterEnergy
    lifetime: MeterEnergy


class MeterPower(msgspec.Struct, frozen=True):
    """Powers over a day; what is bought is positive, what is fed in negative. [W]"""

    consumed: list[str]
    imported_exported: list[str]
    produced: list[str]


class MeterEnergies(msgspec.Struct, frozen=True):
    """Energies over a day, each since the point before. [kWh]"""

    consumed: list[str]
    exported: list[str]
    imported: list[str]
    produced: list[str]


class MeterCourse(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either the energies of periods, or what a day was like; the rest is not sent. (3.4.2)"""

    time: list[str]
    produced: list[str] | UnsetType = UNSET
    consumed: list[str] | UnsetType = UNSET
    imported: list[str] | UnsetType = UNSET
    exported: list[str] | UnsetType = UNSET
    today: MeterEnergy | UnsetType = UNSET
    power: MeterPower | UnsetType = UNSET
    energy: MeterEnergies | UnsetType = UNSET


class ChannelSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """Energy of the channels that exist: of the day, the month, the year and since ever. (3.5.1) [kWh]

    The document's texts of the lines for months, years and life are copies of each other; the letters are right.
    """

    d1: str | UnsetType = UNSET
    m1: str | UnsetType = UNSET
    y1: str | UnsetType = UNSET
    t1: str | UnsetType = UNSET
    d2: str | UnsetType = UNSET
    m2: str | UnsetType = UNSET
    y2: str | UnsetType = UNSET
    t2: str | UnsetType = UNSET
    d3: str | UnsetType = UNSET
    m3: str | UnsetType = UNSET
    y3: str | UnsetType = UNSET
    t3: str | UnsetType = UNSET
    d4: str | UnsetType = UNSET
    m4: str | UnsetType = UNSET
    y4: str | UnsetType = UNSET
    t4: str | UnsetType = UNSET


Column = list[str] | UnsetType


class InverterCourse(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either `e1` to `e4`, the energies of periods by channel [kWh], or what a day was like. (3.5.2)"""

    e1: Column = UNSET
    e2: Column = UNSET
    e3: Column = UNSET
    e4: Column = UNSET
    t: Column = UNSET
    dc_p1: Column = UNSET
    dc_p2: Column = UNSET
    dc_p3: Column = UNSET
    dc_p4: Column = UNSET
    dc_i1: Column = UNSET
    dc_i2: Column = UNSET
    dc_i3: Column = UNSET
    dc_i4: Column = UNSET
    dc_v1: Column = UNSET
    dc_v2: Column = UNSET
    dc_v3: Column = UNSET
    dc_v4: Column = UNSET
    dc_e1: Column = UNSET
    dc_e2: Column = UNSET
    dc_e3: Column = UNSET
    dc_e4: Column = UNSET
    ac_v1: Column = UNSET
    ac_v2: Column = UNSET
    ac_v3: Column = UNSET
    ac_t: Column = UNSET
    ac_p: Column = UNSET
    ac_p1: Column = UNSET
    """What the live service calls `ac_p`; sent only where the settings say so. [W]"""
    ac_f: Column = UNSET


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either the energies of a day or the powers over it, of all inverters below an ECU. (3.5.3)

    `energy` holds texts `uid-channel-kWh`; `power` is by `uid-channel`, as long as `time`. [W]
    """

    energy: list[str] | UnsetType = UNSET
    time: list[str] | UnsetType = UNSET
    power: dict[str, list[str]] | UnsetType = UNSET


class ChannelEnergy(msgspec.Struct, frozen=True):
    """One entry of a batch's energies."""

    inverter: str
    channel: int
    kwh: str

    def format(self) -> str:
        """The text on the wire."""
        return f"{self.inverter}-{self.channel}-{self.kwh}"

    @classmethod
    def parse(cls, text: str) -> ChannelEnergy:
        """The entry of a text, from its right end: an inverter's id may hold hyphens. Raises ValueError."""
        inverter, channel, kwh = text.rsplit("-", 2)
        return cls(inverter, int(channel), kwh)
