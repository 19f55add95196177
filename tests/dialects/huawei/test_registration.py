"""Serial numbers of a person: what is told, what is not, and what comes back as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.huawei.fake_hub import NOW_MS

if TYPE_CHECKING:
    from tests.dialects.huawei.client import Client
    from tests.dialects.huawei.fake_hub import FakeHub

MAIL = "admin@qq.com"


@pytest.fixture(autouse=True)
def people(hub: FakeHub) -> None:
    """A person with two devices, by mail and by telephone."""
    hub.people = {MAIL: {"S1", "S2"}, "+8613800000000": {"S1"}, "13800000000": {"S1"}}


async def test_each_serial_is_answered_and_the_key_comes_back(client: Client) -> None:
    asked = {"SN": "S1, S9", "userName": MAIL, "key": "1293849606739215"}
    assert await client.call("snIsRegister", asked) == {
        "buildCode": "2",
        "success": True,
        "data": {"detail": {"S1": True, "S9": False}, "key": "1293849606739215"},
        "failCode": 0,
        "params": {**asked, "currentTime": NOW_MS},
        "message": "",
    }


@pytest.mark.parametrize(
    ("sent", "user", "detail"),
    [
        ("S2", "nobody@qq.com", {"S2": False}),
        ("S2,S2,,S1", MAIL, {"S2": True, "S1": True}),
        (["S1", 7], MAIL, {"S1": True, "7": False}),
        (7, MAIL, {"7": False}),
        ("S1", "+8613800000000", {"S1": True}),
        ("S1", 13800000000, {"S1": True}),
        ("S1", f" {MAIL} ", {"S1": True}),
    ],
)
async def test_serials_and_contacts_come_in_many_forms(
    client: Client, sent: object, user: object, detail: dict[str, bool]
) -> None:
    answer = await client.call("snIsRegister", {"SN": sent, "userName": user})
    assert (answer["success"], answer["failCode"]) == (True, 0)
    assert answer["data"] == {"detail": detail, "key": None}


async def test_an_unknown_person_looks_like_a_device_of_another(client: Client) -> None:
    unknown = await client.call("snIsRegister", {"SN": "S9", "userName": "nobody@qq.com"})
    foreign = await client.call("snIsRegister", {"SN": "S9", "userName": MAIL})
    assert unknown["data"] == foreign["data"]
    assert (unknown["success"], unknown["message"]) == (foreign["success"], foreign["message"]) == (True, "")


@pytest.mark.parametrize("key", ["", "x" * 256, 5, 1.5, " blanks stay "])
async def test_a_key_comes_back_as_it_was(client: Client, key: object) -> None:
    answer = await client.call("snIsRegister", {"SN": "S1", "userName": MAIL, "key": key})
    assert answer["data"]["key"] == key


GOOD: dict[str, Any] = {"SN": "S1", "userName": MAIL, "key": "k"}


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"SN": None}, "SN"),
        ({"SN": " , "}, "SN"),
        ({"SN": {"S1": 1}}, "SN"),
        ({"userName": None}, "userName"),
        ({"userName": " "}, "userName"),
        ({"userName": [MAIL]}, "userName"),
        ({"userName": True}, "userName"),
        ({"SN": ",".join(f"S{index}" for index in range(21))}, "20 serial"),
        ({"key": "x" * 257}, "256"),
        ({"key": 10**256}, "256"),
        ({"key": ["k"]}, "key"),
        ({"key": False}, "key"),
    ],
)
async def test_a_question_that_says_too_little_or_too_much_is_20400(
    client: Client, odd: dict[str, Any], named: str
) -> None:
    answer = await client.call("snIsRegister", {**GOOD, **odd})
    assert (answer["success"], answer["failCode"], answer["data"]) == (False, 20400, None)
    assert named in answer["message"]
    assert "buildCode" not in answer


async def test_twenty_serials_are_not_too_many(client: Client) -> None:
    answer = await client.call("snIsRegister", {**GOOD, "SN": [f"S{index}" for index in range(20)]})
    assert len(answer["data"]["detail"]) == 20
