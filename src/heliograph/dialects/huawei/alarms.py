"""The alarms of plants or devices, filtered, in the language asked for. (2.16)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from heliograph.clock import DAY_MS
from heliograph.dialects.huawei.codes import (
    NO_DEVICE,
    NO_DEVICES,
    NO_LANGUAGE,
    NO_PLANTS,
    TOO_LONG,
    TOO_MANY_DEVICES_2,
    TOO_MANY_PLANTS,
    TOO_OLD,
    WRONG_LANGUAGE,
    WRONG_SPAN,
    refuse,
)
from heliograph.dialects.huawei.lookup import (
    PLANTS,
    blank,
    instant,
    known_plants,
    seen_devices,
    split_ids,
    type_id,
    whole,
)
from heliograph.dialects.huawei.operations import LIST_ALARMS, MOST_IDS, MOST_WATCHED
from heliograph.dialects.huawei.wire import AlarmEntry, AlarmList
from heliograph.model.alarm_texts import texts
from heliograph.protocol.operations import Call, Handler, handle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.dialects.huawei.wire import AlarmQuery, Param
    from heliograph.model.alarms import Alarm
    from heliograph.model.devices import Device

LANGUAGES = {
    "zh_CN": "zh", "en_UK": "en", "en_US": "en", "ja_JP": "ja", "it_IT": "it", "nl_NL": "nl", "pt_BR": "pt",
    "de_DE": "de", "fr_FR": "fr", "es_ES": "es", "po_PO": "pl", "pl_PL": "pl",
}  # fmt: skip
"""The languages of 2.16, and two spellings that clients use beside `en_UK` and `po_PO`."""
LONGEST_MS = 31 * DAY_MS
HORIZON_MS = 365 * DAY_MS
_LONGEST_NUMBER = 18
"""Digits that a 64-bit integer surely holds."""

Numbers = frozenset[int]


class Filter(msgspec.Struct, frozen=True):
    """What alarms are wanted; None lets everything through."""

    statuses: Numbers | None
    levels: Numbers | None
    kinds: Numbers | None
    device_types: Numbers | None
    device_name: str
    """A part of the name, in lower case."""

    def wants_device(self, device: Device) -> bool:
        """Whether the alarms of a device are wanted."""
        return _wanted(type_id(device), self.device_types) and self.device_name in device.name.casefold()

    def wants(self, alarm: Alarm) -> bool:
        """Whether an alarm of such a device is wanted."""
        return (
            _wanted(alarm.status, self.statuses)
            and _wanted(alarm.severity, self.levels)
            and _wanted(alarm.type, self.kinds)
        )


def _wanted(number: int, numbers: Numbers | None) -> bool:
    return numbers is None or number in numbers


def _numbers(value: Param) -> Numbers | None:
    """The numbers of a filter; what is no number matches nothing. None when the filter is absent or empty."""
    parts = split_ids(value)
    if parts is None:
        return frozenset()
    return frozenset(number for part in parts if (number := whole(part)) is not None) if parts else None


def _filter(query: AlarmQuery) -> Filter:
    name = query.device_name
    return Filter(
        statuses=_numbers(query.status),
        levels=_numbers(query.levels),
        kinds=_numbers(query.kinds),
        device_types=_numbers(query.device_types),
        device_name="" if name is None else str(name).strip().casefold(),
    )


def _ids(query: AlarmQuery) -> tuple[list[str], list[str]]:
    """The codes of plants and the numbers of devices. Raises VendorError when there are none, or too many."""
    codes, numbers = split_ids(query.plants), split_ids(query.devices)
    if codes is None or numbers is None:
        raise refuse(NO_PLANTS if codes is None else NO_DEVICES)
    if not codes and not numbers:
        raise refuse(NO_DEVICE if blank(query.devices) else NO_PLANTS)
    if len(codes) > MOST_IDS:
        raise refuse(TOO_MANY_PLANTS)
    if len(numbers) > MOST_WATCHED:
        raise refuse(TOO_MANY_DEVICES_2, f"more than {MOST_WATCHED} devices in one call")
    return codes, numbers


def _span(call: Call[AlarmQuery]) -> tuple[int, int]:
    """Both ends of the time asked for, which both belong to it. [ms, ms] Raises VendorError."""
    begin_ms, end_ms = instant(call.request.begin_ms, "beginTime"), instant(call.request.end_ms, "endTime")
    if begin_ms > end_ms:
        raise refuse(WRONG_SPAN)
    if begin_ms < call.now_ms - HORIZON_MS:
        raise refuse(TOO_OLD)
    if end_ms - begin_ms > LONGEST_MS:
        raise refuse(TOO_LONG)
    return begin_ms, end_ms


def _language(value: Param) -> str:
    """The hub's word for a language. Raises VendorError."""
    name = value.strip() if isinstance(value, str) else value
    if name is None or name == "":
        raise refuse(NO_LANGUAGE)
    if not isinstance(name, str) or name not in LANGUAGES:
        raise refuse(WRONG_LANGUAGE)
    return LANGUAGES[name]


