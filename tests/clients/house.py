"""A small plant whose figures can be reckoned in the head, and what clients must read of it at noon of a third of June.

The inverter's counter rises by 5 kWh on the second of June, by 5 kWh before eight and by 250 Wh every five minutes from
then on, while its power is 3 kW, the light 600 W/m2, and the meter takes 50 Wh from the grid and gives 100 Wh to it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from heliograph.model.devices import Device, DeviceKind
from tests import live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2024, 6, 3, 10, 0, tzinfo=UTC)
"""What the hub's clock says when it starts: noon in Berlin."""
NOW_MS = round(NOW.timestamp() * 1000)
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
EIGHT_MS = NOW_MS - 4 * HOUR_MS
STEPS = 48
"""Readings of the third of June: every five minutes from eight to five before noon."""
RAISED_MS = NOW_MS - 150 * MINUTE_MS
"""When the alarm was raised: half past nine."""
MODEL, OLD, NEW = "SUN2000-10KTL-M1", "V100R001C00SPC141", "V100R001C00SPC152"
DAY_KWH, MONTH_KWH = 16.75, 21.75
FED_KWH, BOUGHT_KWH, LIGHT = 4.7, 2.35, 2.35
CHARGED_KWH, DISCHARGED_KWH = 1.92, 0.92
COUNTER_KWH = 111.75
PRICE = 0.3
PERIOD = {
    "installed_capacity": 10.0,
    "radiation_intensity": LIGHT,
    "theory_power": 23.5,
    "ongrid_power": FED_KWH,
    "power_profit": DAY_KWH * PRICE,
    "inverter_power": DAY_KWH,
    "use_power": 14.4,
    "perpower_ratio": 1.675,
    "performance_ratio": 71.277,
    "reduction_total_co2": 0.017,
    "reduction_total_coal": 0.007,
    "reduction_total_tree": 1,
}
"""The third of June of the plant."""
Json = dict[str, Any]  # any: JSON


class House(msgspec.Struct, frozen=True):
    """The hub of the plant, and the hub's own numbers of its devices."""

    hub: live.Served
    inverter: int
    battery: int
    meter: int
    station: int

    @property
    def url(self) -> str:
        """Where its SmartPVMS calls are."""
        return f"{self.hub.url}/thirdData"

    def another_logs_in(self) -> None:
        """End the session that is open, as another login does."""
        body = {"userName": live.USER, "systemCode": live.PASSWORD}
        assert httpx.post(f"{self.url}/login", json=body).json()["success"] is True


def readings(house: House) -> Iterator[Json]:
    """Everything that the devices of the plant sent."""
    for hour, counter in ((24, 90_000.0), (23, 95_000.0)):
        yield {"device": house.inverter, "at": EIGHT_MS - hour * HOUR_MS, "values": {"ac.energy": counter}}
    for n in range(STEPS):
        charging = n <= STEPS // 2
        values: dict[int, dict[str, float]] = {
            house.inverter: {"ac.power": 3000.0, "ac.energy": 100_000.0 + 250 * n, "inverter.state": 512.0},
            house.battery: {
                "battery.power": -960.0 if charging else 480.0, "battery.soc": 40.0,
                "battery.energy_charged": 1000.0 + 80 * min(n, STEPS // 2),
                "battery.energy_discharged": 2000.0 + 40 * max(n - STEPS // 2, 0),
            },
            house.meter: {
                "meter.power": -600.0, "meter.energy_forward": 5e5 + 50 * n, "meter.energy_reverse": 2e4 + 100 * n,
            },
            house.station: {"weather.poa_global": 600.0, "weather.temp_air": 21.5},
        }  # fmt: skip
        for device, own in values.items():
            yield {"device": device, "at": EIGHT_MS + n * 5 * MINUTE_MS, "values": own}


def furnish(house: House) -> None:
    """Send what the devices measured, and an alarm of the inverter."""
    with httpx.Client(base_url=house.hub.url, headers=live.BEARER) as native:
        rows = list(readings(house))
        sent = native.post("/api/v1/samples", json=rows).json()
        assert sent == {"accepted": len(rows), "duplicates": 0, "corrected": 0}
        alarm = {
            "code": "7701", "raised_at": RAISED_MS, "severity": "major", "type": "protection", "cause_id": 7,
            "name": "Grid loss", "cause": "The grid is away.", "advice": "Look at the breaker.",
        }  # fmt: skip
        assert native.post(f"/api/v1/devices/{house.inverter}/alarms", json=alarm).status_code in (200, 201)


@contextmanager
def opened(data: Path, *, limits: str = "off") -> Iterator[House]:
    """Serve the plant until the block ends."""
    live.configure(data, serve={"limits": limits}, commands={"poll_s": 0.1})
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credentials(account)
        plant = setup.plant(
            account, "House", "Europe/Berlin",
            capacity_w=1e4, tariff=(PRICE,), address="Sun Street 1", contact_name="A. Field", contact_phone="+49 30 1",
        )  # fmt: skip
        setup.firmware(MODEL, NEW)

        def device(kind: DeviceKind, **known: Any) -> Device:  # any: fields of all types
            return setup.device(plant, kind, kind.value, serial=f"SN-{kind.value}", **known)

        inverter = device(DeviceKind.INVERTER, model=MODEL, firmware=OLD, capacity_w=1e4)
        others = [device(kind).id for kind in (DeviceKind.BATTERY, DeviceKind.METER, DeviceKind.WEATHER_STATION)]
    live.beside(data, "ahead").write_text(str(NOW_MS - round(time.time() * 1000)))
    with live.served(data) as hub:
        house = House(hub, inverter.id, *others)
        furnish(house)
        yield house
        assert "Traceback" not in hub.log()
