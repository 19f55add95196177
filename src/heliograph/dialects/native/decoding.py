"""Requests into what handlers take: path and query are read leniently as text, bodies strictly, so nothing is lost."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from heliograph.dialects.native.operations import OPERATIONS
from heliograph.dialects.native.queries import DeclareEnergy, ReportAlarms, SendDeviceSamples, SendSamples
from heliograph.dialects.native.wire import Sample, SampleBatch
from heliograph.errors import BadRequestError, MissingFieldError
from heliograph.protocol.operations import Operation, Request
from heliograph.protocol.serving import SMALL_BODY, refuse_repeated_names

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl"})
_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)
_ABSENT = re.compile(r"Object missing required field `(.*)`")
_TAKES_SAMPLES = (SendSamples, SendDeviceSamples)
_ROOTS: dict[Any, str] = {ReportAlarms: "alarms", DeclareEnergy: "entries"}  # any: see _DECODERS
_LINE = msgspec.json.Decoder(Sample)
_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {  # any: by request type, whatever its body holds
    operation.request: msgspec.json.Decoder(field.type)
    for operation in OPERATIONS
    for field in msgspec.structs.fields(operation.request)
    if field.name == "body"
}


def decode(operation: Operation[Any, Any], request: Request) -> Any:  # any: requests of all operations pass here
    """The request of an operation. Raises BadRequestError naming the place."""
    given: dict[str, Any] = _parameters(request)  # any: texts, and the decoded body
    if operation.request in _DECODERS:
        given["body"] = _body(operation, request)
    try:
        return msgspec.convert(given, operation.request, strict=False)
    except msgspec.ValidationError as error:
        raise refusal(error) from error


def refusal(error: msgspec.DecodeError, root: str = "") -> BadRequestError:
    """The decoder's complaint as an error of the hub; `root` names what a leading list index counts."""
    text, field = str(error), ""
    if (place := _PLACE.fullmatch(text)) is not None:
        text, field = place[1], place[2]
    field = f"{root}{field}" if field.startswith("[") else field
    if (absent := _ABSENT.fullmatch(text)) is not None:
        field = f"{field}.{absent[1]}" if field else absent[1]
        return MissingFieldError(f"{field} is required", field=field)
    return BadRequestError(f"{field}: {text}" if field else text, field=field)


def _parameters(request: Request) -> dict[str, Any]:  # any: see decode
    pairs = parse_qsl(request.query, keep_blank_values=True)
    given: dict[str, Any] = dict(request.path_params)
    for name, value in pairs:
        if name in given or name == "body":
            raise BadRequestError(
                f"the parameter {name[:100]} is given twice or has no place in the query", field=name[:100]
            )
        given[name] = value
    return given


def _body(operation: Operation[Any, Any], request: Request) -> Any:  # any: see decode
    takes_samples = operation.request in _TAKES_SAMPLES
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    lines = takes_samples and content_type in LINES
    try:
        found = _LINE.decode_lines(request.body) if lines else _DECODERS[operation.request].decode(request.body)
        if lines or len(request.body) > SMALL_BODY:
            _refuse_repeated_names(request.body, found, lines=lines)
        return found
    except msgspec.DecodeError as error:
        if not request.body.strip():
            raise MissingFieldError("this call needs a JSON body", field="body") from error
        if takes_samples:
            refuse_value(request.body, lines=lines, device=request.path_params.get("device", ""))
            raise refusal(error, "samples") from error
        raise refusal(error, _ROOTS.get(operation.request, "")) from error
    except (RecursionError, UnicodeDecodeError) as error:
        raise BadRequestError("the body is not JSON that can be read", field="body") from error


def _refuse_repeated_names(body: bytes, found: Any, *, lines: bool) -> None:  # any: the body of any operation
    """Raise BadRequestError if a record names something twice. The names are counted before anything is read again."""
    samples = found.samples if isinstance(found, SampleBatch) else found
    expected = int(samples is not found)
    if isinstance(samples, list):
        expected += sum(2 + (s.device is not msgspec.UNSET) + len(s.values) for s in samples if isinstance(s, Sample))
    if body.count(b'":') != expected:
        for part in body.splitlines() if lines else (body,):
            refuse_repeated_names(part)


def refuse_value(body: bytes, *, lines: bool, device: str) -> None:
    """Raise BadRequestError naming record, device and key of the first value that is none, if that is the trouble.

    Only called for bodies that the decoder refused, so its slowness and its leniency towards NaN do no harm.
    """
    try:
        found = [json.loads(line) for line in body.splitlines() if line.strip()] if lines else json.loads(body)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        found = found.get("samples", [found])
    for index, record in enumerate(found if isinstance(found, list) else ()):
        values = record.get("values") if isinstance(record, dict) else None
        for key, value in values.items() if isinstance(values, dict) else ():
            if not _is_value(value):
                owner = str(record.get("device", device))[:100]
                place = f"samples[{index}].values.{key[:100]}"
                shown = json.dumps(value)[:40]
                raise BadRequestError(
                    f"{place} of device {owner or 'unnamed'} must be a finite number, a text or null, not {shown}",
                    field=place,
                    device=owner,
                )


def _is_value(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):  # beyond what a float holds, it would become infinite
        return abs(value) <= 1.7976931348623157e308
    return value is None or isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))
