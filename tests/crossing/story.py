"""The canonical plant, what its devices measured, and what follows from it: the truth that dialects are held to.

Readings are kept by device, instant and measurement, in canonical units. What a period comes to is reckoned from them
in decimal arithmetic; nothing here comes from the hub but the names of kinds and measurements.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from heliograph.model.devices import INVERTERS, DeviceKind, MeterRole
from heliograph.model.devices import METERS as METER_KINDS
from tests.crossing.calendar import Calendar
from tests.crossing.told import ALWAYS, EVER, NOW, Fact, When

STEP_MS = 600_000
PLANT = "plant"
PRICE = Decimal("0.25")
Readings = dict[int, dict[str, float]]
Story = dict[str, Readings]
"""By serial number."""
Stated = dict[date, Decimal]
"""The energy of days. [kWh]"""


class Spec(NamedTuple):
    """A device of a plant."""

    serial: str
    kind: DeviceKind
    gateway: str = ""
    capacity_w: int | None = None
    strings: int = 0
    role: MeterRole = MeterRole.GRID
    attributes: tuple[tuple[str, str], ...] = ()
    offset_ms: int = 0
    """How long after each step it measures."""
    interval_s: int = STEP_MS // 1000


ECU, LOGGER = "215000000001", "LOGGER0000000001"
HYBRID, STRING, SILENT = "902000000001", "STR10000000338444", "STR10000000338555"
MICRO, SMALL = "902000000003", "902000000004"
BATTERY, GRID, ARRAY = "BAT0000000000001", "MET0000000000001", "MET0000000000002"
PLACES = (
    Spec(ECU, DeviceKind.GATEWAY),
    Spec(LOGGER, DeviceKind.GATEWAY),
    Spec(HYBRID, DeviceKind.HYBRID_INVERTER, ECU, 6000, 2),
    Spec(BATTERY, DeviceKind.BATTERY, HYBRID, attributes=(("capacity_wh", "10400"),)),
    Spec(STRING, DeviceKind.INVERTER, LOGGER, 10_050, 6),
    Spec(SILENT, DeviceKind.INVERTER, LOGGER, 9000),
    Spec(MICRO, DeviceKind.MICRO_INVERTER, ECU, 1600, 4, offset_ms=30_250),
    Spec(SMALL, DeviceKind.MICRO_INVERTER, ECU, 800, 2),
    Spec(GRID, DeviceKind.METER, ECU),
    Spec(ARRAY, DeviceKind.METER, ECU, role=MeterRole.PRODUCTION),
)
CAPACITY_W = 23_470
METERS = (GRID, ARRAY)
COUNTERS = {
    "ac.energy": "production", "meter.energy_forward": "purchase", "meter.energy_reverse": "feed_in",
    "battery.energy_charged": "charged", "battery.energy_discharged": "discharged", "load.energy": "consumption",
}  # fmt: skip


def _sun(cal: Calendar, at_ms: int) -> float:
    wall = cal.wall(at_ms)
    return max(0.0, math.sin(math.pi * (wall.hour + wall.minute / 60 - 5) / 15))


class _Counters:
    """Counters that rise by what each step brings, to a tenth of a watt-hour."""

    def __init__(self) -> None:
        self._tenths: dict[tuple[str, str], int] = {}

    def rise(self, serial: str, key: str, wh: float) -> float:
        known = self._tenths.get((serial, key), 5_000_000 + 1_111_111 * (len(self._tenths) + 1))
        self._tenths[serial, key] = known + round(wh * 10)
        return self._tenths[serial, key] / 10


def _inverter(place: Spec, power: float, step: int) -> dict[str, float]:
    found = {"ac.power": power, "ac.a.voltage": 228.0 + step % 37 / 10, "ac.frequency": 49.95 + step % 11 / 100}
    found["inverter.state"] = 512.0
    if step % 29 != 3:
        found["inverter.temperature"] = 20.0 + step % 173 / 10
    for n in range(1, place.strings + 1):
        volts = 310.0 + (step * 7 + n * 13) % 211 / 10
        found |= {f"pv.{n}.voltage": volts, f"pv.{n}.current": round(power / place.strings / volts, 2)}
    return found


def readings(cal: Calendar, instants: Iterable[int], hours: float) -> Story:
    """What all devices but the silent one measure at these steps, each some hours long."""
    story: Story = defaultdict(dict)
    count = _Counters()
    for step, at_ms in enumerate(instants):
        sun, made = _sun(cal, at_ms), 0.0
        for place in PLACES:
            if place.kind not in INVERTERS or place.serial == SILENT:
                continue
            power = round(sun * (place.capacity_w or 0) * 0.8 + step % 17 / 10 * (sun > 0), 1)
            made += power
            own = _inverter(place, power, step)
            own["ac.energy"] = count.rise(place.serial, "ac.energy", power * hours)
            story[place.serial][at_ms + place.offset_ms] = own
        stored = round(1500.0 * math.sin(step / 23) + step % 7 / 10, 1)
        used = 900.0 + 37.3 * (step % 19)
        bought = round(used - made - stored, 1)
        # The clamps at the loads read a little more than the balance of the others.
        story[HYBRID][at_ms]["load.energy"] = count.rise(HYBRID, "load.energy", used * 1.01 * hours)
        story[BATTERY][at_ms] = {
            "battery.power": stored, "battery.soc": 20.0 + step % 160 / 2, "battery.voltage": 398.5 + step % 9 / 10,
            "battery.soh": 97.0,
            "battery.energy_charged": count.rise(BATTERY, "in", max(-stored, 0) * hours),
            "battery.energy_discharged": count.rise(BATTERY, "out", max(stored, 0) * hours),
        }  # fmt: skip
        story[GRID][at_ms] = {
            "meter.power": bought, "meter.a.voltage": 229.0 + step % 23 / 10, "meter.frequency": 50.0 + step % 5 / 100,
            "meter.energy_forward": count.rise(GRID, "in", max(bought, 0) * hours),
            "meter.energy_reverse": count.rise(GRID, "out", max(-bought, 0) * hours),
        }  # fmt: skip
        story[ARRAY][at_ms] = {
            "meter.power": round(made, 1), "meter.energy_forward": count.rise(ARRAY, "in", made * hours),
        }  # fmt: skip
    return dict(story)


def canonical(cal: Calendar, on: date, *, before_days: int = 3, until_hour: int = 21) -> Story:
    """A day, and a reading at noon of each of the days before it.

    In an hour that comes twice the smaller micro-inverter says nothing ten minutes into the first of the two.
    """
    noons = [cal.start(on - timedelta(days=back)) + 12 * 3_600_000 for back in range(before_days, 0, -1)]
    first = -(-cal.start(on) // STEP_MS) * STEP_MS
    steps = [at_ms for at_ms in range(first, cal.end(on), STEP_MS) if cal.wall(at_ms).hour < until_hour]
    story = readings(cal, [*noons, *steps], STEP_MS / 3_600_000)
    for at_ms in list(story[SMALL]):
        wall = cal.wall(at_ms)
        if wall.minute % 60 in (10, 40) and wall.fold == 0 and len(cal.instants(on, f"{wall:%H:%M}")) == 2:
            del story[SMALL][at_ms]
    return story


def stated(on: date, days: int = 40) -> Stated:
    """What is stated of the silent inverter, for the days before one."""
    return {on - timedelta(days=back): Decimal(12_345 + 37 * back) / 1000 for back in range(1, days + 1)}


def decimal(value: float) -> Decimal:
    """The digits that a number is written with."""
    return Decimal(repr(value))


def rises(values: Iterable[tuple[int, Decimal]], *, restarts: bool) -> Iterator[tuple[int, Decimal]]:
    """What a counter gained at each reading but the first; zero is a device that has not woken up.

    One that `restarts` begins again where it falls below half; any other fall is held until the old height is passed.
    """
    top: Decimal | None = None
    for at_ms, value in values:
        if not value:
            continue
        if top is None:
            top = value
        elif value >= top or (restarts and value < top / 2):
            yield at_ms, value - top if value >= top else value
            top = value
        else:
            yield at_ms, Decimal(0)


def _powers(story: Story, serial: str, key: str) -> list[tuple[int, Decimal]]:
    """The powers that a device measured."""
    return [(at_ms, decimal(bag[key])) for at_ms, bag in story.get(serial, {}).items() if key in bag]


class Fleet:
    """The devices of a plant by what they are."""

    def __init__(self, places: Sequence[Spec] = PLACES) -> None:
        self.places = tuple(places)
        self.by_serial = {place.serial: place for place in places}
        self.inverters = tuple(place.serial for place in places if place.kind in INVERTERS)
        self.gateways = tuple(place.serial for place in places if place.kind is DeviceKind.GATEWAY)
        self.battery = next((place.serial for place in places if place.kind is DeviceKind.BATTERY), "")
        at_grid = [place for place in places if place.kind in METER_KINDS and place.role is MeterRole.GRID]
        self.grid = next((place.serial for place in at_grid), "")
        self.arrays = frozenset(place.serial for place in places if place.role is MeterRole.PRODUCTION)
        self.step_ms = max(place.interval_s for place in places) * 1000

    def gateway_of(self, serial: str) -> str:
        """The gateway that a device sends through; the first one where it names none."""
        named = self.by_serial[serial].gateway
        if named and self.by_serial[named].kind is not DeviceKind.GATEWAY:
            return self.gateway_of(named)
        return named or self.gateways[0]

    def below(self, gateway: str) -> tuple[str, ...]:
        """The inverters that send through a gateway."""
        return tuple(serial for serial in self.inverters if self.gateway_of(serial) == gateway)


class Truth(dict[Fact, Decimal]):
    """Every fact that follows from a story and from what was stated."""

    def __init__(self, cal: Calendar, story: Story, told: Stated, now_ms: int, fleet: Fleet | None = None) -> None:
        super().__init__()
        self.cal, self.now_ms, self.fleet = cal, now_ms, fleet or Fleet()
        self._instants = {serial: sorted(own) for serial, own in story.items()}
        for serial, own in story.items():
            self._readings(serial, own)
        for day, kwh in told.items():
            for when in self.cal.periods(self.cal.start(day))[1:]:
                self._add(SILENT, "production", when, kwh * 1000)
        self._together()
        self._points(story)
        self._known()

    def _readings(self, serial: str, own: Readings) -> None:
        latest: dict[str, Decimal] = {}
        counters: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
        for at_ms in sorted(own):
            bag = {key: decimal(value) for key, value in own[at_ms].items()}
            latest |= bag
            for key, value in bag.items():
                self[Fact(serial, key, ("at", at_ms))] = value
                if key in COUNTERS:
                    counters[key].append((at_ms, value))
            self._strings(serial, bag, ("at", at_ms))
            self._strings(serial, bag, ("point", at_ms // self.fleet.step_ms * self.fleet.step_ms))
        for key, value in latest.items():
            self[Fact(serial, key, NOW)] = value
        self._strings(serial, latest, NOW)
        if latest:
            self[Fact(serial, "online", NOW)] = Decimal(
                self.now_ms - max(own) <= 3 * self.fleet.by_serial[serial].interval_s * 1000
            )
        self._counted(serial, latest, counters)

    def _counted(
        self, serial: str, latest: Mapping[str, Decimal], counters: Mapping[str, list[tuple[int, Decimal]]]
    ) -> None:
        for key, values in counters.items():
            quantity = COUNTERS[key]
            if serial in self.fleet.arrays:
                quantity = "production"
            if key == "ac.energy":
                self[Fact(serial, quantity, EVER)] = latest[key]
            for at_ms, rise in rises(values, restarts=not key.startswith(("meter.", "load."))):
                for when in self.cal.periods(at_ms - 1):
                    self._add(serial, quantity, when, rise)

    def _strings(self, serial: str, bag: dict[str, Decimal], when: When) -> None:
        for n in range(1, 7):
            told = bag.get(f"pv.{n}.power")
            if told is not None:
                self[Fact(serial, f"pv.{n}.power", when)] = told
            elif f"pv.{n}.voltage" in bag and f"pv.{n}.current" in bag:
                self[Fact(serial, f"pv.{n}.power", when)] = bag[f"pv.{n}.voltage"] * bag[f"pv.{n}.current"]

    def _add(self, subject: str, quantity: str, when: When, value: Decimal) -> None:
        fact = Fact(subject, quantity, when)
        self[fact] = self.get(fact, Decimal(0)) + value

    def _together(self) -> None:
        """Plant and ECUs from their devices."""
        for fact, value in list(self.items()):
            subject, quantity, when = fact
            if quantity not in COUNTERS.values() or subject in self.fleet.arrays:
                continue
            self._add(PLANT, quantity, when, value)
            for gateway in self.fleet.gateways:
                if subject in self.fleet.below(gateway):
                    self._add(gateway, quantity, when, value)
        reported = [v for f, v in self.items() if f[:2] == (SILENT, "production") and f.when[0] == "year"]
        heard = any(Fact(serial, "production", EVER) in self for serial in self.fleet.inverters)
        if reported:
            for subject in (SILENT, PLANT, self.fleet.gateway_of(SILENT)):
                self._add(subject, "production", EVER, sum(reported, Decimal(0)))
        self._by_meters(heard=heard)
        self._worth()

    def _by_meters(self, *, heard: bool) -> None:
        """The plant's production in hours and on days of which no inverter tells, but its production meters do."""
        told = {
            kind: {self._day(when) for subject, quantity, when in self if self._made(subject, quantity, when, kind)}
            for kind in ("hour", "day")
        }
        wholes = (PLANT, *self._alone())
        for (subject, quantity, when), value in list(self.items()):
            if subject not in self.fleet.arrays or quantity != "production" or when[0] not in told:
                continue
            if (day := self._day(when)) not in told[when[0]]:
                longer: tuple[When, ...] = (("month", day[:7]), ("year", day[:4])) if when[0] == "day" else ()
                for span in (when, *longer):
                    for whole in wholes:
                        self._add(whole, "production", span, value)
        for whole in () if heard else wholes:
            years = [v for f, v in self.items() if f[:2] == (whole, "production") and f.when[0] == "year"]
            if years:
                self[Fact(whole, "production", EVER)] = sum(years, Decimal(0))

    def _made(self, subject: str, quantity: str, when: When, kind: str) -> bool:
        """Whether an inverter tells of its production in an hour or on a day."""
        return quantity == "production" and when[0] == kind and subject in self.fleet.inverters

    def _day(self, when: When) -> str:
        """The day of an hour, or of itself."""
        return str(when[1]) if when[0] == "day" else self.cal.wall(int(when[1])).date().isoformat()

    def _worth(self) -> None:
        """What the plant's production is worth, and what the house used of it."""
        for fact, made in list(self.items()):
            if fact[:2] == (PLANT, "production"):
                self[Fact(PLANT, "revenue", fact.when)] = made / 1000 * PRICE
                if (kept := self._kept(fact.when, made)) is not None:
                    self[Fact(PLANT, "balance", fact.when)] = kept
        for fact in list(self):
            if fact[:2] == (PLANT, "production") and fact.when[0] == "day":
                self._used(str(fact.when[1]))

    def _kept(self, when: When, made: Decimal) -> Decimal | None:
        """What was kept of a production, and what was bought."""
        sold, bought = self.get(Fact(PLANT, "feed_in", when)), self.get(Fact(PLANT, "purchase", when))
        return None if sold is None or bought is None else max(made - sold, Decimal(0)) + bought

    def _used(self, day: str) -> None:
        """What the house used on a day of which no load was measured: by the hour, or as a whole if it was stated."""
        if Fact(PLANT, "consumption", ("day", day)) in self:
            return
        hours: list[When] = [("hour", start) for start in self.cal.hours_of(day)]
        made = {when: self.get(Fact(PLANT, "production", when)) for when in hours}
        total: Decimal | None = None
        for when in hours if any(value is not None for value in made.values()) else ():
            if (kept := self._kept(when, made[when] or Decimal(0))) is not None:
                self[Fact(PLANT, "consumption", when)] = kept
                total = (total or Decimal(0)) + kept
        if Fact(SILENT, "production", ("day", day)) in self:
            total = self.get(Fact(PLANT, "balance", ("day", day)), total)
        if total is not None:
            for period in (("day", day), ("month", day[:7]), ("year", day[:4])):
                self._add(PLANT, "consumption", period, total)

    def _points(self, story: Story) -> None:
        """Powers of ECUs and of the plant on points of the step; on days without any inverter's, its meters'."""
        lit: set[date] = set()
        for serial in self.fleet.inverters:
            wholes = (PLANT, *(each for each in self.fleet.gateways if serial in self.fleet.below(each)))
            for at_ms, watts in _powers(story, serial, "ac.power"):
                lit.add(self.cal.wall(at_ms).date())
                for whole in wholes:
                    self._add(whole, "ac.power", self._point(at_ms), watts)
        for serial in self.fleet.arrays:
            for at_ms, watts in _powers(story, serial, "meter.power"):
                for whole in (PLANT, *self._alone()) if self.cal.wall(at_ms).date() not in lit else ():
                    self._add(whole, "ac.power", self._point(at_ms), watts)
        for at_ms, bag in story.get(self.fleet.grid, {}).items():
            if "meter.power" in bag:
                self[Fact(PLANT, "grid.power", ("point", at_ms))] = decimal(bag["meter.power"])

    def _point(self, at_ms: int) -> When:
        return ("point", at_ms // self.fleet.step_ms * self.fleet.step_ms)

    def _alone(self) -> tuple[str, ...]:
        """The gateway that stands for the plant, because it is the only one."""
        return self.fleet.gateways if len(self.fleet.gateways) == 1 else ()

    def within(self, subject: str, quantity: str, since_ms: int, width_ms: int) -> list[Decimal]:
        """The readings of a stretch of time."""
        found = self._instants.get(subject, [])
        low, high = bisect_left(found, since_ms), bisect_left(found, since_ms + width_ms)
        facts = [Fact(subject, quantity, ("at", at_ms)) for at_ms in found[low:high]]
        return [self[fact] for fact in facts if fact in self]

    def _known(self) -> None:
        """What is known without measuring."""
        self[Fact(PLANT, "capacity", ALWAYS)] = Decimal(CAPACITY_W)
        for place in self.fleet.places:
            self[Fact(place.serial, "listed", ALWAYS)] = Decimal(1)
            if place.capacity_w is not None:
                self[Fact(place.serial, "capacity", ALWAYS)] = Decimal(place.capacity_w)
            for name, text in place.attributes:
                self[Fact(place.serial, name, ALWAYS)] = Decimal(text)
            if place.kind is DeviceKind.BATTERY and place.attributes:
                gateway = self.fleet.gateway_of(place.serial)
                self[Fact(gateway, "capacity_wh", ALWAYS)] = Decimal(place.attributes[0][1])
