"""A disk without room: writes are refused, reads go on, nothing that was acknowledged is lost, and room cures it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from heliograph.app import make_app
from heliograph.config import Config, ServeConfig
from heliograph.hub import LocalHub
from heliograph.model.devices import DeviceKind
from tests import live
from tests.dialects.energy_expert.client import PATH, acs3, push, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "hub.test"
BATCH = 200


def provision(setup: live.Setup) -> None:
    """One plant with one meter, and the credentials."""
    account = setup.account()
    setup.credentials(account)
    setup.device(setup.plant(account, "P", "UTC"), DeviceKind.METER, "M", pushed=("1", "meter-1"))


def batch(number: int) -> bytes:
    """Records of a batch, every ten seconds; points that hardly compress."""
    first = number * BATCH * 10
    stamps = [divmod(second, 86400) for second in range(first, first + BATCH * 10, 10)]
    return push(
        *(
            record(
                f"2024-01-{1 + day:02} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",
                {name: f"{(second * 7919 + index * 104729) % 1000003}.5" for index, name in enumerate("abcdefgh")},
            )
            for day, second in stamps
        )
    )


def records(history: httpx.Response) -> int:
    """How many records an answer of the native history holds."""
    return len(history.json()["at"])


HISTORY = "/api/v1/devices/1/history?since=2024-01-01T00:00:00Z&until=2024-12-31T00:00:00Z&keys=energy_expert:a"


async def test_a_database_that_may_not_grow_refuses_a_batch_as_a_whole_and_takes_it_later(tmp_path: Path) -> None:
    hub = LocalHub(tmp_path, Config(serve=ServeConfig(limits="off")))
    provision(live.Setup(hub))
    await hub.start()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        pages = hub.database.query("PRAGMA page_count")[0][0]
        hub.database.writer.execute(f"PRAGMA max_page_count={pages + 40}")
        accepted = 0
        while True:
            body = batch(accepted)
            headers = acs3(body, HOST)
            answer = await client.post(PATH, content=body, headers=headers)
            if answer.status_code != 200:
                break
            accepted += 1
        assert (answer.status_code, answer.json()["Code"]) == (503, "ServiceUnavailable")
        assert "room" in answer.json()["Message"]
        full = await client.post(
            "/api/v1/samples",
            headers=live.BEARER,
            json=[{"device": 1, "at": f"2024-02-01T00:{m:02}:00Z", "values": {"x": "text " * 2000}} for m in range(60)],
        )
        assert (full.status_code, full.json()["type"]) == (507, "urn:heliograph:problem:store-full")
        assert records(await client.get(HISTORY, headers=live.BEARER)) == accepted * BATCH > 0
        hub.database.writer.execute("PRAGMA max_page_count=1000000")
        again = await client.post(PATH, content=body, headers=headers)
        assert again.json()["data"] == "success"
        assert records(await client.get(HISTORY, headers=live.BEARER)) == (accepted + 1) * BATCH
    await hub.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes, where the machine lets one be mounted."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    folder = tmp_path / "data"
    folder.mkdir()
    if sys.platform != "linux" or mount is None or umount is None:
        pytest.skip("needs Linux with mount")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run([umount, str(folder)], check=True)


@pytest.mark.timeout(60)
def test_a_hub_on_a_full_disk_keeps_what_it_acknowledged_through_a_restart(small_disk: Path) -> None:
    live.configure(small_disk, serve={"limits": "off"})
    with live.provisioning(small_disk) as setup:
        provision(setup)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 << 20))
    accepted = 0
    with live.started(small_disk) as hub, httpx.Client(base_url=hub.url, timeout=30.0) as client:
        while True:
            body = batch(accepted)
            answer = client.post(PATH, content=body, headers=acs3(body, f"{live.HOST}:{hub.port}"))
            if answer.status_code != 200:
                break
            accepted += 1
        assert (answer.status_code, answer.json()["Code"]) == (503, "ServiceUnavailable")
        assert records(client.get(HISTORY, headers=live.BEARER)) == accepted * BATCH > 0
        assert client.get("/healthz").status_code == 200
    ballast.unlink()
    with live.served(small_disk) as again, httpx.Client(base_url=again.url, timeout=30.0) as client:
        assert records(client.get(HISTORY, headers=live.BEARER)) == accepted * BATCH
        body = batch(accepted)
        answer = client.post(PATH, content=body, headers=acs3(body, f"{live.HOST}:{again.port}"))
        assert answer.json()["data"] == "success"
        assert records(client.get(HISTORY, headers=live.BEARER)) == (accepted + 1) * BATCH
    assert "Traceback" not in hub.log()
    for secret in live.SECRETS:
        assert secret not in hub.log()
