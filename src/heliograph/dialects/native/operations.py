"""The calls of the hub's own interface."""

from __future__ import annotations

from heliograph.dialects.native import queries as q
from heliograph.dialects.native import results as r
from heliograph.dialects.native import wire as w
from heliograph.protocol.hub import Ingested
from heliograph.protocol.operations import Operation

PREFIX = "/api/v1"
PLANTS, DEVICES, SAMPLES = "native README, Plants", "native README, Devices", "native README, Samples"
READING, ALARMS, ABOUT = "native README, Reading", "native README, Alarms", "native README, About the interface"
COMMANDS, LEDGER = "native README, Commands", "native README, Generation ledger"

LIST_PLANTS = Operation(
    name="list-plants", method="GET", path=f"{PREFIX}/plants", request=q.ListPlants, result=r.Plants, cite=PLANTS,
    summary="The plants you see.",
)  # fmt: skip
GET_PLANT = Operation(
    name="get-plant", method="GET", path=f"{PREFIX}/plants/{{plant}}", request=q.OnePlant, result=w.PlantEntry,
    cite=PLANTS, summary="One plant.",
)  # fmt: skip
CREATE_PLANT = Operation(
    name="create-plant", method="POST", path=f"{PREFIX}/plants", request=q.MakePlant, result=w.PlantEntry,
    cite=PLANTS, scope="admin", summary="Make a plant.",
)  # fmt: skip
REPLACE_PLANT = Operation(
    name="replace-plant", method="PUT", path=f"{PREFIX}/plants/{{plant}}", request=q.ReplacePlant, result=w.PlantEntry,
    cite=PLANTS, scope="admin", summary="Replace what is known of a plant; what is left out falls back to its default.",
)  # fmt: skip
LIST_DEVICES = Operation(
    name="list-devices", method="GET", path=f"{PREFIX}/devices", request=q.ListDevices, result=r.Devices, cite=DEVICES,
    summary="The devices of a plant, or all you see.",
)  # fmt: skip
GET_DEVICE = Operation(
    name="get-device", method="GET", path=f"{PREFIX}/devices/{{device}}", request=q.OneDevice, result=w.DeviceEntry,
    cite=DEVICES, summary="One device.",
)  # fmt: skip
CREATE_DEVICE = Operation(
    name="create-device", method="POST", path=f"{PREFIX}/devices", request=q.MakeDevice, result=w.DeviceEntry,
    cite=DEVICES, scope="admin", summary="Make a device.",
)  # fmt: skip
REPLACE_DEVICE = Operation(
    name="replace-device", method="PUT", path=f"{PREFIX}/devices/{{device}}", request=q.ReplaceDevice,
    result=w.DeviceEntry, cite=DEVICES, scope="admin",
    summary="Replace what is known of a device; what is left out falls back to its default.",
)  # fmt: skip
SEND_SAMPLES = Operation(
    name="send-samples", method="POST", path=f"{PREFIX}/samples", request=q.SendSamples, result=Ingested, cite=SAMPLES,
    scope="write", summary="Send samples of any devices, all or nothing.",
)  # fmt: skip
SEND_DEVICE_SAMPLES = Operation(
    name="send-device-samples", method="POST", path=f"{PREFIX}/devices/{{device}}/samples",
    request=q.SendDeviceSamples, result=Ingested, cite=SAMPLES, scope="write",
    summary="Send one or several samples of a device, all or nothing.",
)  # fmt: skip
GET_DEVICE_LATEST = Operation(
    name="get-device-latest", method="GET", path=f"{PREFIX}/devices/{{device}}/latest", request=q.OneDevice,
    result=r.LatestEntry, cite=READING, summary="The newest value of each measurement of a device.",
)  # fmt: skip
LIST_LATEST = Operation(
    name="list-latest", method="GET", path=f"{PREFIX}/latest", request=q.ListDevices, result=r.LatestList,
    cite=READING, summary="The newest values of the devices of a plant, or of all you see.",
)  # fmt: skip
GET_HISTORY = Operation(
    name="get-history", method="GET", path=f"{PREFIX}/devices/{{device}}/history", request=q.ReadHistory,
    result=r.History, cite=READING, summary="The samples of a device, streamed; the last 24 hours unless told.",
)  # fmt: skip
GET_PLANT_ENERGY = Operation(
    name="get-plant-energy", method="GET", path=f"{PREFIX}/plants/{{plant}}/energy", request=q.ReadPlantPeriods,
    result=r.Energy, cite=READING, summary="What each hour, day, month or year of a plant adds up to.",
)  # fmt: skip
GET_DEVICE_ENERGY = Operation(
    name="get-device-energy", method="GET", path=f"{PREFIX}/devices/{{device}}/energy", request=q.ReadDevicePeriods,
    result=r.Energy, cite=READING, summary="What each hour, day, month or year of a device adds up to.",
)  # fmt: skip
GET_PLANT_KPIS = Operation(
    name="get-plant-kpis", method="GET", path=f"{PREFIX}/plants/{{plant}}/kpis", request=q.ReadPlantPeriods,
    result=r.Kpis, cite=READING, summary="Performance of a plant by period, in the words of IEC 61724-1.",
)  # fmt: skip
LIST_GAPS = Operation(
    name="list-gaps", method="GET", path=f"{PREFIX}/devices/{{device}}/gaps", request=q.ReadGaps, result=r.Gaps,
    cite=READING, summary="Where samples of a device are missing; the last 30 days unless told.",
)  # fmt: skip
LIST_ALARMS = Operation(
    name="list-alarms", method="GET", path=f"{PREFIX}/alarms", request=q.ListAlarms, result=r.Alarms, cite=ALARMS,
    summary="Alarms raised in a span; the last 30 days unless told, active ones of all time.",
)  # fmt: skip
REPORT_ALARMS = Operation(
    name="report-alarms", method="POST", path=f"{PREFIX}/devices/{{device}}/alarms", request=q.ReportAlarms,
    result=r.AlarmsReported, cite=ALARMS, scope="write", summary="Report alarms of a device, or their end.",
)  # fmt: skip
HANDLE_ALARM = Operation(
    name="handle-alarm", method="PUT", path=f"{PREFIX}/devices/{{device}}/alarms/{{alarm}}", request=q.HandleAlarm,
    result=r.AlarmEntry, cite=ALARMS, scope="write", summary="Say what was done about an alarm.",
)  # fmt: skip
LIST_COMMANDS = Operation(
    name="list-commands", method="GET", path=f"{PREFIX}/devices/{{device}}/commands", request=q.ListCommands,
    result=r.Commands, cite=COMMANDS, summary="The commands of a device, newest first.",
)  # fmt: skip
GET_SETTINGS = Operation(
    name="get-settings", method="GET", path=f"{PREFIX}/devices/{{device}}/settings", request=q.ReadSettings,
    result=r.DeviceSettings, cite=COMMANDS, summary="What a device is set to, asked of the device itself.",
)  # fmt: skip
GET_COMMAND = Operation(
    name="get-command", method="GET", path=f"{PREFIX}/commands/{{command}}", request=q.OneCommand,
    result=r.CommandEntry, cite=COMMANDS, summary="One command, and how far it got.",
)  # fmt: skip
SEND_COMMAND = Operation(
    name="send-command", method="POST", path=f"{PREFIX}/devices/{{device}}/commands", request=q.SendCommand,
    result=r.CommandEntry, cite=COMMANDS, scope="control", summary="Have a device do something.",
)  # fmt: skip
CANCEL_COMMAND = Operation(
    name="cancel-command", method="POST", path=f"{PREFIX}/commands/{{command}}/cancel", request=q.CancelCommand,
    result=r.CommandEntry, cite=COMMANDS, scope="control", summary="Take back a command that was not sent yet.",
)  # fmt: skip
GET_DECLARED = Operation(
    name="get-declared", method="GET", path=f"{PREFIX}/devices/{{device}}/declared", request=q.ReadDeclared,
    result=r.DeclaredEnergy, cite=LEDGER,
    summary="What is stated of a device at present; the last 30 days unless told.",
)  # fmt: skip
DECLARE_ENERGY = Operation(
    name="declare-energy", method="POST", path=f"{PREFIX}/devices/{{device}}/declared", request=q.DeclareEnergy,
    result=r.DeclarationKept, cite=LEDGER, scope="write",
    summary="State the energy of days or months of a device, all or nothing.",
)  # fmt: skip
LIST_MEASUREMENTS = Operation(
    name="list-measurements", method="GET", path=f"{PREFIX}/measurements", request=q.Nothing, result=r.Measurements,
    cite=ABOUT, summary="Every measurement the hub has a name for, with its unit.",
)  # fmt: skip
WHO_AM_I = Operation(
    name="who-am-i", method="GET", path=f"{PREFIX}/whoami", request=q.Nothing, result=r.WhoAmI, cite=ABOUT,
    summary="What your token opens.",
)  # fmt: skip
GET_OPENAPI = Operation(
    name="get-openapi", method="GET", path=f"{PREFIX}/openapi.json", request=q.Nothing, result=r.Document, cite=ABOUT,
    public=True, summary="This interface as an OpenAPI document.",
)  # fmt: skip

OPERATIONS = (
    LIST_PLANTS, GET_PLANT, CREATE_PLANT, REPLACE_PLANT,
    LIST_DEVICES, GET_DEVICE, CREATE_DEVICE, REPLACE_DEVICE,
    SEND_SAMPLES, SEND_DEVICE_SAMPLES,
    GET_DEVICE_LATEST, LIST_LATEST, GET_HISTORY, GET_PLANT_ENERGY, GET_DEVICE_ENERGY, GET_PLANT_KPIS, LIST_GAPS,
    LIST_ALARMS, REPORT_ALARMS, HANDLE_ALARM,
    GET_SETTINGS, LIST_COMMANDS, GET_COMMAND, SEND_COMMAND, CANCEL_COMMAND,
    GET_DECLARED, DECLARE_ENERGY,
    LIST_MEASUREMENTS, WHO_AM_I, GET_OPENAPI,
)  # fmt: skip
MAKING = frozenset({CREATE_PLANT.name, CREATE_DEVICE.name, SEND_COMMAND.name})
"""The calls that are answered with 201 and the place of what they made."""
IDEMPOTENCY_KEY = "Idempotency-Key"
