"""What the hub's own interface answers with. Values are in canonical units, null is no sample."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from heliograph.dialects.native.wire import (
    DeviceEntry,
    Instant,
    PlantEntry,
    SeverityWord,
    SourceWord,
    StateWord,
    StatusWord,
    TypeWord,
)


class Plants(Struct, frozen=True):
    """Plants by id. `next` is the `after` of the following page, null on the last."""

    plants: list[PlantEntry]
    next: int | None = None


class Devices(Struct, frozen=True):
    """Devices by id. `next` is the `after` of the following page, null on the last."""

    devices: list[DeviceEntry]
    next: int | None = None


class LatestValue(Struct, frozen=True):
    """The newest value of one measurement, and when it was measured."""

    value: float | str | None
    at: Instant


class LatestEntry(Struct, frozen=True):
    """The newest value of everything a device ever sent; `at` is its newest sample, null when it has none."""

    device: int
    at: Instant | None
    readings: dict[str, LatestValue]


class LatestList(Struct, frozen=True):
    """The newest values by device id. `next` is the `after` of the following page, null on the last."""

    latest: list[LatestEntry]
    next: int | None = None


class HistoryRow(Struct, frozen=True):
    """One record in the form that the samples calls take back."""

    at: Instant
    values: dict[str, float | str]


class History(Struct, frozen=True, omit_defaults=True):
    """The samples of a device, oldest first.

    In the form `columns`, each entry of `columns` and `texts` is as long as `at`; null means that the record lacked it.
    In the form `rows`, `samples` holds one record each without what it lacked.
    """

    device: int
    at: list[Instant] | UnsetType = UNSET
    columns: dict[str, list[float | None]] | UnsetType = UNSET
    texts: dict[str, list[str | None]] | UnsetType = UNSET
    samples: list[HistoryRow] | UnsetType = UNSET


class EnergyBucket(Struct, frozen=True, kw_only=True):
    """What a period adds up to. Energies in Wh, null where nothing was measured.

    `integrated` is the share of `production` that was integrated from power for want of a counter, `reported` the share
    that was reported for a whole day or month; `source` says in a word where it comes from, null without any.
    """

    since: Instant
    until: Instant
    production: float | None = None
    integrated: float | None = None
    pv_input: float | None = None
    feed_in: float | None = None
    purchase: float | None = None
    charged: float | None = None
    discharged: float | None = None
    consumption: Annotated[
        float | None,
        Meta(description="Measured loads; of a plant without, what it kept of its production and what it bought. [Wh]"),
    ] = None
    irradiation: Annotated[float | None, Meta(description="In the plane of the array. [Wh/m2]")] = None
    revenue: Annotated[float | None, Meta(description="[currency of the plant]")] = None
    charging_time: Annotated[float | None, Meta(description="[s]")] = None
    discharging_time: Annotated[float | None, Meta(description="[s]")] = None
    received: Annotated[float | None, Meta(description="Five-minute slots with a sample. [1]")] = None
    producing: Annotated[float | None, Meta(description="Daylight slots with production. [1]")] = None
    idle: Annotated[float | None, Meta(description="Daylight slots without production. [1]")] = None
    declared: Annotated[
        float | None, Meta(description="As it was reported for the whole period, whether it counts or not. [Wh]")
    ] = None
    computed: Annotated[
        float | None, Meta(description="What samples gave where a reported total took its place. [Wh]")
    ] = None
    reported: Annotated[float | None, Meta(description="Share of `production` that is a reported total. [Wh]")] = None
    source: SourceWord | None = None


class Energy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every period of the span, oldest first, also those in which nothing was measured."""

    plant: int
    device: int | UnsetType = UNSET
    level: str
    zone: str
    currency: str
    buckets: list[EnergyBucket]


class KpiPeriod(Struct, frozen=True, kw_only=True):
    """Performance of one period in the words of IEC 61724-1. Yields and losses are hours at rated power. [h]"""

    since: Instant
    until: Instant
    reference_yield_h: float | None
    array_yield_h: float | None
    final_yield_h: float | None
    capture_loss_h: float | None
    system_loss_h: float | None
    performance_ratio: Annotated[float | None, Meta(description="Final by reference yield, without a cap. [1]")]
    expected: Annotated[
        int,
        Meta(description="Samples due until now, at most one in five minutes, and no fewer than came. [1]"),
    ]
    received: Annotated[int, Meta(description="Five-minute slots of all devices that hold a sample. [1]")]
    availability: Annotated[float | None, Meta(description="Received by expected. [1]")]


