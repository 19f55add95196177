"""Whatever is sent, the answer is a result or a refusal of the interface, never a failure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import anyio
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import FakeHub

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(-(2**64), 2**64), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "samples",
                    "device",
                    "at",
                    "values",
                    "code",
                    "raised_at",
                    "name",
                    "zone",
                    "x",
                    "on",
                    "period_kwh",
                    "arguments",
                    "status",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
)
POSTS = [
    "/samples", "/devices/7/samples", "/devices/7/alarms", "/plants", "/devices", "/devices/7/commands",
    "/devices/7/declared",
]  # fmt: skip
GETS = [
    "/devices", "/latest", "/alarms", "/devices/7/history", "/plants/1/energy", "/plants/1/kpis", "/devices/7/gaps",
    "/devices/7/commands", "/devices/7/declared",
]  # fmt: skip
PARAMETERS = st.sampled_from(
    [
        "since", "until", "level", "limit", "after", "plant", "keys", "format", "active", "x", "status", "device",
        "code", "name",
    ]
)  # fmt: skip
TIMES = st.one_of(st.datetimes().map(str), st.integers(-(10**20), 10**20).map(str), st.text(max_size=12))


def statuses(path: str, *, body: bytes | None = None, query: str = "", **headers: str) -> int:
    async def call() -> int:
        api = Api(FakeHub())
        answer = await api.get(path, query) if body is None else await api.post(path, body, **headers)
        assert isinstance(answer.json, dict)
        return answer.status

    return anyio.run(call)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@given(body=st.one_of(st.binary(max_size=50), JSON.map(msgspec.json.encode)))
@example(body=b'[{"device":7,"at":1,"values":{"a":' + b"9" * 5000 + b"}}]")
@example(body=b'[{"device":' + b"9" * 5000 + b',"at":1,"values":{"a":1}}]')
@example(body=b'[{"device":"' + b"9" * 5000 + b'","at":"' + b"9" * 5000 + b'","values":{"a":1}}]')
@example(body=b'[{"device":7,"at":' + b"9" * 5000 + b',"values":{"a":1}}]')
@example(body=b'[{"device":7,"at":1,"values":{"a":"\\ud800"}}]')
@settings(max_examples=60, deadline=None)
def test_any_body_is_kept_or_refused(path: str, kind: str, body: bytes) -> None:
    assert statuses(path, body=body, content_type=kind) in (200, 201, 400, 404, 409)


@pytest.mark.parametrize("path", GETS)
@given(parameters=st.dictionaries(PARAMETERS, TIMES, max_size=3))
@example(parameters={"since": "9" * 5000})
@example(parameters={"limit": "9" * 5000})
@example(parameters={"after": "9" * 5000 + ".1.x"})
@example(parameters={"plant": "9" * 5000})
@settings(max_examples=60, deadline=None)
def test_any_query_is_answered_or_refused(path: str, parameters: dict[str, Any]) -> None:
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in parameters.items())
    assert statuses(path, query=query) in (200, 400, 404)


@pytest.mark.parametrize("path", ["/devices/{}", "/plants/{}", "/devices/{}/history", "/commands/{}"])
@pytest.mark.parametrize("wire", ["9" * 5000, "-1", "1.5", "%00", "7 ", "0x7", "\u0667", "null"])
def test_any_id_in_a_path_is_unknown_or_refused(path: str, wire: str) -> None:
    assert statuses(path.format(wire)) in (400, 404)
