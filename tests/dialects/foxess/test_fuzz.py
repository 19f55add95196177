"""Whatever a client sends, it gets an envelope with a code that the document or the folder names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.foxess.codes import CODES
from heliograph.dialects.foxess.operations import OPERATIONS
from heliograph.model.devices import DeviceKind
from tests.dialects.foxess.client import Client
from tests.dialects.foxess.fake_hub import FakeHub

NAMES = (
    "sn", "deviceSN", "sns", "variables", "begin", "end", "year", "month", "day", "dimension", "currentPage",
    "pageSize", "id", "stationID", "devices", "details", "timezone", "position", "layoutByMini", "pileSN", "type",
    "price", "currency", "systemCapacity", "name", "countryCode", "arrange", "key",
)  # fmt: skip
WORDS = st.sampled_from(["60KE00000000001", "day", "month", "year", "pvPower", "UTC", "PL", "CNY(¥)", "1", "2025", ""])
LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    WORDS,
)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)),
    max_leaves=12,
)
BODY = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=8).map(lambda body: json.dumps(body).encode()),
    VALUE.map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=60),
)
KNOWN = {0, *CODES.by_value} - {50000}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@given(raw=BODY)
async def test_any_body_gets_an_answer(operation: object, raw: bytes) -> None:
    assert any(operation is each for each in OPERATIONS)
    hub = FakeHub()
    hub.add_credential(scopes=("read", "admin"))
    plant = hub.add_plant()
    hub.read(hub.add_device(plant), {"ac.power": 5.0})
    hub.add_device(plant, DeviceKind.BATTERY)
    client = Client(hub)
    name = next(each.name for each in OPERATIONS if each is operation)
    answer = await client.call(name, raw=raw)
    assert answer["errno"] in KNOWN
    assert answer["msg"]


@pytest.mark.parametrize("name", ["plant/detail", "device/detail", "device/generation", "user/getAccessCount"])
@given(query=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20), max_size=4))
async def test_any_query_gets_an_answer(name: str, query: dict[str, str]) -> None:
    hub = FakeHub()
    hub.add_credential()
    hub.add_device(hub.add_plant())
    assert (await Client(hub).call(name, query))["errno"] in {0, 40257, 41930}
