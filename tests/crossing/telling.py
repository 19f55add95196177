"""A tale from end to end: into a hub through all that takes data, out through all that can be asked, and judged."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crossing.house import House
from tests.crossing.judge import Verdict, everything, judge, untold
from tests.crossing.story import Truth
from tests.crossing.tales import Tale, parts


async def tell(tale: Tale, *, looking: bool = False) -> Verdict:
    """What came of a tale; with `looking`, every dialect is asked also between its parts."""
    with TemporaryDirectory() as path:
        async with House(Path(path), tale.cal.name, tale.now_ms, tale.fleet) as house:
            for place, batch in enumerate(tale.batches):
                inverters, meters = parts(batch)
                await house.send(inverters)
                await house.push(meters)
                if place < len(tale.stated):
                    await house.state(tale.stated[place])
                if looking and place < len(tale.batches) - 1:
                    await everything(house)
            for days in tale.stated[len(tale.batches) :]:
                await house.state(days)
            spoken = await everything(house)
    stated = tale.stated[-1] if tale.stated else {}
    truth = Truth(tale.cal, tale.story, stated, tale.now_ms, tale.fleet)
    verdict = judge(spoken, truth)
    verdict.wrong += [f"{said.dialect} leaves out {fact}" for said in spoken for fact in untold(said, truth)]
    return verdict
