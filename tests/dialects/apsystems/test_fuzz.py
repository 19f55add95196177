"""Whatever a client sends, it gets HTTP 200 and a code of the table, and never that the hub failed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.apsystems.operations import OPERATIONS, PREFIX
from heliograph.model.devices import DeviceKind
from tests.dialects.apsystems.client import Client
from tests.dialects.apsystems.fake_hub import FakeHub

LEVELS = ("minutely", "hourly", "daily", "monthly", "yearly", "power", "energy", "weekly")
SPANS = ("2025-07-01", "2025-06-30", "2025-07", "2025", "1970-01-01", "9998-12-31", "0001-01-01", "2025-02-30", "")
WORD = st.one_of(st.sampled_from(["1", "203000000001", "902000000001", *LEVELS, *SPANS]), st.text(max_size=12))
QUERY = st.dictionaries(st.sampled_from(["energy_level", "date_range", "data_range", "sid", "eid", "uid", "x"]), WORD)


@pytest.mark.parametrize("name", [operation.name for operation in OPERATIONS])
@given(
    level=st.sampled_from(LEVELS), span=st.sampled_from(SPANS), query=QUERY,
    zone=st.sampled_from(["Europe/London", "Pacific/Apia"]),
    odd=st.one_of(st.none(), WORD),
)  # fmt: skip
async def test_any_query_gets_an_answer(
    name: str, level: str, span: str, query: dict[str, str], zone: str, odd: str | None
) -> None:
    hub = FakeHub()
    hub.add_credential(scopes=("read",))
    plant = hub.add_plant(zone)
    hub.add_device(plant, DeviceKind.GATEWAY, serial="203000000001")
    hub.add_device(plant, DeviceKind.METER)
    inverter = hub.add_device(plant, serial="902000000001")
    hub.read(inverter, {"pv.1.power": 1.0, "pv.2.voltage": 1.0})
    client = Client(hub)
    own = odd or ("902000000001" if name in ("inverter/summary", "inverter/energy") else "203000000001")
    found = await client.code(name, "1", own, **{"energy_level": level, "date_range": span, **query})
    assert found in (0, 1001, 2004, 4000, 4001)


NAMES = ("appid", "timestamp", "nonce", "signature_method", "signature")
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), LATIN), max_size=3),
    st.one_of(st.none(), LATIN, st.sampled_from(["Bearer a.e30.b", "a.eyJleHAiOjF9.b", "a.eyJleHAiOiJ4In0.b"])),
    st.text(max_size=10),
)
async def test_any_headers_get_an_answer(changed: dict[str, Any], token: str | None, last: str) -> None:
    hub = FakeHub()
    hub.add_credential(scopes=("read",))
    client = Client(hub)
    path = f"{PREFIX}/summary/{quote(last, safe='') or '-'}"
    given = client.signed(path, **changed)
    if token is not None:
        given["Authorization"] = token
    headers = [(name.encode(), value.strip().encode("latin-1")) for name, value in given.items()]
    answer = await client.http.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["code"] in (2000, 2001, 2004, 3000, 3001, 3002, 3003, 3004, 4000)
