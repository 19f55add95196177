"""The REDEX program: the calls it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliograph.dialects.redex import DIALECT
from heliograph.model.access import Secret
from heliograph.model.devices import DeviceKind
from tests import live
from tests.clients.redex_script import Redex
from tests.clients.seen import Watch

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "4kQz-redex-secret-77Bd"


def test_the_calls_it_makes_are_those_on_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with live.provisioning(data) as setup:
        account = setup.account()
        setup.credential(account, "redex", "installer", SECRET)
        setup.device(setup.plant(account, "P", "UTC"), DeviceKind.INVERTER, "inverter", serial="INV-1")
    with live.served(data) as hub:
        watch = Watch(hub)
        client = Redex(hub.url, DIALECT.present("installer", Secret(SECRET)))
        client.send("INV-1", [{"Timestamp": "2023-05-01", "PeriodProductionInKWh": "1.5"}])
        client.access = "expired"
        client.send("INV-1", [{"Timestamp": "2023-05-02", "PeriodProductionInKWh": "2.5"}])
        watch.is_on_file("redex_script.py", "")
