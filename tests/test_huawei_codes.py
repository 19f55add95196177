"""Every code of chapter 4 of the SmartPVMS document, and the four that only real servers show, reached over HTTP.

Which code wins where several apply is written down in the README of the dialect; here each step of that order is tried.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from heliograph.clock import DAY_MS, WallClock
from heliograph.hub import DATABASE, FIRMWARE
from heliograph.model.devices import DeviceKind
from tests import live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(40)

SECRET = live.PASSWORD
OTHER, DISABLED, EXPIRED, NO_PLANTS, NO_RIGHTS, READER, FEW_FIGURES, NO_PROOF, GUESSED = (
    "other", "disabled", "expired", "no-plants", "no-rights", "reader", "few-figures", "no-upgrade", "guessed",
)  # fmt: skip
INVERTER, GATEWAY, BATTERY = 1, 2, 39
NOW_MS = WallClock().now_ms()
CHAPTER_4 = {*range(20001, 20028), 305, 401, 407}
BROKEN = b'{"stationCodes": '
Json = dict[str, Any]  # any: JSON


class Cloud(httpx.Client):
    """A served hub with sessions of all its users, and the names of what it holds."""

    def __init__(self, hub: live.Served) -> None:
        super().__init__(base_url=f"{hub.url}/thirdData/", timeout=30.0)
        self.hub = hub
        self.tokens: dict[str, str] = {"": ""}
        self.words: dict[str, str] = {}
        for user in (live.USER, OTHER, NO_PLANTS, NO_RIGHTS, READER, FEW_FIGURES, NO_PROOF):
            self.log_in(user)

    def log_in(self, user: str, password: str = SECRET) -> Json:
        """Open a session of a user."""
        answer = self.post("login", json={"userName": user, "systemCode": password})
        self.cookies.clear()
        if "xsrf-token" in answer.headers:
            self.tokens[user] = answer.headers["xsrf-token"]
        found: Json = answer.json()
        return found

    def name_all(self) -> None:
        """Learn the names of plants and devices of both tenants."""
        for user in (live.USER, OTHER):
            plants = {row["stationCode"]: row["stationName"] for row in self.ask("getStationList", None, user)["data"]}
            self.words |= {name: code for code, name in plants.items()}
            for row in self.ask("getDevList", {"stationCodes": ",".join(plants)}, user)["data"]:
                self.words[row["devName"]] = str(row["id"])

    def ask(self, call: str, body: object, user: str = live.USER) -> Json:
        """A call as a user, words in braces being replaced by ids; what is answered, always with HTTP 200."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        for name, word in self.words.items():
            content = content.replace(b"{" + name.encode() + b"}", word.encode())
        answer = self.post(call, content=content, headers={"xsrf-token": self.tokens[user]})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        found: Json = answer.json()
        return found

    def code(self, call: str, body: object, user: str = live.USER) -> int:
        """The code that a call is refused with, whose answer must have the form of a refusal."""
        answer = self.ask(call, body, user)
        assert answer["success"] is False, answer
        assert {"data", "params", "message"} <= answer.keys()
        assert answer["data"] is None or answer["failCode"] == 407
        assert answer.get("immediately", False) is (answer["failCode"] == 305)
        return int(answer["failCode"])


def provision(data: Path) -> None:
    """Two tenants, devices of all sorts, and users with all sorts of rights."""
    with live.provisioning(data) as setup:
        account, stranger = setup.account(), setup.account("strangers")
        setup.credentials(account)
        plant, theirs = setup.plant(account, "plant", "Europe/Berlin"), setup.plant(stranger, "theirs", "UTC")
        for name, model in (("ready", "A"), ("latest", "B"), ("lost", "C"), ("untouched", "A")):
            setup.device(plant, DeviceKind.INVERTER, name, serial=name, model=model, firmware="V1", capacity_w=5e3)
        setup.device(plant, DeviceKind.BATTERY, "battery")
        setup.device(plant, DeviceKind.GATEWAY, "gateway")
        setup.device(theirs, DeviceKind.INVERTER, "their inverter", model="A", firmware="V1")
        setup.firmware("A", "V2", b"a package")
        (data / FIRMWARE / setup.firmware("C", "V2", b"another package").sha256).unlink()

        def user(name: str, **known: Any) -> None:  # any: fields of all types
            setup.credential(known.pop("of", account), "huawei", name, SECRET, **known)

        user(OTHER, of=stranger)
        user(DISABLED, disabled=True)
        user(EXPIRED, expires_at_ms=NOW_MS - 1000)
        user(NO_PLANTS, plants=())
        user(NO_RIGHTS, operations=("getStationList",))
        user(READER, scopes=("read",))
        user(FEW_FIGURES, kpis=("day_power", "getDevRealKpi:active_power"))
        user(NO_PROOF, operations=("getDevUpgradeInfo",))
        user(GUESSED)


