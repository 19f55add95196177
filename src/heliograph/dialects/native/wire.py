"""The bodies of the hub's own interface that travel towards it, or both ways, and its refusals.

Values are in canonical units, numbers are float64, null is no sample.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from heliograph.model.devices import DeviceKind, MeterRole, ReportedRule
from heliograph.model.plants import BuildState, GridType

Instant = Annotated[
    str,
    Meta(
        description="An instant: ISO 8601 in UTC with milliseconds and Z.",
        examples=["2026-06-21T10:05:00.000Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
GivenInstant = Annotated[
    int | str,
    Meta(
        description="ISO 8601, or milliseconds since 1970. A text without an offset is wall time of the plant's zone.",
        examples=["2026-06-21T10:05:00Z", 1782036300000, "2026-06-21T12:05:00"],
    ),
]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
NewOrId = Annotated[
    int, Meta(ge=0, le=2**63 - 1, description="The hub's own id. Leave it out, or 0, when making a new one.")
]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[str, Meta(max_length=500)]
Power = Annotated[float, Meta(ge=0, description="[W]")]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="[deg north]")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="[deg east]")]
SeverityWord = Literal["critical", "major", "minor", "warning"]
StatusWord = Literal["active", "acknowledged", "ticketed", "handled", "cleared_by_user", "cleared"]
StepWord = Literal["acknowledged", "ticketed", "handled", "cleared"]
TypeWord = Literal["transposition", "exception", "protection", "notification", "information"]
LanguageWord = Literal["en", "zh", "ja", "it", "nl", "pt", "de", "fr", "es", "pl"]
StateWord = Literal["accepted", "sent", "confirmed", "refused", "unknown", "failed", "expired", "cancelled"]
SourceWord = Literal["computed", "reported", "mixed"]
Energy = Annotated[
    Raw,
    Meta(
        description="A text or a number with at most 4 decimals, kept digit by digit. [kWh]",
        examples=["51.20", 51.2],
        extra_json_schema={"type": ["string", "number"]},
    ),
]


class PlantEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plant: one site, one time zone. What a GET gives, a PUT takes."""

    id: NewOrId = 0
    name: Name
    zone: Annotated[str, Meta(description="IANA time zone; days, months and years are this zone's.")]
    address: Line = ""
    capacity_w: (
        Annotated[float, Meta(ge=0, description="Direct-current rating at standard test conditions. [W]")] | None
    ) = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    grid_type: GridType = GridType.COMMERCIAL
    build_state: BuildState = BuildState.CONNECTED
    connected_on: date | None = None
    contact_name: Line = ""
    contact_phone: Line = ""
    poverty_alleviation: bool = False
    kpi_profile: Annotated[Name, Meta(description="Which constants the vendors' performance figures use.")] = (
        "huawei-2020"
    )
    tariff: Annotated[
        tuple[float, ...],
        Meta(description="Price of a kilowatt-hour: none, one, or 24 by local hour. [currency per kWh]"),
    ] = ()
    currency: Name = "CNY"
    disabled: bool = False


class DeviceEntry(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"plant_id": "plant", "gateway_id": "gateway"},
):
    """A device of a plant. What a GET gives, a PUT takes."""

    id: NewOrId = 0
    plant_id: Id
    kind: DeviceKind
    name: Name
    serial: Line = ""
    model: Line = ""
    firmware: Line = ""
    capacity_w: Power | None = None
    role: Annotated[MeterRole, Meta(description="What a meter measures; of no meaning for other kinds.")] = (
        MeterRole.GRID
    )
    gateway_id: Annotated[Id | None, Meta(description="The device that carries this one's data.")] = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    interval_s: Annotated[int, Meta(ge=1, le=86_400, description="How often a sample is expected. [s]")] = 300
    attributes: dict[str, str] = {}
    disabled: bool = False
    reported: Annotated[
        ReportedRule,
        Meta(
            description=(
                "Which total of a day counts where one was reported and one computed from samples: the reported one, "
                "the computed one, or the reported one only where samples are missing."
            )
        ),
    ] = ReportedRule.FILLS


class Sample(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What one device measured at one instant. Numbers and texts are kept as they are; null is no sample."""

    at: GivenInstant
    values: Annotated[
        dict[str, float | str | None],
        Meta(description="By measurement key, in the unit of the catalogue; a key that it lacks is kept too."),
    ]
    device: Annotated[
        Id | str | UnsetType,
        Meta(description="The hub's id, as a number or as text; required unless the path says it."),
    ] = UNSET


class SampleBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Either several records under `samples`, or the three fields of a single one."""

    samples: list[Sample] | UnsetType = UNSET
    at: GivenInstant | UnsetType = UNSET
    values: dict[str, float | str | None] | UnsetType = UNSET
    device: Id | str | UnsetType = UNSET


SampleBody = list[Sample] | SampleBatch


class AlarmReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alarm as a device reports it. The same code and `raised_at` again updates the end."""

    code: Name
    raised_at: GivenInstant
    cleared_at: GivenInstant | None = None
    severity: SeverityWord = "warning"
    name: Line = ""
    cause: Line = ""
    advice: Line = ""
    type: TypeWord = "exception"
    cause_id: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 1


AlarmBody = list[AlarmReport] | AlarmReport


class AlarmStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was done about an alarm; `cleared` says that a person holds it to be over."""

    status: StepWord
    note: Annotated[Line, Meta(description="For the audit trail.")] = ""


class CommandRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device is to do."""

    name: Annotated[Name, Meta(examples=["device.switch", "firmware.upgrade", "settings.write"])]
    arguments: dict[str, str | float | bool] = {}
    key: Annotated[
        Name | None, Meta(description="The same key is the same command; the header Idempotency-Key says it too.")
    ] = None
    wait_s: Annotated[float, Meta(ge=0, le=30, description="How long to wait for the end before answering. [s]")] = 0


class StatedEnergy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The energy of one day or month, as you state it."""

    on: Annotated[
        Raw,
        Meta(
            description="`YYYY-MM-DD` for a day, `YYYY-MM` for a month, of the plant's calendar.",
            examples=["2026-06-20"],
            extra_json_schema={"type": "string"},
        ),
    ]
    period_kwh: Energy
    accumulated_kwh: Annotated[
        Raw,
        Meta(
            description="All energy up to the end of the period, where it is told; otherwise like `period_kwh`. [kWh]",
            examples=["18330.45"],
            extra_json_schema={"type": ["string", "number", "null"]},
        ),
    ] = field(default_factory=lambda: Raw(b"null"))


MOST_STATED = 4000
"""How many days or months one call may state. [1]"""
StatedBody = Annotated[list[StatedEnergy], Meta(min_length=1, max_length=MOST_STATED)] | StatedEnergy


class WrongRecord(Struct, frozen=True, omit_defaults=True):
    """What is wrong with one of the records: its place in the body from 0, the member, and why."""

    place: int
    field: str
    message: str
    group: Annotated[int, Meta(description="Which of several lists it stands in, from 0.")] = 0


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refusal in the form of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    field: Annotated[str, Meta(description="The place in the request.")] = ""
    device: Annotated[str, Meta(description="The device it concerns.")] = ""
    retry_after_s: Annotated[float | None, Meta(description="When the same call may pass. [s]")] = None
    request_id: str = ""
    records: Annotated[list[WrongRecord], Meta(description="Every record that is wrong.")] = []
