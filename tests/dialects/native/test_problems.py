"""Errors as problem documents, and back."""

from __future__ import annotations

import gzip
import inspect

import msgspec
import pytest

from heliograph import errors
from heliograph.dialects.native import DIALECT
from heliograph.dialects.native.codes import CODES, TABLE
from heliograph.dialects.native.operations import GET_PLANT
from heliograph.dialects.native.wire import PlantEntry
from heliograph.errors import BadRequestError, HubError, Problem, RecordsError, TooFrequentError, UnknownDeviceError
from heliograph.protocol.operations import Request
from tests.dialects.native.api import MAX_BODY, Answer, Api, read
from tests.dialects.native.fake_hub import FakeHub

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HubError)]
REQUEST = Request("GET", "/api/v1/plants/1", "", {}, b"", b"", request_id="r-7")


async def told(error: HubError) -> Answer:
    return await read(DIALECT.envelope.failure(error, GET_PLANT, REQUEST, 0))


@pytest.mark.parametrize("kind", TREE)
async def test_every_error_becomes_a_problem_and_comes_back_as_itself_or_its_ancestor(kind: type[HubError]) -> None:
    error = kind([Problem(2, "on", "because")]) if kind is RecordsError else kind("because")
    answer = await told(error)
    problem = answer.json
    assert answer.content_type == "application/problem+json"
    assert problem["status"] == answer.status >= 400
    assert (problem["detail"], problem["request_id"]) == (str(error), "r-7")
    assert problem["type"].startswith("urn:heliograph:problem:")
    assert problem["title"]
    with pytest.raises(HubError, match="because") as caught:
        DIALECT.envelope.open(GET_PLANT, answer.status, answer.body)
    assert issubclass(kind, type(caught.value))
    assert TABLE.code(caught.value).status == answer.status


def test_each_code_stands_for_one_error_and_each_error_for_one_code() -> None:
    assert len({code.value for code in CODES}) == len(CODES) == len({code.error for code in CODES})


async def test_a_problem_keeps_place_device_and_when_to_come_back() -> None:
    answer = await told(BadRequestError("no", field="samples[1].at", device="7"))
    assert (answer.json["field"], answer.json["device"]) == ("samples[1].at", "7")
    with pytest.raises(BadRequestError) as refused:
        DIALECT.envelope.open(GET_PLANT, 400, answer.body)
    assert (refused.value.field, refused.value.device) == ("samples[1].at", "7")
    answer = await told(TooFrequentError("wait", retry_after_s=2.5))
    assert (answer.status, answer.headers["Retry-After"], answer.json["retry_after_s"]) == (429, "3", 2.5)
    with pytest.raises(TooFrequentError) as late:
        DIALECT.envelope.open(GET_PLANT, 429, answer.body)
    assert late.value.retry_after_s == 2.5
    answer = await told(UnknownDeviceError("none", device="30"))
    with pytest.raises(UnknownDeviceError) as unknown:
        DIALECT.envelope.open(GET_PLANT, 404, answer.body)
    assert unknown.value.device == "30"


async def test_records_that_are_wrong_travel_each_with_its_place_both_ways() -> None:
    problems = (Problem(0, "on", "no date"), Problem(3, "period_kwh", "too much", group=1))
    answer = await told(RecordsError(problems))
    assert (answer.status, answer.json["detail"]) == (400, "record 0: no date (and 1 more)")
    assert answer.json["records"] == [
        {"place": 0, "field": "on", "message": "no date"},
        {"place": 3, "field": "period_kwh", "message": "too much", "group": 1},
    ]
    with pytest.raises(RecordsError) as wrong:
        DIALECT.envelope.open(GET_PLANT, 400, answer.body)
    assert wrong.value.problems == problems
    assert "records" not in (await told(BadRequestError("no"))).json


def test_wrong_records_that_are_not_named_are_still_a_bad_request() -> None:
    body = b'{"type":"urn:heliograph:problem:wrong-records","title":"","status":400,"detail":"no","field":"x"}'
    with pytest.raises(BadRequestError, match="no") as caught:
        DIALECT.envelope.open(GET_PLANT, 400, body)
    assert (type(caught.value), caught.value.field) == (BadRequestError, "x")


async def test_an_error_without_words_still_says_something() -> None:
    assert (await told(HubError())).json["detail"] == "The hub failed"


def test_a_result_opens_as_the_declared_type() -> None:
    body = msgspec.json.encode({"id": 1, "name": "Lakeside", "zone": "UTC"})
    assert DIALECT.envelope.open(GET_PLANT, 200, body) == PlantEntry(id=1, name="Lakeside", zone="UTC")


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b'{"type":"urn:other","title":"","status":502,"detail":"x"}']
)
def test_an_answer_that_is_no_problem_of_ours_is_still_an_error(body: bytes) -> None:
    with pytest.raises(HubError, match=r"502|x"):
        DIALECT.envelope.open(GET_PLANT, 502, body)


async def test_a_method_that_a_path_does_not_take_is_refused_as_a_problem(api: Api) -> None:
    missing = await api.send("DELETE", "/plants/1", b"", {})
    assert missing.problem["status"] == missing.status == 404


async def test_a_body_over_the_limit_is_refused_also_when_it_only_unpacks_to_one(api: Api, hub: FakeHub) -> None:
    large = b'[{"at":1,"values":{"a":"' + b"x" * MAX_BODY + b'"}}]'
    for body, headers in ((large, {}), (gzip.compress(large), {"content_encoding": "gzip"})):
        refused = await api.post("/devices/7/samples", body, **headers)
        assert refused.problem["type"] == "urn:heliograph:problem:too-large"
    assert hub.samples == {}
    small = gzip.compress(b'[{"at":1,"values":{"a":1}}]')
    assert (await api.post("/devices/7/samples", small, content_encoding="gzip")).json["accepted"] == 1