async def _owners(
    call: Call[Any], codes: Sequence[str], numbers: Sequence[str]
) -> tuple[list[Device], dict[int, tuple[str, str]]]:
    """The devices asked for, and code and name of each plant. Devices that stand in none of the plants are left out.

    Raises VendorError when no plant, or no device, is known.
    """
    if codes:
        plants = {each.plant.id: (each.code, each.plant.name) for each in await known_plants(call, codes)}
        if not numbers:
            return await call.hub.devices(call.caller, list(plants)), plants
        return [each for _, each in await seen_devices(call, numbers) if each.plant_id in plants], plants
    devices = [each for _, each in await seen_devices(call, numbers)]
    owners = await call.hub.plants(call.caller, list({each.plant_id for each in devices}))
    named = await call.hub.wire_ids(PLANTS, [plant.id for plant in owners])
    return devices, {plant.id: (code, plant.name) for code, plant in zip(named, owners, strict=True)}


def number_of(code: str) -> int | str:
    """The `alarmId`: a number where the code is one, else its text."""
    return int(code) if code.isascii() and code.isdigit() and len(code) <= _LONGEST_NUMBER else code


def alarm_entry(alarm: Alarm, device: Device, plant: tuple[str, str], language: str) -> AlarmEntry:
    """An alarm in the words of 2.16; `plant` is code and name."""
    told = texts(alarm, language)
    return AlarmEntry(
        plant=plant[0],
        name=told.name,
        device=device.name,
        advice=told.advice,
        serial=device.serial,
        type_id=type_id(device),
        cause_id=alarm.cause_id,
        cause=told.cause,
        kind=int(alarm.type),
        raised_at_ms=alarm.raised_at_ms,
        code=number_of(alarm.code),
        plant_name=plant[1],
        level=int(alarm.severity),
        status=int(alarm.status),
    )


async def list_alarms(call: Call[AlarmQuery]) -> AlarmList:
    """The alarms that were raised in a time, the oldest first. Raises VendorError. (2.16)"""
    codes, numbers = _ids(call.request)
    begin_ms, end_ms = _span(call)
    language = _language(call.request.language)
    wanted = _filter(call.request)
    devices, plants = await _owners(call, codes, numbers)
    by_id = {device.id: device for device in devices if wanted.wants_device(device)}
    found = await call.hub.alarms(call.caller, list(by_id), begin_ms, end_ms + 1)
    return AlarmList(
        [
            alarm_entry(alarm, by_id[alarm.device_id], plants[by_id[alarm.device_id].plant_id], language)
            for alarm in found
            if wanted.wants(alarm)
        ]
    )


HANDLERS: tuple[Handler, ...] = (handle(LIST_ALARMS, list_alarms),)
