"""Whatever is sent, the answer is the envelope with the right status, and what is refused leaves the ledger alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heliograph.app import make_app
from heliograph.config import Config, ServeConfig
from heliograph.dialects.redex import DEVICE_SCHEME
from heliograph.hub import LocalHub
from heliograph.model.devices import DeviceKind
from tests import live
from tests.dialects.redex.sender import API_KEY, CLIENT_ID, CLIENT_SECRET, CONNECT, INVERTER, PLURAL, SEND, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

NAMES = [
    "Data", "data", "Devices", "RemoteInvId", "remoteInvId", "FrequencyType", "Timestamp", "PeriodProductionInKWh",
    "AccumulatedPowerInKWh", "AccumulatedEnergyInKWh", "Year", "PeriodProductionPerMonthInKWh", "Jan", "Dec",
    "GrantType", "ApiKey", "ClientId", "ClientSecret", "RefreshToken", "x",
]  # fmt: skip
TEXTS = st.sampled_from(
    [
        INVERTER,
        "Daily",
        "2023-05-01",
        "2023-05-02",
        "2023-13-01",
        "0.5",
        "1.25",
        "9" * 400,
        "-1",
        "",
        "\ud800",
        "api_key",
    ]
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(-(2**64), 2**64), st.text(max_size=6), TEXTS
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
)  # fmt: skip
FIGURES = st.one_of(st.decimals(-1, 9, places=3).map(str), LEAVES)
RECORDS = st.fixed_dictionaries(
    {"Timestamp": st.one_of(st.dates().map(str), TEXTS), "PeriodProductionInKWh": FIGURES},
    optional={"AccumulatedPowerInKWh": FIGURES, "accumulatedEnergyInKWh": FIGURES},
)
DEVICES = st.fixed_dictionaries(
    {"Data": st.lists(RECORDS, max_size=4), "RemoteInvId": st.one_of(st.just(INVERTER), LEAVES)},
    optional={"FrequencyType": st.sampled_from(["Daily", "daily", "Monthly", 5])},
)
YEARS = st.fixed_dictionaries(
    {"Year": st.one_of(st.integers(2020, 2030), LEAVES),
     "PeriodProductionPerMonthInKWh": st.dictionaries(st.sampled_from(["Jan", "may", "Dec"]), FIGURES, max_size=3)}
)  # fmt: skip
BODIES = st.one_of(
    JSON, DEVICES, st.fixed_dictionaries({"Devices": st.lists(DEVICES, max_size=3)}),
    st.fixed_dictionaries({"RemoteInvId": st.just(INVERTER), "Data": st.one_of(YEARS, st.lists(YEARS, max_size=3))}),
)  # fmt: skip


BINARY = st.one_of(BODIES.map(lambda body: json.dumps(body).encode()), st.binary(max_size=40))


class Served:
    """A hub and a client of it, kept for all examples of a test."""

    def __init__(self, folder: Path, portal: BlockingPortal) -> None:
        config = Config(serve=ServeConfig(limits="off"), dialects={"redex": {"later": True}})
        self.hub = LocalHub(folder, config)
        setup = live.Setup(self.hub)
        account = setup.account()
        setup.credential(account, "redex", CLIENT_ID, f"{API_KEY}:{CLIENT_SECRET}")
        device = setup.device(setup.plant(account, "Roof", "UTC"), DeviceKind.INVERTER, "inverter")
        self.hub.database.write_now(lambda rows: self.hub.registry.put_alias(rows, DEVICE_SCHEME, INVERTER, device.id))
        self._portal = portal
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=make_app(self.hub)), base_url="http://hub.test")
        self._sender = Sender(http, self.hub)
        portal.call(self.hub.start)
        portal.call(self._sender.login)

    def close(self) -> None:
        """Stop the hub."""
        self._portal.call(self._sender.http.aclose)
        self._portal.call(self.hub.stop)

    def post(self, path: str, body: bytes) -> tuple[int, bool]:
        """The status of an answer, which must be in the dialect's form, and whether the ledger changed."""
        return self._portal.call(self._post, path, body)

    async def _post(self, path: str, body: bytes) -> tuple[int, bool]:
        sender = self._sender
        before = sender.statements(), sender.ledger()
        answer = await sender.post(body, path)
        changed = (sender.statements(), sender.ledger()) != before
        found = answer.json()
        assert list(found) == ["Data", "Errors", "Meta", "StatusCode", "Message"]
        assert found["StatusCode"] == answer.status_code
        assert (found["Data"] is None) is (answer.status_code != 200)
        return answer.status_code, changed


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hub with one inverter."""
    with start_blocking_portal() as portal:
        made = Served(tmp_path_factory.mktemp("fuzz"), portal)
        yield made
        made.close()


@pytest.mark.parametrize("path", [SEND, PLURAL, f"{PLURAL}/batches", f"{PLURAL}/monthly-data"])
@given(body=BINARY)
@example(body=b'{"Data":[{"Timestamp":"2023-05-01","PeriodProductionInKWh":' + b"9" * 5000 + b"}]}")
@example(body=b'{"Data":' + b"[" * 5000 + b"]" * 5000 + b"}")
@settings(max_examples=100, deadline=None)
def test_any_submission_is_kept_or_refused_and_a_refused_one_changes_nothing(
    served: Served, path: str, body: bytes
) -> None:
    status, changed = served.post(path, body)
    assert status in (200, 400, 403, 422)
    assert not changed or status == 200


@pytest.mark.parametrize("path", [CONNECT, f"{CONNECT}/refresh"])
@given(body=BINARY)
@settings(max_examples=60, deadline=None)
def test_any_token_call_is_refused_in_the_right_form(served: Served, path: str, body: bytes) -> None:
    assert served.post(path, body)[0] in (400, 401, 429)