@contextmanager
def opened(data: Path, limits: str) -> Iterator[Cloud]:
    """Serve all that until the block ends."""
    live.configure(data, serve={"limits": limits}, store={"busy_timeout_s": 0.3}, commands={"poll_s": 0.1})
    provision(data)
    with live.served(data) as hub, closing(Cloud(hub)) as cloud:
        cloud.name_all()
        yield cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A hub without limits."""
    with opened(tmp_path_factory.mktemp("codes") / "data", "off") as made:
        yield made
        assert "Traceback" not in made.hub.log()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A hub with the limits of the document."""
    with opened(tmp_path_factory.mktemp("limited") / "data", "documented") as made:
        yield made


def many(count: int) -> str:
    """So many ids that nobody knows."""
    return ",".join(str(10**14 + n) for n in range(count))


PLANT_REPORTS = ("getKpiStationHour", "getKpiStationDay", "getKpiStationMonth", "getKpiStationYear")
DEVICE_REPORTS = ("getDevKpiHour", "getDevKpiDay", "getDevKpiMonth", "getDevKpiYear")
TIMED = ("getDevFiveMinutes", *DEVICE_REPORTS)
COMMANDS = ("devUpgrade", "getDevUpgradeInfo", "devOnOff")
OF_DEVICES = ("getDevRealKpi", *TIMED, *COMMANDS)
NO_IDS: list[object] = [None, "", [], {}]
NO_CODES: list[Json] = [{}, *({"stationCodes": codes} for codes in (*NO_IDS[:3], ","))]
NO_TIMES: list[Json] = [{}, *({"collectTime": at} for at in (None, "", "noon", True))]
NO_LANGUAGES: list[object] = ["en", "xx_XX", "EN_US", 7, ["en_US"]]
NO_OBJECTS = [b"[]", b"7", b'{"stationCodes":"a","stationCodes":"b"}']
AT = {"collectTime": NOW_MS}
READY = {"devIds": "{ready}", "devTypeId": INVERTER}
ALARMS = {"stationCodes": "{plant}", "beginTime": NOW_MS - DAY_MS, "endTime": NOW_MS, "language": "en_US"}


def alarms(**changed: object) -> Json:
    """A question for alarms, changed; None leaves a parameter out."""
    return {name: value for name, value in {**ALARMS, **changed}.items() if value is not None}


def devices(ids: object = "{ready}", type_id: object = INVERTER, **more: object) -> Json:
    """A question for devices that is right in all else."""
    return {"devIds": ids, "devTypeId": type_id, **AT, "controlType": 1, **more}


