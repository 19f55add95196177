"""What alarms say, in ten languages.

The table stands in `alarm_texts.json`: by code its severity, type and, for each language, name, cause and advice.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

from heliograph.model.alarms import Alarm, AlarmType, Severity

LANGUAGES = ("en", "zh", "ja", "it", "nl", "pt", "de", "fr", "es", "pl")
"""The languages of alarms that the hub finds itself; the codes that devices send are there in the first two."""
SILENT, INVERTER_DOWN, BATTERY_FAULTY, METER_OFFLINE, DEVICE_FAULT, DATA_MISSING = (
    "65534", "65533", "65532", "65531", "65530", "65529"
)  # fmt: skip
"""Codes of what the hub finds itself. `DEVICE_FAULT` stands in for a fault number that no table knows."""
WATCHED = (SILENT, INVERTER_DOWN, BATTERY_FAULTY, METER_OFFLINE, DEVICE_FAULT, DATA_MISSING)


class Texts(msgspec.Struct, frozen=True):
    """An alarm in one language. Steps of the advice stand on lines of their own."""

    name: str
    cause: str
    advice: str


class AlarmKind(msgspec.Struct, frozen=True):
    """What is known of a code, whichever device sends it."""

    severity: Severity
    type: AlarmType
    texts: dict[str, Texts]


@cache
def kinds() -> dict[str, AlarmKind]:
    """Every code that the hub knows."""
    found = resources.files("heliograph.model").joinpath("alarm_texts.json").read_bytes()
    return msgspec.json.decode(found, type=dict[str, AlarmKind])


def texts(alarm: Alarm, language: str) -> Texts:
    """An alarm's texts in a language.

    What the hub found itself is there in each of `LANGUAGES`: a fault whose number has no text in one of them is told
    as the fault of a device, with its number. A device's own words go before the table in English, and stand where the
    table has none; another language than those falls back on English.
    """
    kind = kinds().get(alarm.code)
    known = kind.texts.get(language) if kind is not None else None
    if alarm.name and not alarm.watched and (known is None or language == "en"):
        return Texts(alarm.name, alarm.cause, alarm.advice)
    if known is None and kind is not None and (not alarm.watched or language not in LANGUAGES):
        known = kind.texts["en"]
    return known or numbered(alarm.code, language)


def numbered(code: str, language: str) -> Texts:
    """The texts of a fault that no table explains, with its number."""
    found = kinds()[DEVICE_FAULT].texts
    text = found.get(language) or found["en"]
    return msgspec.structs.replace(text, name=f"{text.name} {code}")
