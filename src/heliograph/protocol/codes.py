"""Codes: which number or word of a vendor stands for which error of the hub, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from heliograph.errors import DeviceError, HubError


class Code(msgspec.Struct, frozen=True):
    """One vendor code: its value, its text as sent, the error it stands for, the HTTP status it travels with."""

    value: int | str
    text: str
    error: type[HubError] = HubError
    status: int = 200


class VendorError(HubError):
    """An error for which the vendor has a code of its own; `code.error` is its place in the tree."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(detail or code.text)
        self.code = code


class CodeTable:
    """The codes of a dialect. `fallback` answers for errors no entry stands for."""

    def __init__(self, codes: Sequence[Code], by_error: Mapping[type[HubError], Code], fallback: Code) -> None:
        self.by_value = {code.value: code for code in codes}
        self.by_error = dict(by_error)
        self.fallback = fallback

    def code(self, error: HubError) -> Code:
        """The code for an error: its own, else the nearest ancestor's in the tree."""
        if isinstance(error, VendorError):
            return error.code
        for kind in type(error).__mro__:
            if kind in self.by_error:
                return self.by_error[kind]
        return self.fallback

    def error(self, value: int | str, text: str = "") -> HubError:
        """The error a vendor's code stands for; an unknown code keeps its value in the text."""
        code = self.by_value.get(value)
        if code is None:
            return HubError(f"code {value}: {text}")
        return VendorError(code, text or code.text)


@contextmanager
def legible(operation: str, status: int) -> Iterator[None]:
    """Reading an answer to a call: DeviceError for anything that turns out to be none."""
    try:
        yield
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise DeviceError(f"{operation}: HTTP {status} and no answer that can be read") from error
