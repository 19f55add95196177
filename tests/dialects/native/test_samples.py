"""Samples on their way in: every form of a body, what is kept, and what is refused by name."""

from __future__ import annotations

import math
import string
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.dialects.native.intake import read_instants, to_blocks
from heliograph.dialects.native.wire import Sample
from heliograph.errors import UnknownDeviceError
from heliograph.protocol.hub import Ingested
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import FakeHub, bags, utc_ms

AT = "2026-06-21T10:05:00Z"
AT_MS = utc_ms(AT)
ONE = {"accepted": 1, "duplicates": 0, "corrected": 0}
KEYS = st.text(string.ascii_letters + string.digits + "_.:-", min_size=1, max_size=100)
VALUES = st.one_of(
    st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53), st.text(max_size=20)
)
RECORDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "device": st.sampled_from([7, 8, "9"]),
        "at": st.integers(AT_MS, AT_MS + 10**9),
        "values": st.dictionaries(KEYS, VALUES, min_size=1, max_size=6),
    }
)
LINES = "application/x-ndjson"


def repr_of(record: tuple[object, dict[str, float | str]]) -> str:
    """A text that is the same for the same record, whatever the order of its keys."""
    return repr((record[0], sorted(record[1].items())))


@given(st.lists(RECORDS, max_size=8, unique_by=lambda record: (str(record["device"]), record["at"])), st.booleans())
@settings(deadline=None)
def test_what_is_sent_comes_out_of_history_and_goes_back_in_as_it_was(batch: list[Any], as_lines: bool) -> None:
    async def there_and_back() -> None:
        hub = FakeHub()
        api = Api(hub)
        if as_lines:
            body = b"\n".join(msgspec.json.encode(record) for record in batch)
            sent = await api.post("/samples", body, content_type=LINES) if batch else None
        else:
            sent = await api.post("/samples", batch)
        expected = {}
        for record in batch:
            held = {key: value for key, value in record["values"].items() if value is not None}
            if held:
                expected[(int(record["device"]), record["at"])] = held
        assert sent is None or sent.json["accepted"] == len(expected)
        assert hub.samples == expected
        for device in (7, 8, 9):
            rows = await api.get(f"/devices/{device}/history", f"since={AT_MS}&until={AT_MS + 10**9 + 1}&format=rows")
            again = await api.post(f"/devices/{device}/samples", rows.body.replace(b'"device":%d,' % device, b""))
            assert (again.status, again.json["accepted"], again.json["corrected"]) == (200, 0, 0)
        assert hub.samples == expected

    anyio.run(there_and_back)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
BAGS = st.dictionaries(KEYS, st.one_of(st.none(), FLOATS, st.text(max_size=5)), min_size=1, max_size=5)


@given(st.lists(st.builds(Sample, st.just(AT_MS), BAGS, st.integers(1, 3)), max_size=10))
def test_blocks_hold_each_record_once_with_the_measurements_it_named(samples: list[Sample]) -> None:
    blocks = to_blocks(samples, read_instants(samples))
    found = [(device, bag) for block in blocks for device, _, bag in bags(block)]
    sent = [(s.device, {key: value for key, value in s.values.items() if value is not None}) for s in samples]
    assert sorted(map(repr_of, found)) == sorted(repr_of(record) for record in sent if record[1])
    for block in blocks:
        assert block.values.shape == (len(block.device_ids), len(block.keys))
        assert block.values.dtype == float


def test_records_with_the_same_measurements_share_a_block() -> None:
    samples = [Sample(AT_MS + n, {"ac.power": float(n), "pv.power": None if n % 2 else 1.0}, 7) for n in range(10)]
    [block] = to_blocks(samples, read_instants(samples))
    assert block.keys == ("ac.power", "pv.power")
    assert block.values[:, 0].tolist() == list(map(float, range(10)))
    assert [math.isnan(value) for value in block.values[:, 1]] == [bool(n % 2) for n in range(10)]


@pytest.mark.parametrize(
    "body",
    [
        {"at": AT, "values": {"ac.power": 5}},
        [{"at": AT, "values": {"ac.power": 5}}],
        {"samples": [{"at": AT, "values": {"ac.power": 5}}]},
        {"device": "7", "at": AT_MS, "values": {"ac.power": 5}},
        [{"device": 7, "at": str(AT_MS), "values": {"ac.power": 5}}],
        [{"at": "2026-06-21T12:05:00+02:00", "values": {"ac.power": 5.0}}],
    ],
)
async def test_a_device_takes_every_form_of_a_body(api: Api, hub: FakeHub, body: object) -> None:
    assert (await api.post("/devices/7/samples", body)).json == ONE
    assert hub.samples == {(7, AT_MS): {"ac.power": 5.0}}
    assert hub.sources == ["native"]


