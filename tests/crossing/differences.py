"""Where dialects cannot agree by design, why, and how each row is recognised.

A fact that a dialect told and that is not the truth must be explained by a row; a row must explain something wherever
it says that it occurs. `docs/crossing.md` is written from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from tests.crossing.story import Truth
from tests.crossing.told import EVER, NOISE, Fact, Saying, Told, When

Explains = Callable[[Saying, Truth], bool]
ANY, BACK, FORWARD = "any day", "days on which an hour comes twice", "days on which an hour is skipped"
HALF_BACK = "days on which half an hour comes twice"


class Difference(NamedTuple):
    """A row: who differs in what, why, when it occurs, and how it shows."""

    name: str
    dialects: tuple[str, ...]
    quantity: str
    reason: str
    occurs: tuple[str, ...]
    explains: Explains


def _is(told: Told, values: Iterable[Decimal | None]) -> bool:
    return any(value is not None and told.agrees(Told(value, NOISE)) for value in values)


def _repeated(said: Saying, truth: Truth) -> bool:
    """The sum of the two hours, of which one may be missing."""
    return said.fact.when[0] == "twice" and _is(said.told, [_both(*said.fact, truth)])


def _both(subject: str, quantity: str, when: When, truth: Truth) -> Decimal | None:
    """An energy of both hours of a number that comes twice; None where it is known of neither."""
    day, hour = str(when[1]).split(" ")
    starts = [start for start in truth.cal.hours_of(day) if truth.cal.wall(start).hour == int(hour)]
    found = [truth.get(Fact(subject, quantity, ("hour", start))) for start in starts]
    known = [value for value in found if value is not None]
    return sum(known, Decimal(0)) if known else None


def _skipped(said: Saying, truth: Truth) -> bool:
    del truth
    return said.fact.when[0] == "skipped" and said.told.value == 0


def _nothing(said: Saying, truth: Truth) -> bool:
    """A nought for a fact that there is none of."""
    if said.dialect == "huawei" and said.call != "getStationRealKpi":
        return False
    return said.fact not in truth and said.fact.when[0] != "skipped" and said.told.value == 0


def _either(said: Saying, truth: Truth) -> bool:
    fact = said.fact
    if fact.when[0] != "either":
        return False
    day, clock = str(fact.when[1]).split(" ")
    minutes = truth.cal.instants_of(day, clock)
    near = [Fact(fact.subject, fact.quantity, (kind, at)) for at in minutes for kind in ("at", "point")]
    later = [value for at in minutes for value in truth.within(fact.subject, fact.quantity, at, 60_000)]
    return _is(said.told, [*(truth.get(each) for each in near), *later]) or said.told.value == 0


def _within(said: Saying, truth: Truth, width_ms: int) -> bool:
    """What was measured within a while from the time that was told."""
    fact = said.fact
    if fact.when[0] not in ("at", "point") or not isinstance(fact.when[1], int):
        return False
    return _is(said.told, truth.within(fact.subject, fact.quantity, fact.when[1], width_ms))


def _seconds(said: Saying, truth: Truth) -> bool:
    return said.fact.when[0] == "at" and _within(said, truth, 1000)


def _minutes(said: Saying, truth: Truth) -> bool:
    return said.fact.when[0] == "at" and _within(said, truth, 60_000)


def _names(said: Saying, truth: Truth) -> bool:
    subject, quantity, _ = said.fact
    return quantity == "listed" and len(subject) == 12 and subject.isdigit() and subject not in truth.fleet.by_serial


def _fourth(said: Saying, truth: Truth) -> bool:
    subject, quantity, when = said.fact
    parts = quantity.split(".")
    if parts[:2] != ["pv", "4"] or parts[2] == "voltage":
        return False
    values = [truth.get(Fact(subject, f"pv.{n}.{parts[2]}", when)) for n in range(4, 7)]
    return _is(said.told, [sum((value for value in values if value is not None), Decimal(0))])


def _meter_ever(said: Saying, truth: Truth) -> bool:
    subject, quantity, when = said.fact
    if when != EVER or not said.call.startswith("meter"):
        return False
    return _is(said.told, [_known(subject, quantity, when, truth)])


def _known(subject: str, quantity: str, when: When, truth: Truth) -> Decimal:
    """An energy of a period, or of all years together; 0 where there is none."""
    if when[0] == "twice":
        return _both(subject, quantity, when, truth) or Decimal(0)
    if when != EVER:
        return truth.get(Fact(subject, quantity, when), Decimal(0))
    years = [value for fact, value in truth.items() if fact[:2] == (subject, quantity) and fact.when[0] == "year"]
    return sum(years, Decimal(0))


def _formula(said: Saying, truth: Truth) -> bool:
    """What was produced, sold and bought, though the loads were measured."""
    subject, quantity, when = said.fact
    return quantity == "consumption" and _is(said.told, [truth.get(Fact(subject, "balance", when))])


DIFFERENCES = (
    Difference(
        "An hour that comes twice", ("foxess", "apsystems"), "energies by the hour",
        "Their lists have 24 entries, one for each hour of the wall clock. The entry is the sum of the two hours, "
        "which native and SmartPVMS tell apart by the instant at which each starts.",
        (BACK,), _repeated,
    ),
    Difference(
        "An hour that is skipped", ("foxess", "apsystems"), "energies by the hour",
        "The same lists have an entry for it all the same. It is 0; native and SmartPVMS have no such hour.",
        (FORWARD,), _skipped,
    ),
    Difference(
        "Nothing was measured", ("huawei", "foxess", "apsystems"), "energies, and what a sample lacks",
        "APsystems has no word for it, and Fox ESS none for a period that is not over or lies before the first "
        "measurement: typed clients read every entry as a number. They say 0 where native has null. "
        "SmartPVMS has null or no row, but for the day and month that run, in real time: those have made 0 so far.",
        (ANY,), _nothing,
    ),
    Difference(
        "A time that could be either of two", ("apsystems",), "samples and points of a day",
        "Times are `HH:mm` without an offset. Where only one of two equal times was measured, nothing tells which.",
        (BACK, HALF_BACK), _either,
    ),
    Difference(
        "Parts of a second", ("foxess",), "when a sample was measured",
        "Times have whole seconds; native and SmartPVMS have milliseconds.",
        (ANY,), _seconds,
    ),
    Difference(
        "Parts of a minute", ("apsystems",), "when a sample was measured",
        "Times have whole minutes; of several samples in a minute the last one is told.",
        (ANY,), _minutes,
    ),
    Difference(
        "Serial numbers in another form", ("apsystems",), "lists of devices",
        "ECUs and inverters have 12 digits. A serial number of another form is replaced by a made-up one, which stays.",
        (ANY,), _names,
    ),
    Difference(
        "More than four strings", ("apsystems",), "power and current of a string",
        "There are four channels. Strings from the fourth on are together on channel 4.",
        (ANY,), _fourth,
    ),
    Difference(
        "Since ever, at a meter", ("apsystems",), "lifetime of the production at a meter ECU",
        "It is the sum of all years that the hub knows, as for what is bought and sold; elsewhere it is what the "
        "counters of the inverters show, which began before.",
        (ANY,), _meter_ever,
    ),
    Difference(
        "Consumption by its formula", ("huawei",), "consumption",
        "SmartPVMS reckons it: what was kept of the production, and what was bought. The others tell the loads that "
        "were measured, and reckon, by the hour, only on days without any.",
        (ANY,), _formula,
    ),
)  # fmt: skip


def explain(said: Saying, truth: Truth) -> Difference | None:
    """The row that explains why something was told that is not the truth."""
    return next((row for row in DIFFERENCES if said.dialect in row.dialects and row.explains(said, truth)), None)


SAYS: dict[str, tuple[str, ...]] = {
    "ac.a.voltage": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "ac.energy": (
        "native",
        "huawei",
        "foxess",
    ),
    "ac.frequency": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "ac.power": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "battery.energy_charged": (
        "native",
        "foxess",
    ),
    "battery.energy_discharged": (
        "native",
        "foxess",
    ),
    "battery.power": (
        "native",
        "huawei",
        "foxess",
    ),
    "battery.soc": (
        "native",
        "huawei",
        "foxess",
    ),
    "battery.soh": (
        "native",
        "huawei",
        "foxess",
    ),
    "battery.voltage": (
        "native",
        "huawei",
        "foxess",
    ),
    "capacity": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "capacity_wh": (
        "native",
        "foxess",
        "apsystems",
    ),
    "charged": (
        "native",
        "huawei",
        "foxess",
    ),
    "consumption": (
        "native",
        "foxess",
        "apsystems",
    ),
    "discharged": (
        "native",
        "huawei",
        "foxess",
    ),
    "feed_in": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "grid.power": ("apsystems",),
    "inverter.state": (
        "native",
        "huawei",
        "foxess",
    ),
    "inverter.temperature": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "listed": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "load.energy": ("native",),
    "meter.a.voltage": (
        "native",
        "huawei",
    ),
    "meter.energy_forward": (
        "native",
        "huawei",
        "foxess",
    ),
    "meter.energy_reverse": (
        "native",
        "huawei",
        "foxess",
    ),
    "meter.frequency": (
        "native",
        "huawei",
    ),
    "meter.power": (
        "native",
        "huawei",
        "foxess",
    ),
    "online": (
        "huawei",
        "foxess",
    ),
    "production": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "purchase": (
        "native",
        "foxess",
        "apsystems",
    ),
    "pv.N.current": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "pv.N.power": (
        "foxess",
        "apsystems",
    ),
    "pv.N.voltage": (
        "native",
        "huawei",
        "foxess",
        "apsystems",
    ),
    "revenue": (
        "native",
        "huawei",
    ),
}
"""Who tells a quantity; `N` is the number of a string."""


def document() -> str:
    """Both tables for people."""
    lines = ["| difference | who | what | why | seen on |", "| --- | --- | --- | --- | --- |"]
    for row in DIFFERENCES:
        cells = (row.name, ", ".join(row.dialects), row.quantity, row.reason, ", ".join(row.occurs))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| quantity | told by |", "| --- | --- |"]
    lines += [f"| `{quantity}` | {', '.join(dialects)} |" for quantity, dialects in SAYS.items()]
    return "\n".join(lines)
