"""The document's sample, as a program of its own: every call succeeds, and what it sets is what it reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import fox_house, fox_sample

pytestmark = pytest.mark.timeout(60)


def test_every_call_of_the_sample_succeeds_and_reads_what_it_set(tmp_path: Path) -> None:
    with fox_house.opened(tmp_path / "data") as house:
        program = [sys.executable, "-I", str(Path(fox_sample.__file__)), house.hub.url, house.token]
        ran = subprocess.run([*program, str(fox_house.NOW_MS)], capture_output=True, text=True, timeout=50, check=True)
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [answer["path"] for answer in answers] == [path for _, path, _ in fox_sample.calls("", "", 0)]
    assert {(answer["errno"], answer["msg"]) for answer in answers} == {(0, "success")}
    told = {answer["path"].removeprefix("/op/v0/"): answer["result"] for answer in answers}
    assert told["device/battery/soc/get"] == {"minSoc": 10, "minSocOnGrid": 10}
    assert told["device/battery/forceChargeTime/get"]["endTime1"] == {"hour": 14, "minute": 56}
    groups = told["device/scheduler/get"]["groups"]
    assert [one["workMode"] for one in groups] == [mode for _, _, mode, *_ in fox_sample.GROUPS]
    assert told["device/scheduler/get/flag"] == {"support": True, "enable": False}
    assert len(told["device/variable/get"]) > 100
    assert all(point["data"] for point in told["device/history/query"][0]["datas"])
    assert [len(one["values"]) for one in told["device/report/query"]] == [24] * len(fox_sample.REPORTED)
    count = told["user/getAccessCount"]
    assert int(count["total"]) - int(count["remaining"]) == len(answers) + 2