Case = tuple[int, str, object, str]
CASES: list[Case] = [
    *((20005, call, devices(ids), live.USER) for call in OF_DEVICES for ids in (",", " , ,", [""], ["", " "])),
    *((20006, call, devices(ids), live.USER) for call in OF_DEVICES for ids in ("{battery}", "{ready},{battery}")),
    *((20007, call, {"stationCodes": ids, **AT}, live.USER)
      for call in ("getStationRealKpi", "getDevList", *PLANT_REPORTS) for ids in ("0" * 32, "{theirs}", "plant")),
    (20007, "getAlarmList", alarms(stationCodes="{theirs}"), live.USER),
    (20007, "getStationList", {}, NO_PLANTS),
    *((20008, call, devices(ids), live.USER)
      for call in OF_DEVICES for ids in (1, "{their inverter}", "ready", "999999999999999999999")),
    (20008, "getAlarmList", alarms(stationCodes=None, devIds="{their inverter}"), live.USER),
    *((20009, call, {"stationCodes": "{plant}", **AT}, FEW_FIGURES) for call in PLANT_REPORTS),
    *((20009, call, devices(), FEW_FIGURES) for call in DEVICE_REPORTS),
    (20009, "getDevFiveMinutes", devices(), FEW_FIGURES),
    (20009, "getDevRealKpi", devices("{battery}", BATTERY), FEW_FIGURES),
    *((20010, call, {**AT, **codes}, live.USER)
      for call in ("getStationRealKpi", "getDevList", *PLANT_REPORTS) for codes in NO_CODES),
    (20010, "getStationRealKpi", None, live.USER),
    (20010, "getStationRealKpi", b"", live.USER),
    (20010, "getAlarmList", alarms(stationCodes=None), live.USER),
    *((20011, call, {**devices(), "devIds": ids}, live.USER) for call in OF_DEVICES for ids in NO_IDS),
    *((20011, call, {}, live.USER) for call in OF_DEVICES),
    *((20012, call, {"stationCodes": "{plant}", **at}, live.USER) for call in PLANT_REPORTS for at in NO_TIMES),
    *((20012, call, READY, live.USER) for call in TIMED),
    *((20012, "getAlarmList", alarms(**{name: None}), live.USER) for name in ("beginTime", "endTime")),
    *((20013, call, devices("{gateway}", type_id), live.USER)
      for call in OF_DEVICES for type_id in (GATEWAY, None, "", "x", 0, -1, 1.5, 10**30, [1])),
    *((20013, call, devices("{battery}", BATTERY), live.USER) for call in COMMANDS),
    *((20014, call, {"stationCodes": many(101)}, live.USER) for call in ("getStationRealKpi", "getDevList")),
    (20014, "getAlarmList", alarms(stationCodes=many(101)), live.USER),
    *((20015, call, {"stationCodes": many(101), **AT}, live.USER) for call in PLANT_REPORTS),
    (20016, "getDevRealKpi", devices(many(101)), live.USER),
    *((20017, call, devices(many(101)), live.USER) for call in TIMED),
    (20017, "getAlarmList", alarms(stationCodes=None, devIds=many(1001)), live.USER),
    *((20018, call, devices(many(11)), live.USER) for call in COMMANDS),
    *((20019, "devOnOff", devices(controlType=kind), live.USER) for kind in (0, 3, None, "", "on", True, 1.5, [1])),
    (20022, "getDevUpgradeInfo", devices("{untouched}"), live.USER),
    (20023, "getAlarmList", alarms(beginTime=NOW_MS, endTime=NOW_MS - 1), live.USER),
    *((20024, "getAlarmList", alarms(language=language), live.USER) for language in (None, "", " ")),
    *((20025, "getAlarmList", alarms(language=language), live.USER) for language in NO_LANGUAGES),
    (20026, "getAlarmList", alarms(beginTime=NOW_MS - 366 * DAY_MS, endTime=NOW_MS - 360 * DAY_MS), live.USER),
    (20027, "getAlarmList", alarms(beginTime=NOW_MS - 31 * DAY_MS - 1), live.USER),
    *((305, call, {}, "") for call in ("getStationList", "stations", *PLANT_REPORTS, *OF_DEVICES, "getAlarmList",
                                       "snIsRegister", "logout")),
    *((401, call, {}, NO_RIGHTS) for call in ("stations", *PLANT_REPORTS, *OF_DEVICES, "getAlarmList", "snIsRegister")),
    *((401, call, devices(), READER) for call in COMMANDS),
    (401, "getDevUpgradeInfo", devices(), NO_PROOF),
    (401, "getNothing", {}, live.USER),
    *((20400, call, BROKEN, live.USER)
      for call in ("stations", "getStationRealKpi", "getDevList", *PLANT_REPORTS, *OF_DEVICES, "getAlarmList",
                   "snIsRegister", "login")),
    *((20400, "getStationRealKpi", body, live.USER) for body in NO_OBJECTS),
    (20400, "stations", {"pageNo": 0}, live.USER),
    (20400, "snIsRegister", {"userName": "a@b.c"}, live.USER),
    (20400, "snIsRegister", {"SN": "ready"}, live.USER),
    (20400, "snIsRegister", {"SN": many(21), "userName": "a@b.c"}, live.USER),
    (20400, "snIsRegister", {"SN": "ready", "userName": "a@b.c", "key": "k" * 257}, live.USER),
]  # fmt: skip
"""A code, a call with its body, and the user whose call is refused with that code."""
ELSEWHERE = {20001, 20002, 20003, 20004, 20020, 20021, 407}
"""Codes with tests of their own below."""