class Kpis(Struct, frozen=True, kw_only=True):
    """Performance by period, oldest first."""

    plant: int
    level: str
    zone: str
    periods: list[KpiPeriod]


class GapEntry(Struct, frozen=True):
    """A stretch without samples; `missing` is how many were due in it."""

    since: Instant
    until: Instant
    missing: int


class Gaps(Struct, frozen=True):
    """Where samples of a device are missing, oldest first."""

    device: int
    gaps: list[GapEntry]


class AlarmEntry(Struct, frozen=True, kw_only=True):
    """An alarm; `cleared_at` is null while it lasts. `watched` says that the hub itself found it."""

    id: Annotated[
        str,
        Meta(
            description="Its name among those of the device, as a path takes it.", examples=["2032@2026-06-21T10:05Z"]
        ),
    ]
    device: int
    code: str
    raised_at: Instant
    cleared_at: Instant | None
    severity: SeverityWord
    name: str
    cause: str
    advice: str
    status: StatusWord
    type: TypeWord
    cause_id: int
    watched: bool
    until: Annotated[
        Instant | None,
        Meta(
            description="Of a watched one: when its reason ended, whoever cleared it before; where missing data ends."
        ),
    ]


class Alarms(Struct, frozen=True):
    """Alarms, oldest first. `next` is the `after` of the following page, null on the last."""

    alarms: list[AlarmEntry]
    next: str | None = None


class AlarmsReported(Struct, frozen=True):
    """How many alarms came, and how many of them were new."""

    reported: int
    new: int


class SettingEntry(Struct, frozen=True, kw_only=True):
    """What a device is set to now, and what it takes."""

    key: str
    value: str | float | bool
    unit: str
    minimum: Annotated[float | None, Meta(description="The least it takes; null where it is not limited.")]
    maximum: Annotated[float | None, Meta(description="The most it takes; null where it is not limited.")]
    precision: Annotated[float, Meta(description="The step between values that it can tell apart.")]
    choices: Annotated[list[str], Meta(description="The words it takes; empty for numbers, switches and other texts.")]
    fixed: Annotated[bool, Meta(description="Whether it can only be read.")]


class DeviceSettings(Struct, frozen=True):
    """The settings of a device, by key, as it told them just now."""

    device: int
    settings: list[SettingEntry]


class CommandEntry(Struct, frozen=True, kw_only=True):
    """A command and how far it got. `code` is the device's own word for why it refused or failed, if it has one."""

    id: int
    device: int
    name: str
    arguments: dict[str, str | float | bool]
    state: StateWord
    settled: Annotated[bool, Meta(description="Whether nothing about it will change any more.")]
    progress: Annotated[float, Meta(description="How much is done, where the device tells. [%]")]
    code: str
    key: str
    credential: Annotated[int, Meta(description="Who gave it; 0 for the operator of the hub.")]
    accepted_at: Instant
    changed_at: Instant
    expires_at: Annotated[Instant, Meta(description="When it is given up if it could not be sent.")]


class Commands(Struct, frozen=True):
    """Commands of a device, newest first. `next` is the `after` of the following page, null on the last."""

    commands: list[CommandEntry]
    next: int | None = None


class DeclaredEntry(Struct, frozen=True, kw_only=True):
    """What is stated of a day or month, digit by digit. [kWh]"""

    on: str
    period_kwh: str
    accumulated_kwh: str | None


class DeclaredEnergy(Struct, frozen=True):
    """What is stated of a device at present, oldest first; a month stands before its first day."""

    device: int
    declared: list[DeclaredEntry]


class DeclarationKept(Struct, frozen=True):
    """What became of a statement: its number in the ledger, and how many entries are new, known, or corrections."""

    statement: int
    new: int
    unchanged: int
    corrected: int


class MeasurementEntry(Struct, frozen=True):
    """A quantity: its key, the unit it is kept and given in, its meaning, and what a period makes of its readings."""

    key: str
    unit: str
    help: str
    aggregation: str


class Measurements(Struct, frozen=True):
    """The catalogue of measurements."""

    measurements: list[MeasurementEntry]


class WhoAmI(Struct, frozen=True):
    """What the token opens. Null for `plants` or `operations` means all."""

    account: int
    credential: int
    scopes: list[str]
    plants: list[int] | None
    operations: list[str] | None


class Document(Struct, frozen=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: Raw
    paths: Raw
    components: Raw
