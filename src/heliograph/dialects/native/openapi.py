"""The OpenAPI 3.1 document, made of the table of operations and the types they name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from heliograph.dialects.native import examples
from heliograph.dialects.native.decoding import LINES
from heliograph.dialects.native.operations import IDEMPOTENCY_KEY, MAKING, OPERATIONS, SEND_COMMAND
from heliograph.dialects.native.queries import SendDeviceSamples, SendSamples
from heliograph.dialects.native.wire import Problem, Sample
from heliograph.protocol.operations import Operation

Json = dict[str, Any]  # any: JSON of any shape
VERSION = "1.0.0"
REFERENCE = "#/components/schemas/{name}"
REFUSALS = {
    400: "The request does not say what it must.",
    401: "No valid token.",
    403: "The token does not open this call.",
    404: "There is no such thing, or it is not yours to see.",
    409: "It contradicts what is there.",
    422: "The device cannot do this, or nothing connects the hub to it.",
    429: "Called too often; the header Retry-After says when to come back.",
    503: "Nothing can be kept or read now; nothing of the request was kept.",
}
_PLACE = re.compile(r"\{(\w+)\}")


class _Schemas:
    """The schema of every type that the operations name, and the named ones they refer to."""

    def __init__(self, operations: tuple[Operation[Any, Any], ...]) -> None:
        kinds: list[Any] = [Problem, Sample]  # any: type expressions
        for operation in operations:
            kinds += [field.type for field in msgspec.structs.fields(operation.request)]
            kinds.append(operation.result)
        schemas, self.components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
        self._by_kind = list(zip(kinds, schemas, strict=True))

    def of(self, kind: Any) -> Json:  # any: a type expression
        """The schema of a type."""
        return next(schema for known, schema in self._by_kind if known == kind)


def build(operations: tuple[Operation[Any, Any], ...]) -> Json:
    """The document of these operations."""
    schemas = _Schemas(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _call(operation, schemas)
    refusals = {
        _refusal_name(status): {
            "description": text,
            "content": {"application/problem+json": {"schema": schemas.of(Problem), "example": _problem(status)}},
        }
        for status, text in REFUSALS.items()
    }
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "Heliograph",
            "version": VERSION,
            "description": (
                "Plants, devices, samples, energy and alarms of solar fleets, without loss. Values are in the "
                "canonical units of the catalogue of measurements; null is no sample, never zero. Times go out in UTC."
            ),
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": refusals,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "hg_<name>_<secret>"}},
        },
    }
    plain: Json = msgspec.json.decode(msgspec.json.encode(made))  # defaults that are tuples or words become JSON
    return plain


@lru_cache(maxsize=1)
def document() -> bytes:
    """The document of this interface as JSON."""
    return msgspec.json.encode(build(OPERATIONS))


def _call(operation: Operation[Any, Any], schemas: _Schemas) -> Json:
    made = operation.name in MAKING
    answer: Json = {"schema": schemas.of(operation.result)}
    if operation.name in examples.RESULTS:
        answer["example"] = examples.RESULTS[operation.name]
    call: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.cite.rpartition(", ")[2]],
        "description": "Needs no token." if operation.public else f"Needs the scope `{operation.scope}`.",
        "parameters": _parameters(operation, schemas) + _headers(operation),
        "responses": {
            "201" if made else "200": {
                "description": "Made; the header Location says where." if made else "Done.",
                "content": {"application/json": answer},
            },
            **_refusals(operation),
        },
    }
    if operation.public:
        call["security"] = []
    body = next((field for field in msgspec.structs.fields(operation.request) if field.name == "body"), None)
    if body is not None:
        call["requestBody"] = {"required": True, "content": _body(operation, schemas.of(body.type), schemas.of(Sample))}
    return call


def _body(operation: Operation[Any, Any], schema: Json, sample: Json) -> Json:
    content: Json = {"application/json": {"schema": schema, "example": examples.BODIES[operation.name]}}
    if operation.request in (SendSamples, SendDeviceSamples):
        for kind in sorted(LINES):
            content[kind] = {"schema": {**sample, "description": "One record a line."}}
    return content


def _parameters(operation: Operation[Any, Any], schemas: _Schemas) -> list[Json]:
    in_path = set(_PLACE.findall(operation.path))
    found: list[Json] = []
    for field in msgspec.structs.fields(operation.request):
        if field.encode_name == "body":
            continue
        schema = _without_null(schemas.of(field.type))
        parameter: Json = {
            "name": field.encode_name,
            "in": "path" if field.encode_name in in_path else "query",
            "required": field.required,
            "schema": schema,
        }
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        if not field.required and field.default not in (None, ""):
            schema["default"] = field.default
        found.append(parameter)
    return found


def _headers(operation: Operation[Any, Any]) -> list[Json]:
    if operation is not SEND_COMMAND:
        return []
    described = "The same as `key` of the body."
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return [{"name": IDEMPOTENCY_KEY, "in": "header", "required": False, "schema": schema, "description": described}]


def _without_null(schema: Json) -> Json:
    """A copy without the choice of null, which a query cannot say."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if len(choices) == 1:
        return {**choices[0], **rest}
    return {**rest, "anyOf": choices} if choices else rest


def _refusals(operation: Operation[Any, Any]) -> Json:
    statuses = set(REFUSALS)
    if operation.public:
        statuses -= {401, 403}
    if operation.scope == "read":
        statuses -= {409}
    if operation.scope != "control":
        statuses -= {422}
    if not msgspec.structs.fields(operation.request):
        statuses -= {404}
    return {str(status): {"$ref": f"#/components/responses/{_refusal_name(status)}"} for status in sorted(statuses)}


def _refusal_name(status: int) -> str:
    return f"Refused{status}"


def _problem(status: int) -> Json:
    """An example of a refusal."""
    if status == 400:
        return dict(examples.PROBLEM)
    return {"type": "about:blank", "title": REFUSALS[status], "status": status, "detail": REFUSALS[status]}
