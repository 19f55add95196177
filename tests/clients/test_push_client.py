"""The official Energy Expert client, unmodified: the calls it makes, in the form of today and in the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from alibabacloud_energyexpertexternal20220923.client import Client
from alibabacloud_energyexpertexternal20220923.models import PushDeviceDataRequest, PushDeviceDataRequestDevices
from alibabacloud_tea_openapi.utils_models import Config

from heliograph.model.devices import DeviceKind
from tests import live
from tests.clients.seen import Watch

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_calls_it_makes_are_those_on_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credentials(account)
        setup.device(setup.plant(account, "P", "UTC"), DeviceKind.METER, "meter", pushed=("1", "meter-1"))
    with live.served(data) as hub:
        watch = Watch(hub)
        for minute, algorithm in enumerate((None, "v2")):
            config = Config(
                access_key_id=live.ACCESS_KEY, access_key_secret=live.ACCESS_SECRET,
                endpoint=f"{live.HOST}:{hub.port}", protocol="HTTP", signature_algorithm=algorithm,
            )  # fmt: skip
            record = PushDeviceDataRequestDevices(
                device_id="meter-1", record_time=f"2024-06-03 12:0{minute}:00", data={"P": f"{minute + 1}.5"}
            )
            answer = Client(config).push_device_data(PushDeviceDataRequest(device_type="1", devices=[record]))
            assert (answer.status_code, answer.body.data) == (200, "success")
        watch.is_on_file("alibabacloud_energyexpertexternal20220923")
        span = {"since": "2024-06-03", "until": "2024-06-04"}
        held = httpx.get(f"{hub.url}/api/v1/devices/1/history", params=span, headers=live.BEARER).json()
    assert held["columns"] == {"meter.power": [1500.0, 2500.0]}
