"""What the samples of a device tell about its past: when something began, when it ended, what is missing."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from heliograph.clock import DAY_MS, HOUR_MS
from heliograph.model.alarm_texts import DATA_MISSING, DEVICE_FAULT, SILENT, kinds, numbered
from heliograph.model.alarms import Alarm, AlarmStatus
from heliograph.model.devices import Device
from heliograph.model.plants import Plant
from heliograph.store.alarms import Alarms
from heliograph.store.sealed import Tiers
from heliograph.watch.rules import (
    STATE_KEYS,
    Silence,
    bed,
    counts_from,
    sends_in_dark,
    silence_ms,
    silences,
    spells,
)

FAR_MS = 10 * DAY_MS
"""How far back the sample before a long silence is looked for first. [ms]"""


class Past:
    """Answers from both tiers. The same samples give the same alarms, whoever asks and when."""

    def __init__(self, tiers: Tiers, alarms: Alarms, after_s: float) -> None:
        self._tiers, self._alarms = tiers, alarms
        self._after_s = after_s
        self._counted: dict[int, tuple[int, int]] = {}
        """By device the newest sample, and when the silence after it begins to count. [ms]"""

    def counts_from(self, device: Device, plant: Plant, last_ms: int, now_ms: int) -> int | None:
        """When the silence that a device keeps now begins to count; None while it is too short to ask. [ms]"""
        wait_ms = silence_ms(device, self._after_s)
        if last_ms + wait_ms >= now_ms:
            self._counted.pop(device.id, None)
            return None
        held = self._counted.get(device.id)
        if held is None or held[0] != last_ms:
            place = bed(device, plant)
            if place and sends_in_dark(place, self._tiers.instants(device.id, last_ms - DAY_MS, last_ms + 1)):
                place = None
            held = self._counted[device.id] = (last_ms, counts_from(last_ms, wait_ms, place))
        return held[1]

    def began(self, device: Device, code: str, seen_ms: int) -> int:
        """When a state began that was seen at an instant: the first of the samples in a row that say so. [ms]"""
        series = self._tiers.series(device.id, seen_ms - DAY_MS, seen_ms + 1, STATE_KEYS)
        found = [spell.since_ms for spell in spells(device, series) if spell.code == code and spell.until_ms is None]
        return min(found, default=seen_ms)

    def ended(self, device: Device, plant: Plant, code: str, raised_ms: int, last_ms: int) -> int:
        """When what an alarm was raised for was over, of which the newest sample says nothing any more. [ms]"""
        if code == SILENT:
            for silence in self._silences(device, plant, raised_ms, last_ms + 1):
                if silence.counted_ms == raised_ms:
                    return silence.next_ms
        series = self._tiers.series(device.id, raised_ms - DAY_MS, last_ms + 1, STATE_KEYS)
        for spell in spells(device, series):
            if spell.code == code and spell.until_ms is not None and spell.since_ms <= raised_ms < spell.until_ms:
                return spell.until_ms
        return max(last_ms, raised_ms)

    def review(self, device: Device, plant: Plant, since_ms: int, until_ms: int) -> list[Alarm]:
        """The alarms for what was over within a span, and for what is missing of it, as far as none tells of it yet."""
        quiet = self._silences(device, plant, since_ms, until_ms)
        series = self._tiers.series(device.id, since_ms - HOUR_MS, until_ms, STATE_KEYS)
        over = [alarm_of(device.id, SILENT, one.counted_ms, one.next_ms) for one in quiet]
        over += [
            alarm_of(device.id, spell.code, spell.since_ms, spell.until_ms)
            for spell in spells(device, series)
            if spell.until_ms is not None and spell.until_ms >= since_ms
        ]
        over += [missing(device, one) for one in quiet]
        return self._untold(device, sorted(over, key=lambda alarm: alarm.raised_at_ms), until_ms) if over else []

    def _untold(self, device: Device, found: list[Alarm], until_ms: int) -> list[Alarm]:
        """Alarms, oldest first, without those of which another tells, or the very same one with its end."""
        held = {
            (alarm.code, alarm.raised_at_ms): alarm
            for alarm in self._alarms.find([device.id], 0, until_ms)
            if alarm.watched
        }
        untold: list[Alarm] = []
        for alarm in found:
            key = alarm.code, alarm.raised_at_ms
            same = held.get(key)
            told = _overlapping(held.values(), alarm) if same is None else same.until_ms is not None
            if not told:
                untold.append(alarm)
                held[key] = alarm
        return untold

    def filled(self, device: Device, plant: Plant, alarm: Alarm) -> bool:
        """Whether the data has come that an alarm says is missing."""
        since_ms, until_ms = alarm.raised_at_ms, alarm.until_ms
        if until_ms is None or not len(self._tiers.instants(device.id, since_ms, until_ms)):
            return False
        return not self._silences(device, plant, since_ms, until_ms + 1)

    def _silences(self, device: Device, plant: Plant, since_ms: int, until_ms: int) -> list[Silence]:
        """The silences that were broken within a span."""
        wait_ms = silence_ms(device, self._after_s)
        at_ms = self._tiers.instants(device.id, since_ms - 2 * wait_ms, until_ms)
        if not len(at_ms) or (at_ms[0] < since_ms and not (np.diff(at_ms) > wait_ms).any()):
            return []
        # What it sent in the day before each silence is needed too.
        first_ms = self._before(device, since_ms) - DAY_MS
        at_ms = self._tiers.instants(device.id, first_ms, until_ms)
        return silences(device, plant, at_ms, since_ms, self._after_s)

    def _before(self, device: Device, at_ms: int) -> int:
        """The newest sample before an instant; the instant itself when there is none. [ms]"""
        for reach_ms in (DAY_MS, FAR_MS, at_ms):
            found = self._tiers.instants(device.id, at_ms - reach_ms, at_ms)
            if len(found):
                return int(found[-1])
        return at_ms


def _overlapping(held: Iterable[Alarm], found: Alarm) -> bool:
    """Whether an alarm of the same code tells of a part of what was found."""
    until_ms = found.until_ms or found.raised_at_ms
    return any(
        one.code == found.code
        and one.raised_at_ms < until_ms
        and (one.until_ms is None or one.until_ms > found.raised_at_ms)
        for one in held
    )


def missing(device: Device, silence: Silence) -> Alarm:
    """The alarm for the samples that did not come in a silence."""
    raised_at_ms = silence.last_ms + device.interval_s * 1000
    return msgspec.structs.replace(alarm_of(device.id, DATA_MISSING, raised_at_ms), until_ms=silence.next_ms)


def alarm_of(device_id: int, code: str, raised_at_ms: int, until_ms: int | None = None) -> Alarm:
    """An alarm that the hub found itself, over when its end is known. Its texts are the English ones."""
    kind = kinds().get(code)
    text = numbered(code, "en") if kind is None else kind.texts["en"]
    kind = kind or kinds()[DEVICE_FAULT]
    return Alarm(
        device_id=device_id, code=code, raised_at_ms=raised_at_ms, cleared_at_ms=until_ms, until_ms=until_ms,
        severity=kind.severity, type=kind.type, name=text.name, cause=text.cause, advice=text.advice, watched=True,
        status=AlarmStatus.ACTIVE if until_ms is None else AlarmStatus.CLEARED,
    )  # fmt: skip