@pytest.mark.parametrize("kind", [LINES, "application/jsonl; charset=utf-8", "Application/X-NDJSON"])
async def test_lines_are_records_also_with_empty_ones_between(api: Api, hub: FakeHub, kind: str) -> None:
    line = b'{"device":%d,"at":%d,"values":{"ac.power":1}}'
    body = b"\n\n".join(line % (device, AT_MS) for device in (7, 9)) + b"\n"
    assert (await api.post("/samples", body, content_type=kind)).json["accepted"] == 2
    assert set(hub.samples) == {(7, AT_MS), (9, AT_MS)}


async def test_the_same_again_is_a_duplicate_and_another_value_a_correction(api: Api) -> None:
    for value, outcome in ((1, "accepted"), (1, "duplicates"), (2, "corrected")):
        answer = await api.post("/devices/7/samples", {"at": AT, "values": {"ac.power": value}})
        assert answer.json[outcome] == 1


async def test_texts_stay_texts_even_when_they_read_like_numbers(api: Api, hub: FakeHub) -> None:
    values = {"a": "5", "b": "NaN", "c": "", "d": "null", "e": 5, "f": -0.0}
    await api.post("/devices/7/samples", {"at": AT, "values": values})
    kept = hub.samples[(7, AT_MS)]
    assert kept == values
    assert math.copysign(1, float(kept["f"])) == -1


async def test_null_is_no_sample(api: Api, hub: FakeHub) -> None:
    body = [{"at": AT, "values": {"a": None}}, {"at": AT_MS + 1, "values": {"a": None, "b": 0}}]
    assert (await api.post("/devices/7/samples", body)).json == ONE
    assert hub.samples == {(7, AT_MS + 1): {"b": 0.0}}
    nothing = await api.post("/devices/7/samples", body[:1])
    assert nothing.json == {"accepted": 0, "duplicates": 0, "corrected": 0}


async def test_a_time_without_an_offset_is_wall_time_of_the_devices_plant(api: Api, hub: FakeHub) -> None:
    wall = "2026-06-21T12:05:00"
    body = [{"device": device, "at": wall, "values": {"ac.power": 1}} for device in (7, 9)]
    assert (await api.post("/samples", body)).status == 200
    assert set(hub.samples) == {(7, utc_ms(f"{wall}+02:00")), (9, utc_ms(f"{wall}-04:00"))}


@pytest.mark.parametrize(
    ("wall", "read"),
    [("2025-10-26T02:30:00", "2025-10-26T02:30:00+02:00"), ("2026-03-29T02:30:00", "2026-03-29T02:30:00+01:00")],
)
async def test_a_wall_time_that_comes_twice_or_never_is_read_with_the_offset_before_the_change(
    api: Api, hub: FakeHub, wall: str, read: str
) -> None:
    await api.post("/devices/7/samples", {"at": wall, "values": {"a": 1}})
    assert set(hub.samples) == {(7, utc_ms(read))}


