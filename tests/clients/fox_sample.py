"""A program that makes the calls of the document's sample, with its parameters, as a stranger would write it.

It knows nothing of the project. `python fox_sample.py URL TOKEN` prints what each call was answered, a line each.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import urllib.parse
import urllib.request
from typing import Any

# From, until, mode, lowest charge on grid, end of discharge, power: the groups of the sample's second request.
GROUPS = (
    ("0:00", "0:01", "ForceCharge", 10, 0, 0), ("3:02", "4:01", "ForceCharge", 22, 23, 5003),
    ("4:02", "4:59", "Backup", 32, 32, 5004), ("5:02", "5:59", "Feedin", 42, 42, 5005),
    ("6:02", "6:59", "SelfUse", 52, 52, 5006), ("7:01", "7:59", "SelfUse", 62, 62, 5007),
    ("8:01", "8:03", "SelfUse", 72, 72, 0), ("22:59", "23:59", "SelfUse", 100, 100, 6000),
)  # fmt: skip
REPORTED = ["generation", "feedin", "gridConsumption", "chargeEnergyToTal", "dischargeEnergyToTal"]


def group(since: str, until: str, mode: str, on_grid: int, end: int, power: int) -> dict[str, object]:
    """A group of the schedule, switched off as in the sample."""
    (hour, minute), (last_hour, last_minute) = (map(int, text.split(":")) for text in (since, until))
    return {
        "enable": 0, "startHour": hour, "startMinute": minute, "endHour": last_hour, "endMinute": last_minute,
        "workMode": mode, "minSocOnGrid": on_grid, "fdSoc": end, "fdPwr": power,
    }  # fmt: skip


class Cloud:
    """Signs and sends."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def ask(self, method: str, path: str, **query: Any) -> Any:
        """The whole answer of a call."""
        now = str(round(time.time() * 1000))
        digest = hashlib.md5(rf"{path}\r\n{self.token}\r\n{now}".encode(), usedforsecurity=False).hexdigest()
        headers = {
            "token": self.token, "timestamp": now, "signature": digest, "lang": "en", "User-Agent": "Mozilla/5.0",
            "Content-Type": "application/json",
        }  # fmt: skip
        asked = "?" + urllib.parse.urlencode(query) if method == "get" and query else ""
        body = json.dumps(query).encode() if method == "post" else None
        request = urllib.request.Request(self.url + path + asked, body, headers, method=method.upper())  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


def calls(serial: str, plant: str, now_ms: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Every call of the sample: method, path, parameters."""
    device, here, named = "/op/v0/device/", {"sn": serial}, {"deviceSN": serial}
    noon, then, night, dawn = ({"hour": h, "minute": m} for h, m in ((12, 0), (14, 56), (2, 0), (4, 0)))
    times = {"startTime1": noon, "endTime1": then, "startTime2": night, "endTime2": dawn}
    return [
        ("post", "/op/v0/plant/list", {"currentPage": 1, "pageSize": 10}),
        ("get", "/op/v0/plant/detail", {"id": plant}),
        ("post", f"{device}list", {"currentPage": 1, "pageSize": 500}),
        ("get", f"{device}detail", here),
        ("get", f"{device}variable/get", {}),
        ("post", f"{device}real/query", {**here, "variables": []}),
        ("post", f"{device}history/query", {**here, "variables": [], "begin": now_ms - 3_600_000, "end": now_ms}),
        (
            "post", f"{device}report/query",
            {**here, "year": 2024, "month": 1, "day": 17, "dimension": "day", "variables": REPORTED},
        ),
        ("get", f"{device}generation", here),
        ("post", f"{device}battery/soc/set", {**here, "minSoc": 10, "minSocOnGrid": 10}),
        ("get", f"{device}battery/soc/get", here),
        ("post", f"{device}battery/forceChargeTime/set", {**here, "enable1": True, "enable2": False, **times}),
        ("get", f"{device}battery/forceChargeTime/get", here),
        ("post", f"{device}scheduler/enable", {**named, "groups": [group(*one) for one in GROUPS]}),
        ("post", f"{device}scheduler/get", named),
        ("post", f"{device}scheduler/set", {**named, "enable": 0}),
        ("post", f"{device}scheduler/get/flag", named),
        ("post", "/op/v0/module/list", {"currentPage": 1, "pageSize": 10}),
        ("get", "/op/v0/user/getAccessCount", {}),
    ]  # fmt: skip


def main(url: str, token: str, now_ms: int) -> None:
    """Make every call, in the order of the sample."""
    cloud = Cloud(url, token)
    plant = cloud.ask("post", "/op/v0/plant/list", currentPage=1, pageSize=10)["result"]["data"][0]["stationID"]
    serial = cloud.ask("post", "/op/v0/device/list", currentPage=1, pageSize=10)["result"]["data"][0]["deviceSN"]
    for method, path, query in calls(serial, plant, now_ms):
        sys.stdout.write(json.dumps({"path": path, **cloud.ask(method, path, **query)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else round(time.time() * 1000))
