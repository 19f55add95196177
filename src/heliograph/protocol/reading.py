"""Answers of other servers, read tolerantly: a number may come as text, and text that is a number as one.

The documents print one form and the services send the other. Only an answer that does not fit is looked at again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

T = TypeVar("T")
NOTHING = frozenset({"", "-", "--", "N/A", "n/a"})
"""Texts that stand for a value that there is none of."""


def read(body: bytes, kind: type[T]) -> T:
    """What a body holds. Raises msgspec.DecodeError or UnicodeError when it holds something else."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        return convert(msgspec.json.decode(body), kind)


def convert(value: object, kind: type[T]) -> T:
    """What is already read, as a type. Raises msgspec.ValidationError when it is something else."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return msgspec.convert(_fitted(value, _shape(cast("Any", kind))), kind, strict=False)


@lru_cache(maxsize=256)
def _shape(kind: Any) -> inspect.Type:  # any: a type, also a generic one with its arguments
    return inspect.type_info(kind)


def _fitted(value: Any, shape: inspect.Type) -> Any:  # any: JSON
    """A value as its type wants it, as far as that is a matter of quotation marks."""
    shapes = shape.types if isinstance(shape, inspect.UnionType) else (shape,)
    if isinstance(value, dict):
        return _object(value, shapes)
    if isinstance(value, list):
        entries = next((each.item_type for each in shapes if isinstance(each, inspect.ListType)), None)
        return value if entries is None else [_fitted(each, entries) for each in value]
    return _scalar(value, shapes)


def _scalar(value: Any, shapes: tuple[inspect.Type, ...]) -> Any:  # any: JSON
    texts, whole, broken, none = (
        any(isinstance(each, kinds) for each in shapes)
        for kinds in (
            (inspect.StrType, inspect.AnyType), (inspect.IntType,), (inspect.FloatType,), (inspect.NoneType,)
        )
    )  # fmt: skip
    numbers = whole or broken
    if isinstance(value, bool):
        return int(value) if numbers and not any(isinstance(each, inspect.BoolType) for each in shapes) else value
    if isinstance(value, int | float) and texts and not numbers:
        return str(value)
    if not isinstance(value, str) or texts:
        return value
    text = value.strip()
    if none and text in NOTHING:
        return None
    if whole and not broken and text.rstrip("0").endswith("."):
        return text.rstrip("0")[:-1]
    return text


def _object(value: dict[str, Any], shapes: tuple[inspect.Type, ...]) -> dict[str, Any]:  # any: JSON
    for shape in shapes:
        if isinstance(shape, inspect.StructType):
            known = {field.encode_name: field.type for field in shape.fields}
            return {name: _fitted(each, known[name]) for name, each in value.items() if name in known}
        if isinstance(shape, inspect.DictType):
            return {name: _fitted(each, shape.value_type) for name, each in value.items()}
    return value
