"""One day's energy goes in through REDEX and comes out through four other interfaces of a demonstration.

python one_day.py heliograph-demo
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from heliograph.clients import APsystems, FoxESS, Huawei, Redex
from heliograph.dialects.apsystems.operations import SYSTEM_ENERGY
from heliograph.dialects.foxess.operations import QUERY_REPORT
from heliograph.dialects.huawei.operations import PAGE_PLANTS, PLANT_DAYS
from heliograph.dialects.redex.operations import SEND
from heliograph.dialects.redex.wire import Record

PLANT, INVERTER, REMOTE_ID = "Push target", "INVERTER-0001", "STR1000000000000002"


def tell(who: str, what: str) -> None:
    """Print what an interface says."""
    sys.stdout.write(f"{who:12} {what}\n")


async def show(demo: Any, day: datetime) -> None:  # any: JSON
    """State what the inverter made on a day, and print what each interface says of it."""
    url = demo["base_url"]

    keys = demo["redex"]
    async with Redex(url, keys["ClientId"], keys["ClientSecret"], keys["ApiKey"]) as cloud:
        days = [Record(f"{day:%Y-%m-%d}", "42.5")]
        await cloud.call(SEND, SEND.request(data=days, frequency_type="Daily", remote_inv_id=REMOTE_ID))
    tell("REDEX took", "42.5 kWh")

    async with Huawei(url, demo["huawei"]["userName"], demo["huawei"]["systemCode"]) as cloud:
        plants = (await cloud.call(PAGE_PLANTS)).data.rows
        code = next(plant.code for plant in plants if plant.name == PLANT)
        rows = (await cloud.call(PLANT_DAYS, PLANT_DAYS.request(code, int(day.timestamp() * 1000)))).data
        [items] = [row.items for row in rows if row.at_ms == int(day.timestamp() * 1000)]
    tell("SmartPVMS", f"{items.production} kWh")

    async with FoxESS(url, demo["foxess"]["token"]) as cloud:
        month = QUERY_REPORT.request(
            serial=INVERTER, year=day.year, month=day.month, dimension="month", variables=["generation"]
        )
        [report] = (await cloud.call(QUERY_REPORT, month)).result
    tell("Fox ESS", f"{report.values[day.day - 1]} {report.unit}")

    async with APsystems(url, demo["apsystems"]["appId"], demo["apsystems"]["appSecret"]) as cloud:
        sid = next(system["sid"] for system in demo["apsystems"]["systems"] if system["name"] == PLANT)
        energies = (await cloud.call(SYSTEM_ENERGY, SYSTEM_ENERGY.request(sid, "daily", f"{day:%Y-%m}"))).data
    tell("APsystems", f"{energies[day.day - 1]} kWh")

    bearer = {"authorization": f"Bearer {demo['native']['token']}"}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=bearer) as hub:
        plant = next(plant for plant in (await hub.get("/plants")).json()["plants"] if plant["name"] == PLANT)
        span = {"level": "day", "since": f"{day:%Y-%m-%d}", "until": f"{day + timedelta(days=1):%Y-%m-%d}"}
        [bucket] = (await hub.get(f"/plants/{plant['id']}/energy", params=span)).json()["buckets"]
    tell("native", f"{bucket['production']} Wh, {bucket['source']}")


if __name__ == "__main__":
    yesterday = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    asyncio.run(show(json.loads((Path(sys.argv[1]) / "credentials.json").read_text(encoding="utf-8")), yesterday))
