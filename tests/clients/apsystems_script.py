"""A program that reads a system through the APsystems OpenAPI, as an owner would write it from the documentation.

`apsystems_script.py URL KEYS SID` prints what the system is and has produced; KEYS is a JSON file with `appId` and
`appSecret`. It knows nothing of the server but what is written down for its callers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = Any  # any: JSON
BUSY = (7002, 7003)


class RefusedError(Exception):
    """The server said no, with a code of Annex 1."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"code {code}")


@dataclass(frozen=True)
class Details:
    """A system."""

    sid: str
    create_date: str
    capacity: str
    type: int
    timezone: str
    ecu: list[str]


@dataclass(frozen=True)
class Inverter:
    """An inverter."""

    uid: str
    type: str


@dataclass(frozen=True)
class Ecu:
    """An ECU with its inverters."""

    eid: str
    type: int
    timezone: str
    inverter: list[Inverter]
    model: str = ""
    capacity: str = ""


@dataclass(frozen=True)
class Summary:
    """Energy so far. [kWh]"""

    today: str
    month: str
    year: str
    lifetime: str


@dataclass(frozen=True)
class Minutes:
    """A day of an ECU."""

    time: list[str]
    energy: list[str]
    power: list[str]
    today: str


@dataclass(frozen=True)
class Flows:
    """What a meter ECU tells of one period."""

    consumed: Any  # any: a text or a list of texts
    exported: Any  # any: as above
    imported: Any  # any: as above
    produced: Any  # any: as above


@dataclass(frozen=True)
class Powers:
    """What a meter ECU tells of a day. [W]"""

    consumed: list[str]
    imported_exported: list[str]
    produced: list[str]


@dataclass(frozen=True)
class MeterDay:
    """A day of a meter ECU."""

    time: list[str]
    today: Flows
    power: Powers
    energy: Flows


@dataclass(frozen=True)
class MeterPeriods:
    """A list of a meter ECU."""

    time: list[str]
    consumed: list[str]
    exported: list[str]
    imported: list[str]
    produced: list[str]


@dataclass(frozen=True)
class BatchPower:
    """The powers of a day."""

    time: list[str]
    power: dict[str, list[str]] = field(default_factory=dict)