def test_no_code_of_the_document_is_left_out() -> None:
    assert {code for code, *_ in CASES} | ELSEWHERE == CHAPTER_4 | {20400}


@pytest.mark.parametrize("code", sorted({case[0] for case in CASES}))
def test_every_refusal_has_its_code(cloud: Cloud, code: int) -> None:
    for wanted, call, body, user in CASES:
        if wanted == code:
            assert (call, body, cloud.code(call, body, user)) == (call, body, code)


def test_what_is_just_inside_every_bound_is_no_refusal(cloud: Cloud) -> None:
    known = [
        ("getStationRealKpi", {"stationCodes": many(99) + ",{plant}"}),
        ("getKpiStationDay", {"stationCodes": many(99) + ",{plant}", **AT}),
        ("getDevRealKpi", devices(many(99) + ",{ready}")),
        ("getDevFiveMinutes", devices(many(99) + ",{ready}")),
        ("getDevKpiDay", devices(",".join(["{ready}"] * 200))),
        ("devOnOff", devices(many(9) + ",{ready}", controlType="2")),
        ("getAlarmList", alarms(stationCodes=None, devIds=many(999) + ",{ready}")),
        ("getAlarmList", alarms(beginTime=NOW_MS - 31 * DAY_MS)),
        ("getAlarmList", alarms(beginTime=NOW_MS - 365 * DAY_MS + 3_600_000, endTime=NOW_MS - 360 * DAY_MS)),
        ("getAlarmList", alarms(beginTime=NOW_MS, endTime=NOW_MS)),
        ("snIsRegister", {"SN": many(20), "userName": "a@b.c", "key": "k" * 256}),
    ]
    for call, body in known:
        assert cloud.ask(call, body)["success"] is True, (call, body)


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [
        ("nobody", SECRET, 20001), ("", SECRET, 20001), (DISABLED, SECRET, 20002), (EXPIRED, SECRET, 20003),
        (live.USER, "wrong", 20400), (live.USER, "", 20400), (DISABLED, "wrong", 20400), (EXPIRED, "wrong", 20400),
    ],
)  # fmt: skip
def test_every_login_that_fails_has_its_code(cloud: Cloud, user: str, password: str, code: int) -> None:
    answer = cloud.log_in(user, password)
    assert (answer["success"], answer["failCode"], answer["data"], answer["params"]) == (False, code, None, None)
    if code == 20400:
        assert answer["message"] == "user.login.user_or_value_invalid"


def test_a_session_ends_with_another_login_a_logout_and_a_right_that_is_taken_away(cloud: Cloud) -> None:
    first = cloud.tokens[OTHER]
    cloud.log_in(OTHER)
    second, cloud.tokens[OTHER] = cloud.tokens[OTHER], first
    assert cloud.code("getStationList", {}, OTHER) == 305
    cloud.tokens[OTHER] = second
    assert cloud.ask("getStationList", {}, OTHER)["success"] is True
    assert cloud.ask("logout", {"xsrfToken": second}, OTHER)["success"] is True
    assert cloud.code("getStationList", {}, OTHER) == 305
    cloud.log_in(OTHER)
    assert cloud.ask("getStationList", {}, OTHER)["success"] is True


def test_figures_that_are_set_up_are_answered_and_the_others_left_out(cloud: Cloud) -> None:
    [now] = cloud.ask("getStationRealKpi", {"stationCodes": "{plant}"}, FEW_FIGURES)["data"]
    assert now["dataItemMap"].keys() == {"day_power"}
    assert len(cloud.ask("getDevList", {"stationCodes": "{plant}"}, FEW_FIGURES)["data"]) == 6
    assert cloud.ask("getAlarmList", alarms(), FEW_FIGURES)["success"] is True


def test_what_is_wrong_with_one_device_alone_stands_in_its_row(cloud: Cloud) -> None:
    rows = cloud.ask("devUpgrade", devices("{ready},{latest},{lost}"))["data"]
    names = {cloud.words[name]: name for name in ("ready", "latest", "lost")}
    assert {names[str(row["devId"])]: (row["result"], row["failCode"]) for row in rows} == {
        "ready": (True, 0), "latest": (False, 20020), "lost": (False, 20021),
    }  # fmt: skip
    records = cloud.ask("getDevUpgradeInfo", devices("{ready},{latest},{untouched}"))["data"]
    assert [str(record["devId"]) for record in records] == [cloud.words["ready"]]


