"""Every fact against the truth and against every other dialect that tells it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations

from tests.crossing.differences import explain
from tests.crossing.house import House
from tests.crossing.others import apsystems, foxess
from tests.crossing.plain import huawei, native
from tests.crossing.story import Truth
from tests.crossing.told import NOISE, Fact, Saying, Sayings, Told

DIALECTS = ("native", "huawei", "foxess", "apsystems")


class Verdict:
    """What came of a comparison: wrong facts, rows that explained something, and who tells what."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.rows: Counter[str] = Counter()
        self.said: defaultdict[str, set[str]] = defaultdict(set)
        """The dialects that tell a quantity."""

    def who(self) -> dict[str, tuple[str, ...]]:
        """The dialects that tell a quantity, in the order of `DIALECTS`; strings as one."""
        found: dict[str, set[str]] = {}
        for quantity, dialects in self.said.items():
            found.setdefault(re.sub(r"^pv\.\d", "pv.N", quantity), set()).update(dialects)
        return {name: tuple(each for each in DIALECTS if each in found[name]) for name in sorted(found)}


async def everything(house: House) -> list[Sayings]:
    """What every dialect that can be asked says at this moment."""
    return [await read(house) for read in (native, huawei, foxess, apsystems)]


def judge(spoken: Iterable[Sayings], truth: Truth) -> Verdict:
    """Compare what was said."""
    verdict = Verdict()
    by_fact: defaultdict[Fact, list[Saying]] = defaultdict(list)
    for said in (each for sayings in spoken for each in sayings):
        if said.fact.quantity == "newest":
            continue
        expected = truth.get(said.fact)
        if expected is not None and said.told.agrees(Told(expected, NOISE)):
            by_fact[said.fact].append(said)
            verdict.said[said.fact.quantity].add(said.dialect)
            continue
        row = explain(said, truth)
        if row is None:
            verdict.wrong.append(f"{said.dialect} {said.call}: {said.fact} is {said.told.value}, not {expected}")
        else:
            verdict.rows[row.name] += 1
    for fact, sayings in by_fact.items():
        for one, other in combinations(sayings, 2):
            if not one.told.agrees(other.told):
                verdict.wrong.append(f"{fact}: {one.dialect} {one.call} {one.told}, {other.dialect} {other.told}")
    return verdict


def untold(said: Sayings, truth: Truth) -> list[Fact]:
    """Facts that a dialect left out, of kinds that it tells otherwise.

    Who tells a quantity of a device at any instant of the day tells it at every one, and who tells of any hour of the
    day, day of the month or month of the year tells of all.
    """
    now = truth.cal.periods(truth.now_ms)
    on, month, year = (str(when) for _, when in now[1:])
    facts = {each.fact for each in said}
    kinds = {(fact.subject, fact.quantity, fact.when[0]) for fact in facts if fact in truth}
    doubled = set(truth.cal.doubled(on))

    def due(fact: Fact) -> bool:
        kind, when = fact.when
        if kind == "at":
            wall = truth.cal.wall(int(when))
            plain = said.dialect != "apsystems" or len(truth.cal.instants(wall.date(), f"{wall:%H:%M}")) == 1
            return plain and wall.date().isoformat() == on
        if kind == "hour":
            return when not in doubled and truth.cal.wall(int(when)).date().isoformat() == on
        spans = {"day": str(when)[:7] == month, "month": str(when)[:4] == year}
        return spans.get(kind, kind in ("now", "ever", "year"))

    return [
        fact
        for fact in truth
        if (fact.subject, fact.quantity, fact.when[0]) in kinds and due(fact) and fact not in facts
    ]