class APsystems:
    """A client that signs each request and tries again when the server is busy."""

    def __init__(self, url: str, app_id: str, app_secret: str, *, method: str = "HmacSHA256") -> None:
        self._url, self._app_id, self._secret, self._method = url.rstrip("/"), app_id, app_secret, method

    def headers(self, path: str) -> dict[str, str]:
        """The headers of chapter 2.2."""
        stamp, nonce = str(int(time.time())), uuid.uuid4().hex
        last = path.split("/")[-1]
        text = "/".join((stamp, nonce, self._app_id, last, "GET", self._method))
        kind = hashlib.sha256 if self._method == "HmacSHA256" else hashlib.sha1
        digest = hmac.new(self._secret.encode(), text.encode(), kind).digest()
        return {
            "X-CA-AppId": self._app_id, "X-CA-Timestamp": stamp, "X-CA-Nonce": nonce,
            "X-CA-Signature-Method": self._method, "X-CA-Signature": base64.b64encode(digest).decode(),
        }  # fmt: skip

    def get(self, path: str, **query: str) -> Json:
        """The data of a call. Raises RefusedError."""
        path = f"/user/api/v2/systems/{path}"
        text = f"?{urllib.parse.urlencode(query)}" if query else ""
        for attempt in range(5):
            asked = urllib.request.Request(self._url + path + text, headers=self.headers(path))  # noqa: S310  loopback
            with urllib.request.urlopen(asked, timeout=30) as reply:  # noqa: S310  as above
                if reply.headers["Content-Type"].split(";")[0] != "application/json":
                    raise ValueError(reply.headers["Content-Type"])
                answer = json.loads(reply.read())
            if answer["code"] not in BUSY:
                break
            time.sleep(0.3 * (attempt + 1))
        if answer["code"] != 0:
            raise RefusedError(answer["code"])
        return answer["data"]

    def details(self, sid: str) -> Details:
        """3.1.1"""
        return Details(**self.get(f"details/{sid}"))

    def inverters(self, sid: str) -> list[Ecu]:
        """3.1.2"""
        rows = self.get(f"inverters/{sid}")
        return [Ecu(**{**row, "inverter": [Inverter(**each) for each in row["inverter"]]}) for row in rows]

    def meters(self, sid: str) -> list[str]:
        """3.1.3"""
        return list(self.get(f"meters/{sid}"))

    def summary(self, sid: str) -> Summary:
        """3.2.1"""
        return Summary(**self.get(f"summary/{sid}"))

    def energy(self, sid: str, level: str, span: str = "") -> list[str]:
        """3.2.2"""
        return list(self.get(f"energy/{sid}", **period(level, span)))

    def ecu_summary(self, sid: str, eid: str) -> Summary:
        """3.3.1"""
        return Summary(**self.get(f"{sid}/devices/ecu/summary/{eid}"))

    def ecu_energy(self, sid: str, eid: str, level: str, span: str = "") -> list[str]:
        """3.3.2"""
        return list(self.get(f"{sid}/devices/ecu/energy/{eid}", **period(level, span)))

    def ecu_day(self, sid: str, eid: str, span: str) -> Minutes:
        """3.3.2"""
        return Minutes(**self.get(f"{sid}/devices/ecu/energy/{eid}", **period("minutely", span)))

    def meter_summary(self, sid: str, eid: str) -> dict[str, Flows]:
        """3.4.1"""
        told = self.get(f"{sid}/devices/meter/summary/{eid}")
        return {name: Flows(**values) for name, values in told.items()}

    def meter_energy(self, sid: str, eid: str, level: str, span: str = "") -> MeterPeriods:
        """3.4.2"""
        return MeterPeriods(**self.get(f"{sid}/devices/meter/period/{eid}", **period(level, span)))

    def meter_day(self, sid: str, eid: str, span: str) -> MeterDay:
        """3.4.2"""
        told = self.get(f"{sid}/devices/meter/period/{eid}", **period("minutely", span))
        parts = {"today": Flows(**told.pop("today")), "power": Powers(**told.pop("power"))}
        return MeterDay(**told | parts | {"energy": Flows(**told["energy"])})

    def inverter_summary(self, sid: str, uid: str) -> dict[str, str]:
        """3.5.1"""
        return dict(self.get(f"{sid}/devices/inverter/summary/{uid}"))

    def inverter_energy(self, sid: str, uid: str, level: str, span: str = "") -> dict[str, list[str]]:
        """3.5.2"""
        return dict(self.get(f"{sid}/devices/inverter/energy/{uid}", **period(level, span)))

    def batch_power(self, sid: str, eid: str, span: str) -> BatchPower:
        """3.5.3"""
        return BatchPower(**self.get(f"{sid}/devices/inverter/batch/energy/{eid}", **period("power", span)))

    def batch_energy(self, sid: str, eid: str, span: str) -> dict[tuple[str, int], float]:
        """3.5.3"""
        told = self.get(f"{sid}/devices/inverter/batch/energy/{eid}", **period("energy", span))
        parts = [each.split("-") for each in told["energy"]]
        return {(uid, int(channel)): float(energy) for uid, channel, energy in parts}


def period(level: str, span: str) -> dict[str, str]:
    """The parameters of a call by periods."""
    return {"energy_level": level, "date_range": span} if span else {"energy_level": level}


def main(url: str, keys: str, sid: str) -> int:
    """Print a system."""
    known = json.loads(Path(keys).read_text())
    client = APsystems(url, known["appId"], known["appSecret"])
    try:
        details, told = client.details(sid), client.summary(sid)
    except RefusedError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    sys.stdout.write(f"{details.sid} {details.capacity} kW: {told.today} kWh today, {told.lifetime} kWh ever\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