WINS: list[tuple[int, int, str, object, str]] = [
    (305, 401, "getDevList", {"stationCodes": "{plant}"}, ""),
    (305, 20400, "getDevList", BROKEN, ""),
    (305, 20010, "getStationRealKpi", {}, ""),
    (401, 20400, "getStationRealKpi", BROKEN, NO_RIGHTS),
    (401, 20018, "devUpgrade", devices(many(11)), READER),
    (401, 20009, "getKpiStationDay", {"stationCodes": "{plant}", **AT}, NO_RIGHTS),
    (20400, 20010, "getKpiStationDay", BROKEN, live.USER),
    (20400, 20015, "getKpiStationDay", f'{{"stationCodes":"{many(101)}","a":1,"a":2}}'.encode(), live.USER),
    (20010, 20012, "getKpiStationDay", {}, live.USER),
    (20010, 20023, "getAlarmList", alarms(stationCodes="", beginTime=NOW_MS, endTime=0), live.USER),
    (20010, 20009, "getKpiStationDay", AT, FEW_FIGURES),
    (20011, 20013, "getDevRealKpi", {"devTypeId": 99}, live.USER),
    (20011, 20012, "getDevKpiDay", {"devTypeId": INVERTER}, live.USER),
    (20005, 20013, "getDevKpiDay", {"devIds": ",", "devTypeId": 99}, live.USER),
    (20014, 20007, "getStationRealKpi", {"stationCodes": many(101)}, live.USER),
    (20014, 20024, "getAlarmList", {"stationCodes": many(101)}, live.USER),
    (20015, 20012, "getKpiStationYear", {"stationCodes": many(101)}, live.USER),
    (20016, 20013, "getDevRealKpi", {"devIds": many(101), "devTypeId": GATEWAY}, live.USER),
    (20016, 20008, "getDevRealKpi", devices(many(101)), live.USER),
    (20017, 20012, "getDevKpiMonth", {"devIds": many(101), "devTypeId": INVERTER}, live.USER),
    (20018, 20013, "devUpgrade", {"devIds": many(11), "devTypeId": GATEWAY}, live.USER),
    (20018, 20019, "devOnOff", devices(many(11), controlType=9), live.USER),
    (20013, 20012, "getDevFiveMinutes", {"devIds": "{ready}", "devTypeId": GATEWAY}, live.USER),
    (20013, 20019, "devOnOff", devices("{gateway}", GATEWAY, controlType=9), live.USER),
    (20013, 20008, "getDevRealKpi", devices("1", GATEWAY), live.USER),
    (20013, 20006, "getDevRealKpi", devices("{ready}", GATEWAY), live.USER),
    (20012, 20007, "getKpiStationDay", {"stationCodes": "{theirs}"}, live.USER),
    (20012, 20008, "getDevKpiDay", {"devIds": "1", "devTypeId": INVERTER}, live.USER),
    (20012, 20024, "getAlarmList", alarms(endTime=None, language=None), live.USER),
    (20023, 20026, "getAlarmList", alarms(beginTime=10**12, endTime=10**12 - 1), live.USER),
    (20026, 20027, "getAlarmList", alarms(beginTime=NOW_MS - 400 * DAY_MS), live.USER),
    (20027, 20024, "getAlarmList", alarms(beginTime=NOW_MS - 40 * DAY_MS, language=None), live.USER),
    (20024, 20007, "getAlarmList", alarms(stationCodes="{theirs}", language=None), live.USER),
    (20025, 20007, "getAlarmList", alarms(stationCodes="{theirs}", language="xx_XX"), live.USER),
    (20019, 20008, "devOnOff", devices("1", controlType=9), live.USER),
    (20019, 20006, "devOnOff", devices("{battery}", controlType=9), live.USER),
    (20007, 20009, "getKpiStationDay", {"stationCodes": "{theirs}", **AT}, FEW_FIGURES),
    (20008, 20009, "getDevKpiDay", devices("1"), FEW_FIGURES),
    (20008, 20022, "getDevUpgradeInfo", devices("1"), live.USER),
    (20006, 20009, "getDevKpiDay", devices("{battery}"), FEW_FIGURES),
    (20006, 20022, "getDevUpgradeInfo", devices("{battery}"), live.USER),
    (20006, 20020, "devUpgrade", devices("{latest},{battery}"), live.USER),
]  # fmt: skip
"""The code that wins, one that would apply as well, and the call."""


