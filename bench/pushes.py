"""Requests that push meter readings: signed ones for the hub, lines for the peers, from the same values.

Everything is built beforehand; a request costs two replacements of equal length and its signature.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import TYPE_CHECKING

import numpy as np

from bench.processes import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCESS_KEY, ACCESS_SECRET = "bench", "bench-secret"
DEVICE_TYPE = "1"
STEP_S = 300
VARIANTS = 24
"""How many different readings a device takes turns in, counters and times apart."""
COUNTERS = ("Ep_imp", "Ep_exp", "eq_imp", "eq_exp", "Ep_imp_1", "Ep_imp_2", "Ep_imp_3", "Ep_imp_4")
GAUGES: dict[str, tuple[float, float, int]] = {
    "Ua": (231.0, 2.0, 1), "Ub": (230.0, 2.0, 1), "Uc": (229.5, 2.0, 1),
    "Ia": (41.0, 9.0, 2), "Ib": (39.0, 9.0, 2), "Ic": (40.0, 9.0, 2),
    "P": (26.0, 6.0, 3), "Pa": (8.9, 2.0, 3), "Q": (3.1, 1.0, 3), "COSQ": (0.97, 0.02, 3), "F": (50.0, 0.03, 2),
    "VdisPer": (0.8, 0.3, 2), "dp_imp": (31.0, 4.0, 2), "dp_exp": (2.0, 0.5, 2),
}  # fmt: skip
"""Mean, spread and decimals of what is no counter."""
VALUES = len(GAUGES) + len(COUNTERS)
RISING = "@@@@@.@@"
"""What stands for the common part of all counters: kilowatt-hours that rise with every step."""

PATH = "/api/v1/data/increment/push"
_SIGNED = (
    "content-type", "host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce",
    "x-acs-version",
)  # fmt: skip


def meter_name(index: int) -> str:
    """What the meters are called on the wire, counted from 0."""
    return f"meter-{index:04d}"


def readings(device: int) -> list[dict[str, str]]:
    """The readings a meter takes turns in, as text; counters with a placeholder."""
    random = np.random.default_rng(device)
    drift = {
        name: np.round(mean + spread * np.cumsum(random.normal(0, 0.1, VARIANTS)), digits)
        for name, (mean, spread, digits) in GAUGES.items()
    }
    starts = random.integers(10, 90, len(COUNTERS))
    return [
        {name: f"{abs(drift[name][turn]):.{GAUGES[name][2]}f}" for name in GAUGES}
        | {name: f"{start}{RISING}" for name, start in zip(COUNTERS, starts, strict=True)}
        for turn in range(VARIANTS)
    ]


def steps(since_s: int) -> Iterator[tuple[int, bytes]]:
    """Successive times of records and the risen part of the counters. [s since 1970]"""
    for number in itertools.count():
        yield since_s + number * STEP_S, b"%08.2f" % (number * 0.31 % 99999.0)


class Signer:
    """Makes signed requests of one access key: each with its own nonce, date and signature."""

    def __init__(self, port: int) -> None:
        self._host = f"{HOST}:{port}"
        self._nonces = itertools.count(time.time_ns())
        self._signed = ";".join(_SIGNED)
        self._mac = hmac.new(ACCESS_SECRET.encode(), digestmod=hashlib.sha256)

    def request(self, body: bytes) -> bytes:
        """The whole request for a body."""
        digest = hashlib.sha256(body).hexdigest()
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        headers = (
            f"content-type:application/json\nhost:{self._host}\nx-acs-action:PushDeviceData\n"
            f"x-acs-content-sha256:{digest}\nx-acs-date:{date}\nx-acs-signature-nonce:{next(self._nonces):x}\n"
            "x-acs-version:2022-09-23\n"
        )
        canonical = f"POST\n{PATH}\n\n{headers}\n{self._signed}\n{digest}"
        mac = self._mac.copy()
        mac.update(f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}".encode())
        head = (
            f"POST {PATH} HTTP/1.1\r\n{headers.replace(chr(10), chr(13) + chr(10))}"
            f"authorization: ACS3-HMAC-SHA256 Credential={ACCESS_KEY},SignedHeaders={self._signed},"
            f"Signature={mac.hexdigest()}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def hub_requests(port: int, devices: int, records: int, since_s: int) -> Callable[[], bytes]:
    """Requests to a hub, `records` in each: all devices at a time, or one after the other."""
    mark = b"@@@@-@@-@@ @@:@@:@@"

    def body(turn: int, members: range) -> bytes:
        rows = [
            {"deviceId": meter_name(each), "recordTime": mark.decode(), "data": held[each][turn]} for each in members
        ]
        return json.dumps({"deviceType": DEVICE_TYPE, "devices": rows}, separators=(",", ":")).encode()

    held = {each: readings(each) for each in range(devices)}
    bodies = _turns(devices, records, body)
    signer = Signer(port)

    def endless() -> Iterator[bytes]:
        for turn, (at_s, risen) in enumerate(steps(since_s)):
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s)).encode()
            for template in bodies[turn % VARIANTS]:
                yield signer.request(template.replace(mark, stamp).replace(RISING.encode(), risen))

    return endless().__next__


def line_requests(port: int, target: str, devices: int, records: int, since_s: int) -> Callable[[], bytes]:
    """Requests in the line protocol with the same values; times are milliseconds."""
    mark = b"@@@@@@@@@@000"

    def body(turn: int, members: range) -> bytes:
        lines = (
            f"meter,device={meter_name(each)} "
            + ",".join(f"{name}={value}" for name, value in held[each][turn].items())
            + f" {mark.decode()}\n"
            for each in members
        )
        return "".join(lines).encode()

    held = {each: readings(each) for each in range(devices)}
    bodies = _turns(devices, records, body)
    head = f"POST {target} HTTP/1.1\r\nhost: {HOST}:{port}\r\ncontent-length: "

    def endless() -> Iterator[bytes]:
        for turn, (at_s, risen) in enumerate(steps(since_s)):
            stamp = b"%d000" % at_s
            for template in bodies[turn % VARIANTS]:
                sent = template.replace(mark, stamp).replace(RISING.encode(), risen)
                yield f"{head}{len(sent)}\r\n\r\n".encode() + sent

    return endless().__next__


def _turns(devices: int, records: int, body: Callable[[int, range], bytes]) -> list[list[bytes]]:
    """Bodies by turn: as many as it takes to hear of every device once."""
    groups = [range(first, min(first + records, devices)) for first in range(0, devices, records)]
    return [[body(turn, members) for members in groups] for turn in range(VARIANTS)]