async def test_a_refusal_of_the_hub_for_a_device_the_caller_sees_is_passed_on(hub: FakeHub) -> None:
    class Disabled(FakeHub):
        async def ingest(self, *_args: object, **_kwargs: object) -> Ingested:
            raise UnknownDeviceError("device 7 is disabled", device="7")

    refused = await Api(Disabled()).post("/devices/7/samples", {"at": AT, "values": {"a": 1}})
    assert (refused.status, refused.json["detail"]) == (404, "device 7 is disabled")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [("true", "true"), ("NaN", "NaN"), ("-Infinity", "-Infinity"), ("1e999", "Infinity"), ("[1]", "[1]"), ("{}", "{}")],
)
@pytest.mark.parametrize("as_lines", [False, True])
async def test_what_is_no_value_is_refused_naming_record_device_and_key(
    api: Api, hub: FakeHub, raw: str, shown: str, as_lines: bool
) -> None:
    good = '{"device":7,"at":1,"values":{"ac.power":1}}'
    bad = f'{{"device":9,"at":2,"values":{{"pv.power":2,"ac.power":{raw}}}}}'
    body = f"{good}\n{bad}\n" if as_lines else f"[{good},{bad}]"
    refused = await api.post("/samples", body.encode(), content_type=LINES if as_lines else "application/json")
    assert refused.status == 400
    assert refused.json["field"] == "samples[1].values.ac.power"
    assert refused.json["device"] == "9"
    assert refused.json["detail"].endswith(f"not {shown}")
    assert hub.samples == {}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/samples", [{"at": 1, "values": {"a": 1}}], "samples[0].device"),
        ("/samples", [{"device": 7, "values": {"a": 1}}], "samples[0].at"),
        ("/samples", [{"device": 7, "at": 1}], "samples[0].values"),
        ("/samples", {"samples": [{"device": 7, "at": 1}]}, "samples[0].values"),
        ("/samples", {"device": 7, "at": 1}, "values"),
        ("/samples", {"device": 7, "values": {}}, "at"),
        ("/samples", {"samples": [], "at": 1}, "samples"),
        ("/samples", [{"device": 7, "at": 1, "values": {}}], "samples[0].values"),
        ("/samples", [{"device": 7, "at": 1, "values": {str(n): 1 for n in range(2001)}}], "samples[0].values"),
        ("/samples", [{"device": 7, "at": 1, "values": {"a b": 1}}], "samples[0].values.a b"),
        ("/samples", [{"device": 7, "at": 1, "values": {"": 1}}], "samples[0].values."),
        ("/samples", [{"device": 7, "at": 1, "values": {"a\n": 1}}], "samples[0].values.a\n"),
        ("/samples", [{"device": 7, "at": 1, "values": {"é": "x"}}], "samples[0].values.é"),
        ("/samples", [{"device": 7, "at": 1, "value": {}}], "samples[0]"),
        ("/samples", [{"device": 7.5, "at": 1, "values": {"a": 1}}], "samples[0].device"),
        ("/samples", [{"device": 2**63, "at": 1, "values": {"a": 1}}], "samples[0].device"),
        ("/samples", [{"device": 7, "at": 1}, {"device": 7, "at": "noon", "values": {"a": 1}}], "samples[0].values"),
        ("/samples", [{"device": 7, "at": "noon", "values": {"a": 1}}], "samples[0].at"),
        ("/samples", [{"at": "noon", "values": {"a": 1}}], "samples[0].at"),
        ("/samples", [{"device": 7, "at": 10**18, "values": {"a": 1}}], "samples[0].at"),
        ("/samples", [{"device": 7, "at": True, "values": {"a": 1}}], "samples[0].at"),
        ("/samples", [{"device": 7, "at": "2026-06-21T25:00:00", "values": {"a": 1}}], "samples[0].at"),
        ("/samples", [7], "samples[0]"),
        ("/samples", 7, ""),
        ("/samples", {"samples": {"device": 7}}, "samples"),
        ("/samples", b"", "body"),
        ("/samples", b"[", ""),
        ("/samples", b'[{"device":"\xff"}]', "body"),
        ("/samples", b"[" * 200_000, "samples[0]"),
        ("/samples", b'{"samples":' + b"[" * 200_000, "samples[0]"),
        ("/devices/7/samples", [{"device": 8, "at": 1, "values": {"a": 1}}], "samples[0].device"),
        ("/devices/7/samples", [{"at": 1, "values": {"a": True}}], "samples[0].values.a"),
        ("/devices/x/samples", [], "device"),
        ("/devices/0/samples", [], "device"),
    ],
)
async def test_a_body_that_does_not_say_what_it_must_is_refused_naming_the_place(
    api: Api, hub: FakeHub, path: str, body: object, field: str
) -> None:
    refused = await api.post(path, body)
    assert (refused.status, refused.json.get("field", "")) == (400, field), refused.json
    assert hub.samples == {}


@pytest.mark.parametrize("at", [1, "2026-06-21T12:05:00"])
@pytest.mark.parametrize("device", [30, 999, "30", "roof", "-7", "\u0667", "9" * 30])
async def test_a_device_of_another_tenant_and_none_at_all_are_refused_alike(
    api: Api, hub: FakeHub, device: object, at: object
) -> None:
    body = [{"device": owner, "at": at, "values": {"a": 1}} for owner in (7, device)]
    refused = await api.post("/samples", body)
    assert (refused.status, refused.json["device"]) == (404, str(device))
    assert refused.json["detail"].startswith("samples[1]: there is no device")
    assert hub.samples == {}
    if str(device).isascii() and str(device).isdecimal() and len(str(device)) < 19:
        alone = await api.post(f"/devices/{device}/samples", {"at": at, "values": {"a": 1}})
        assert (alone.status, alone.json["device"]) == (404, str(device))


@pytest.mark.parametrize("twice", [b'"a":1,"a":2', b'"b":1,"a":1,"a":1'])
async def test_a_name_that_stands_twice_in_a_single_large_record_is_refused(api: Api, twice: bytes) -> None:
    body = b'{"at":1,"values":{%b}}' % twice + b" " * 20_000
    refused = await api.post("/devices/7/samples", body)
    assert (refused.status, refused.json["field"]) == (400, "a")
    assert (await api.post("/devices/7/samples", body.replace(twice, b'"a":1'))).json["accepted"] == 1