@pytest.mark.parametrize(("winner", "loser", "call", "body", "user"), WINS)
def test_of_two_codes_that_apply_the_first_in_order_wins(
    cloud: Cloud, winner: int, loser: int, call: str, body: object, user: str
) -> None:
    assert cloud.code(call, body, user) == winner
    assert winner != loser


@pytest.mark.parametrize(("call", "body"), [("getStationList", {}), ("getKpiStationDay", {"stationCodes": "", **AT})])
def test_a_second_call_of_a_kind_within_a_minute_is_407_whoever_else_calls(
    limited: Cloud, call: str, body: object
) -> None:
    limited.hub.put_ahead(61.0)
    for user in (live.USER, OTHER):
        limited.log_in(user)
    first = limited.ask(call, body)
    assert first["failCode"] in (0, 20010), "a refused call counts like any other"
    refused = limited.ask(call, body)
    assert refused == {
        "success": False, "data": "ACCESS_FREQUENCY_IS_TOO_HIGH", "failCode": 407, "params": None, "message": None,
    }  # fmt: skip
    assert limited.ask(call, body, OTHER)["failCode"] in (0, 20010)
    limited.hub.put_ahead(45.0)
    assert limited.code(call, body) == 407
    limited.hub.put_ahead(16.0)
    assert limited.ask(call, body)["failCode"] == first["failCode"]


@pytest.mark.parametrize(
    ("winner", "call", "body", "user"),
    [
        (305, "getStationRealKpi", {}, ""), (401, "getStationRealKpi", {}, NO_RIGHTS),
        (407, "getStationRealKpi", BROKEN, FEW_FIGURES), (407, "getDevRealKpi", {}, FEW_FIGURES),
        (407, "getDevKpiDay", devices(many(101)), FEW_FIGURES),
    ],
)  # fmt: skip
def test_session_and_right_win_over_frequency_and_frequency_over_everything_else(
    limited: Cloud, winner: int, call: str, body: object, user: str
) -> None:
    limited.hub.put_ahead(61.0)
    limited.log_in(user or live.USER)
    limited.ask(call, body, user)
    assert limited.code(call, body, user) == winner


def test_whoever_guesses_a_password_is_held_off_even_with_the_right_one(limited: Cloud) -> None:
    limited.hub.put_ahead(301.0)
    assert [limited.log_in(GUESSED, f"guess {n}")["failCode"] for n in range(7)] == [20400] * 5 + [407] * 2
    assert limited.log_in(GUESSED)["failCode"] == 407
    assert limited.log_in(live.USER)["success"] is True
    limited.hub.put_ahead(301.0)
    assert limited.log_in(GUESSED)["success"] is True


def test_a_store_that_somebody_else_holds_is_20004_and_cured_when_it_is_let_go(limited: Cloud) -> None:
    with closing(sqlite3.connect(limited.hub.data / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        limited.hub.put_ahead(61.0)
        assert limited.log_in(OTHER)["failCode"] == 20004
        other.execute("ROLLBACK")
    assert limited.log_in(OTHER)["success"] is True


def test_a_store_that_lost_a_table_is_20004_in_the_calls_that_need_it_alone(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with opened(tmp_path_factory.mktemp("broken") / "data", "off") as cloud:
        assert cloud.ask("getAlarmList", alarms())["success"] is True
        with closing(sqlite3.connect(cloud.hub.data / DATABASE)) as other:
            other.execute("DROP TABLE alarm")
            other.execute("DROP TABLE bucket")
        assert cloud.code("getAlarmList", alarms()) == 20004
        assert cloud.code("getKpiStationDay", {"stationCodes": "{plant}", **AT}) == 20004
        assert cloud.code("getKpiStationDay", {"stationCodes": "", **AT}) == 20010
        told = cloud.ask("getAlarmList", alarms())
        assert "sqlite" not in json.dumps(told).lower()
        assert "alarm" not in told["message"]
        assert cloud.ask("getStationList", {})["success"] is True
