"""The document of the interface, held against the interface."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

import heliograph.dialects
from heliograph.dialects.native import DIALECT, examples
from heliograph.dialects.native.commanding import NAMES
from heliograph.dialects.native.facade import HANDLERS
from heliograph.dialects.native.openapi import document
from heliograph.dialects.native.operations import MAKING, OPERATIONS, PREFIX
from heliograph.dialects.native.queries import ListAlarms
from heliograph.dialects.native.wire import LanguageWord, Problem, SourceWord, StateWord, StatusWord, StepWord
from heliograph.model.measurements import CATALOGUE
from heliograph.protocol.operations import Operation, Request
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import FakeHub

DOCUMENT: Any = msgspec.json.decode(document())
README = (Path(heliograph.dialects.__path__[0]) / "native" / "README.md").read_text(encoding="utf-8")
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def test_the_document_is_valid_openapi_31() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


def test_every_operation_stands_in_the_document_and_nothing_else() -> None:
    told = {
        (method.upper(), path): call["operationId"]
        for path, calls in DOCUMENT["paths"].items()
        for method, call in calls.items()
    }
    assert told == {(operation.method, operation.path): operation.name for operation in OPERATIONS}


def test_every_operation_has_one_handler_and_a_path_under_the_prefix() -> None:
    assert [handler.operation for handler in HANDLERS] == list(OPERATIONS)
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert all(operation.path.startswith(f"{PREFIX}/") for operation in OPERATIONS)


@each_operation
def test_parameters_and_body_of_a_call_are_those_of_its_request(operation: Operation[Any, Any]) -> None:
    call = DOCUMENT["paths"][operation.path][operation.method.lower()]
    told = {parameter["name"]: parameter for parameter in call["parameters"] if parameter["in"] != "header"}
    fields = {field.name: field for field in msgspec.structs.fields(operation.request)}
    assert set(told) == set(fields) - {"body"}
    assert {name for name, p in told.items() if p["in"] == "path"} == set(re.findall(r"\{(\w+)\}", operation.path))
    assert all(parameter["required"] == fields[name].required for name, parameter in told.items())
    assert ("requestBody" in call) == ("body" in fields)
    assert call["summary"] == operation.summary != ""
    assert (call.get("security") == []) == operation.public
    assert "400" in call["responses"]
    assert ("201" in call["responses"]) == (operation.name in MAKING)
    assert ("409" in call["responses"]) == (operation.scope != "read")
    assert ("422" in call["responses"]) == (operation.scope == "control")


def test_the_header_that_makes_a_command_safe_to_repeat_is_told() -> None:
    headers = {
        call["operationId"]: [parameter["name"] for parameter in call["parameters"] if parameter["in"] == "header"]
        for calls in DOCUMENT["paths"].values()
        for call in calls.values()
    }
    assert {name: told for name, told in headers.items() if told} == {"send-command": ["Idempotency-Key"]}


def test_energies_of_the_ledger_are_told_as_texts_or_numbers() -> None:
    stated = DOCUMENT["components"]["schemas"]["StatedEnergy"]
    assert stated["properties"]["period_kwh"]["type"] == ["string", "number"]
    assert stated["properties"]["accumulated_kwh"]["type"] == ["string", "number", "null"]
    assert stated["required"] == ["on", "period_kwh"]


@each_operation
def test_the_examples_of_a_call_are_what_it_takes_and_gives(operation: Operation[Any, Any]) -> None:
    if operation.name in examples.BODIES:
        body = msgspec.json.encode(examples.BODIES[operation.name])
        path_params = dict.fromkeys(re.findall(r"\{(\w+)\}", operation.path), "7")
        assert DIALECT.decode is not None
        decoded = DIALECT.decode(operation, Request(operation.method, "", "", {}, body, body, path_params))
        assert isinstance(decoded, operation.request)
    assert (operation.name in examples.RESULTS) == (not operation.public)
    if not operation.public:
        shown = examples.RESULTS[operation.name]
        result = msgspec.convert(shown, operation.result)
        assert msgspec.json.decode(msgspec.json.encode(result)) == shown


def test_the_example_of_a_refusal_is_a_problem() -> None:
    assert msgspec.to_builtins(msgspec.convert(examples.PROBLEM, Problem)) == examples.PROBLEM


async def test_the_document_is_served_to_who_has_no_token(hub: FakeHub) -> None:
    answer = await Api(hub).get("/openapi.json", authorization="")
    assert (answer.status, answer.content_type, answer.json) == (200, "application/json", DOCUMENT)


async def test_the_catalogue_tells_every_measurement_with_its_unit(api: Api) -> None:
    told = {entry["key"]: entry for entry in (await api.get("/measurements")).json["measurements"]}
    assert set(told) == set(CATALOGUE)
    assert told["battery.power"]["unit"] == "W"
    assert told["ac.energy"]["aggregation"] == "counter"


@each_operation
def test_the_readme_names_every_call_and_the_section_it_is_cited_from(operation: Operation[Any, Any]) -> None:
    assert f"`{operation.method} {operation.path.removeprefix(PREFIX)}" in README
    assert f"## {operation.cite.removeprefix('native README, ')}\n" in README


@pytest.mark.parametrize("words", [StatusWord, StepWord, StateWord, SourceWord, LanguageWord])
def test_the_readme_explains_every_word(words: Any) -> None:
    told = set(re.findall(r"\w+", README))
    assert set(get_args(words)) <= told


def test_the_readme_explains_every_command_and_parameter_of_the_list_of_alarms() -> None:
    assert all(f"`{name}`" in README for name in NAMES)
    assert all(f"`{field.name}`" in README for field in msgspec.structs.fields(ListAlarms))
