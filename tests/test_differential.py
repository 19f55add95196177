"""One simulated fleet through all SmartPVMS calls, against what its raw records add up to by `tests/reckoning.py`.

`tests/fleet_story.py` tells what happens to it.
"""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from heliograph.model.devices import DeviceKind
from tests import reckoning
from tests.fleet_story import NOW_MS, SPANS, TYPES, Items, Told, tell
from tests.reckoning import LEVELS, Figure, PlantBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Both parts of the story."""
    told: dict[str, Told] = {}

    async def telling() -> None:
        told.update(await tell(tmp_path_factory.mktemp("differential")))

    # The loop's runner writes its task out in words when it ends: all that was told, if the task returned it.
    asyncio.run(telling())
    return told


@pytest.fixture(params=["early", "late"])
def told(request: pytest.FixtureRequest, stages: dict[str, Told]) -> Told:
    """The answers before or after the late records."""
    return stages[request.param]


def differences(got: Items, expected: dict[str, Figure]) -> Iterator[str]:
    """Where a row departs from the figures by more than was rounded away."""
    if got.keys() != expected.keys():
        yield f"keys {sorted(got.keys() ^ expected.keys())}"
    for name, (value, decimals) in expected.items():
        shown = got.get(name)
        if value is None or shown is None:
            if value is not shown:
                yield f"{name} is {shown}, not {value}"
        elif abs(shown - value) > 0.5001 * 10.0**-decimals + 1e-9 * abs(value):
            yield f"{name} is {shown}, not {value}"


def compare(
    rows: dict[int, Items], expected: Iterable[int], figures: Callable[[int], dict[str, Figure]], tz: Any
) -> int:  # any: a zone
    """Hold rows against figures, period by period; how many there were."""
    wanted = set(expected)
    assert sorted(rows) == sorted(wanted), "the periods differ"
    for start, items in rows.items():
        wrong = list(differences(items, figures(start)))
        assert not wrong, (datetime.fromtimestamp(start / 1000, tz), wrong)
    return len(rows)


def told_periods(book: PlantBook, level: int) -> set[int]:
    """The periods of a plant that have a row."""
    totals = (book.production, book.feed_in, book.purchase, book.irradiation)
    batteries = [of for d in book.devices.values() for of in (d.charged, d.discharged)]
    return book.heard[level].union(*(of[level] for of in (*totals, *batteries)))


@pytest.mark.parametrize("key", SPANS)
@pytest.mark.parametrize("level", range(4), ids=LEVELS)
def test_every_figure_of_every_plant_is_what_its_raw_records_come_to(told: Told, key: str, level: int) -> None:
    book = told.books[key]

    def figures(start: int) -> dict[str, Figure]:
        return reckoning.plant_hour(book, start) if level == 0 else reckoning.plant_period(book, level, start)

    rows = told.answers.plants[LEVELS[level], key]
    assert compare(rows, told_periods(book, level), figures, book.spec.tz) >= (100, 6, 2, 2)[level]


@pytest.mark.parametrize("key", SPANS)
@pytest.mark.parametrize("level", range(4), ids=LEVELS)
def test_every_figure_of_every_device_is_what_its_raw_records_come_to(told: Told, key: str, level: int) -> None:
    plant = told.books[key]
    for device in plant.spec.devices:
        if device.kind not in TYPES:
            continue
        book = plant.devices[device.key]
        battery = device.kind is DeviceKind.BATTERY

        def figures(start: int, book: reckoning.DeviceBook = book, battery: bool = battery) -> dict[str, Figure]:
            if battery:
                return reckoning.battery_period(book, level, start)
            return reckoning.inverter_period(plant, book, level, start)

        totals = (book.charged, book.discharged) if battery else (book.energy,)
        heard = {reckoning.starts(at, plant.spec.tz)[level] for at in told.raws[key][device.key].at_ms}
        periods = heard.union(*(of[level] for of in totals))
        rows = told.answers.devices[LEVELS[level], key, device.key]
        assert compare(rows, periods, figures, plant.spec.tz) >= (100, 6, 2, 2)[level]


ADDING = {
    "plant": {
        "inverter_power": 3, "ongrid_power": 3, "power_profit": 4, "radiation_intensity": 4, "theory_power": 2,
    },
    "inverter": {"product_power": 3},
    "battery": {"charge_cap": 3, "discharge_cap": 3, "charge_time": 3, "discharge_time": 3},
}  # fmt: skip
"""The figures that add up from period to period, with their decimals."""


def adds_up(finer: dict[int, Items], coarser: dict[int, Items], level: int, names: dict[str, int], tz: Any) -> int:
    """Hold the rows of one level against the sums of those below; how many were compared."""  # any: a zone
    compared = 0
    for name, decimals in names.items():
        parts: dict[int, list[float]] = {}
        for start, items in finer.items():
            if items[name] is not None:
                parts.setdefault(reckoning.starts(start, tz)[level], []).append(items[name])
        whole = {start: items[name] for start, items in coarser.items() if items[name] is not None}
        assert whole.keys() == parts.keys()
        for start, values in parts.items():
            rounded = 0.5001 * 10.0**-decimals * (len(values) + 1)
            assert whole[start] == pytest.approx(math.fsum(values), rel=1e-9, abs=rounded), (name, start)
            compared += 1
    return compared


@pytest.mark.parametrize("key", SPANS)
def test_hours_make_the_day_days_the_month_and_months_the_year(told: Told, key: str) -> None:
    spec = told.books[key].spec
    for level, (finer, coarser) in enumerate(pairwise(LEVELS), 1):
        plants = told.answers.plants
        assert adds_up(plants[finer, key], plants[coarser, key], level, ADDING["plant"], spec.tz) >= 2
        for device in spec.devices:
            if device.kind in TYPES:
                names = ADDING["battery" if device.kind is DeviceKind.BATTERY else "inverter"]
                rows = [told.answers.devices[name, key, device.key] for name in (finer, coarser)]
                assert adds_up(rows[0], rows[1], level, names, spec.tz) >= 2


@pytest.mark.parametrize("key", SPANS)
@pytest.mark.parametrize("level", LEVELS)
def test_the_inverters_make_the_plant(told: Told, key: str, level: str) -> None:
    inverters = [told.answers.devices[level, key, d.key] for d in told.books[key].spec.inverters]
    for start, items in told.answers.plants[level, key].items():
        parts = [value for rows in inverters if (value := rows.get(start, {}).get("product_power")) is not None]
        assert (items["inverter_power"] is None) == (not parts)
        if parts:
            rounded = 0.5001e-3 * (len(parts) + 1)
            assert items["inverter_power"] == pytest.approx(math.fsum(parts), rel=1e-9, abs=rounded)


@pytest.mark.parametrize("key", SPANS)
def test_the_present_of_a_plant_is_its_day_its_month_and_its_counters(told: Told, key: str) -> None:
    book, now = told.books[key], told.answers.plant_now[key]
    _, day, month, _ = reckoning.starts(NOW_MS, book.spec.tz)
    newest = [told.raws[key][d.key].readings("ac.energy")[-1][1] for d in book.spec.inverters]
    made, earned = book.production, book.revenue
    expected: dict[str, Figure] = {
        "day_power": (made[1][day] / 1000, 3),
        "month_power": (made[2][month] / 1000, 3),
        "total_power": (math.fsum(newest) / 1000, 3),
        "day_income": (earned[1][day], 3),
        "total_income": (math.fsum(earned[3].values()), 3),
        "day_on_grid_energy": reckoning.plant_period(book, 1, day)["ongrid_power"],
        "day_use_energy": reckoning.plant_period(book, 1, day)["use_power"],
    }
    shown = {name: value for name, value in now.items() if name != "real_health_state"}
    assert list(differences(shown, expected)) == []
    assert now["real_health_state"] in (2, 3)


@pytest.mark.parametrize("key", SPANS)
def test_the_present_of_a_device_is_its_newest_record(told: Told, key: str) -> None:
    for device in told.books[key].spec.devices:
        if device.kind in TYPES:
            now, raw = told.answers.device_now[key, device.key], told.raws[key][device.key]
            if device.kind is DeviceKind.BATTERY:
                book = told.books[key]
                today = reckoning.starts(NOW_MS, book.spec.tz)[1]
                moved = book.devices[device.key]
                for name, total in (("charge_cap", moved.charged[1]), ("discharge_cap", moved.discharged[1])):
                    assert now[name] == pytest.approx(total[today] / 1000, rel=1e-9, abs=1e-9)
            else:
                assert now["total_cap"] == pytest.approx(raw.readings("ac.energy")[-1][1] / 1000, rel=1e-12)
            assert now["run_state"] == 1


@pytest.mark.parametrize("key", SPANS)
def test_the_five_minute_data_have_every_record_and_make_the_day(told: Told, key: str) -> None:
    plant = told.books[key]
    for device in plant.spec.inverters:
        raw, rows = told.raws[key][device.key], told.answers.devices["five", key, device.key]
        counters = {at: value / 1000 for at, value in zip(raw.at_ms, raw.columns["ac.energy"], strict=True)}
        assert {at: row["total_cap"] for at, row in rows.items()} == pytest.approx(counters, rel=1e-12)
        powers = {at: value / 1000 for at, value in zip(raw.at_ms, raw.columns["ac.power"], strict=True)}
        assert {at: row["active_power"] for at, row in rows.items()} == pytest.approx(powers, rel=1e-12)


def test_the_story_holds_what_it_is_told_for(stages: dict[str, Told]) -> None:
    early, late = stages["early"], stages["late"]
    assert sorted(late.books) == sorted(SPANS)
    lengths = {
        key: {(reckoning.next_day(day, book.spec.tz) - day) // reckoning.HOUR_MS for day in book.production[1]}
        for key, book in late.books.items()
    }
    assert lengths == {"shanghai": {24}, "london": {23, 24, 25}, "new-york": {23, 24, 25}, "adelaide": {23, 24, 25}}
    for key in SPANS:
        changed = [
            start
            for start, items in late.answers.plants["day", key].items()
            if early.answers.plants["day", key].get(start) != items
        ]
        assert 1 <= len(changed) <= 3, key
    exchanged = late.raws["adelaide"]["inverter"].readings("ac.energy")
    assert any(low > 2 * high for (_, low), (_, high) in pairwise(exchanged))
    held = [value for _, value in late.raws["shanghai"]["meter"].readings("meter.energy_forward")]
    assert any(high < low for low, high in pairwise(held))
