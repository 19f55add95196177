"""What each call takes: path and query parameters, and the body under `body`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from heliograph.dialects.native.wire import (
    AlarmBody,
    AlarmStep,
    CommandRequest,
    DeviceEntry,
    Id,
    LanguageWord,
    PlantEntry,
    SampleBody,
    StatedBody,
)

LevelWord = Literal["hour", "day", "month", "year"]
Since = Annotated[
    str | None,
    Meta(
        description="First instant of the span: ISO 8601 or milliseconds; without an offset, wall time of the plant.",
        examples=["2026-06-21T00:00:00Z"],
    ),
]
Until = Annotated[
    str | None,
    Meta(description="End of the span, itself outside; now when absent.", examples=["2026-06-22T00:00:00Z"]),
]
AfterId = Annotated[int, Meta(ge=0, description="The `next` of the page before.")]
PageSize = Annotated[int, Meta(ge=1, le=10_000, description="How many at most.")]
OfPlant = Annotated[int | None, Meta(description="Only this plant.")]
Language = Annotated[LanguageWord, Meta(description="Of names, causes and advice.")]
WaitS = Annotated[float, Meta(ge=0, le=30, description="How long to wait for the end before answering. [s]")]


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A call without parameters."""


class ListPlants(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the plants."""

    after: AfterId = 0
    limit: PageSize = 1000


class OnePlant(Struct, frozen=True, forbid_unknown_fields=True):
    """Which plant."""

    plant: int


class MakePlant(Struct, frozen=True, forbid_unknown_fields=True):
    """A new plant."""

    body: PlantEntry


class ReplacePlant(Struct, frozen=True, forbid_unknown_fields=True):
    """What a plant is to be."""

    plant: int
    body: PlantEntry


class ListDevices(Struct, frozen=True, forbid_unknown_fields=True):
    """Which devices, and which page of them."""

    plant: OfPlant = None
    after: AfterId = 0
    limit: PageSize = 1000


class OneDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """Which device."""

    device: int


class MakeDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """A new device."""

    body: DeviceEntry


class ReplaceDevice(Struct, frozen=True, forbid_unknown_fields=True):
    """What a device is to be."""

    device: int
    body: DeviceEntry


class SendSamples(Struct, frozen=True, forbid_unknown_fields=True):
    """Records of any devices."""

    body: SampleBody


class SendDeviceSamples(Struct, frozen=True, forbid_unknown_fields=True):
    """Records of one device."""

    device: Id
    body: SampleBody


class ReadHistory(Struct, frozen=True, forbid_unknown_fields=True):
    """Which samples of a device, in which form."""

    device: int
    since: Since = None
    until: Until = None
    keys: Annotated[
        str | None,
        Meta(description="Measurement keys with commas between; all when absent.", examples=["ac.power,pv.power"]),
    ] = None
    format: Annotated[Literal["columns", "rows"], Meta(description="One list a measurement, or one record a row.")] = (
        "columns"
    )


class ReadPlantPeriods(Struct, frozen=True, forbid_unknown_fields=True):
    """Which periods of a plant."""

    plant: int
    level: LevelWord = "day"
    since: Since = None
    until: Until = None


class ReadDevicePeriods(Struct, frozen=True, forbid_unknown_fields=True):
    """Which periods of a device."""

    device: int
    level: LevelWord = "day"
    since: Since = None
    until: Until = None


class ReadGaps(Struct, frozen=True, forbid_unknown_fields=True):
    """In which span to look for missing samples."""

    device: int
    since: Since = None
    until: Until = None


class ListAlarms(Struct, frozen=True, forbid_unknown_fields=True):
    """Which alarms, and which page of them."""

    plant: OfPlant = None
    since: Since = None
    until: Until = None
    active: Annotated[bool, Meta(description="Only those that still last.")] = False
    status: Annotated[
        str | None, Meta(description="Only these, with commas between.", examples=["active,acknowledged"])
    ] = None
    severity: Annotated[
        str | None, Meta(description="Only these, with commas between.", examples=["critical,major"])
    ] = None
    type: Annotated[str | None, Meta(description="Only these, with commas between.", examples=["protection"])] = None
    code: Annotated[str | None, Meta(description="Only these, with commas between.", examples=["2032,65534"])] = None
    device: Annotated[str | None, Meta(description="Only these, with commas between.", examples=["7,8"])] = None
    language: Language = "en"
    after: Annotated[str, Meta(description="The `next` of the page before.")] = ""
    limit: PageSize = 1000


class ReportAlarms(Struct, frozen=True, forbid_unknown_fields=True):
    """Alarms of one device."""

    device: int
    body: AlarmBody


class HandleAlarm(Struct, frozen=True, forbid_unknown_fields=True):
    """What was done about an alarm."""

    device: int
    alarm: Annotated[
        str,
        Meta(description="The `id` of the alarm: its code, `@`, and its start.", examples=["2032@2026-06-21T10:05Z"]),
    ]
    body: AlarmStep
    language: Language = "en"


class ListCommands(Struct, frozen=True, forbid_unknown_fields=True):
    """Which commands of a device, and which page of them."""

    device: int
    name: Annotated[str, Meta(description="Only those of this name.", examples=["device.switch"])] = ""
    after: AfterId = 0
    limit: PageSize = 1000


class ReadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose settings."""

    device: int


class OneCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """Which command."""

    command: Id
    wait_s: WaitS = 0


class CancelCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """Which command is not to be sent."""

    command: Id


class SendCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """What a device is to do."""

    device: int
    body: CommandRequest


class ReadDeclared(Struct, frozen=True, forbid_unknown_fields=True):
    """Which days and months of the ledger."""

    device: int
    since: Annotated[str | None, Meta(description="The first day.", examples=["2026-06-01"])] = None
    until: Annotated[
        str | None,
        Meta(description="The day after the last; tomorrow at the plant when absent.", examples=["2026-07-01"]),
    ] = None


class DeclareEnergy(Struct, frozen=True, forbid_unknown_fields=True):
    """What is stated of a device."""

    device: int
    body: StatedBody
