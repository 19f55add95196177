"""Who may call, and how those are refused who may not."""

from __future__ import annotations

import pytest

from heliograph.dialects.native import DIALECT
from heliograph.dialects.native.auth import format_token, parse_token
from heliograph.errors import BadRequestError
from heliograph.model.access import Secret
from tests.dialects.native.api import Api
from tests.dialects.native.fake_hub import NOW_MS, FakeHub

GOOD = "hg_reader_secret-of-reader"


async def test_a_token_opens_the_calls_of_its_scopes_and_no_others(hub: FakeHub) -> None:
    reader = Api(hub, "reader")
    assert (await reader.get("/plants")).status == 200
    for path in ("/samples", "/devices/7/samples", "/devices/7/alarms", "/plants", "/devices"):
        refused = await reader.post(path, [])
        assert (refused.status, refused.json["type"]) == (403, "urn:heliograph:problem:forbidden")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic cmVhZGVyOng=",
        "Bearer",
        "Bearer reader",
        "Bearer hg_reader_",
        "Bearer hg_reader_secret-of-readeR",
        "Bearer hg_reader_secret-of-reader2",
        "Bearer hg_nobody_secret-of-reader",
        "Bearer hg_reader_secret-of-reader\x00",
        "Bearer hg_r\xe9ader_secret-of-reader",
    ],
)
async def test_without_a_valid_token_the_answer_is_401_with_a_challenge(api: Api, header: str) -> None:
    refused = await api.get("/plants", authorization=header)
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert refused.content_type == "application/problem+json"


async def test_a_wrong_secret_and_an_unknown_name_look_the_same(api: Api) -> None:
    wrong = await api.get("/plants", authorization="Bearer hg_reader_wrong-secret")
    unknown = await api.get("/plants", authorization="Bearer hg_nobody_wrong-secret")
    assert wrong.problem == unknown.problem


async def test_the_scheme_is_read_in_any_case(api: Api) -> None:
    assert (await api.get("/plants", authorization=f"bearer {GOOD}")).status == 200


async def test_a_disabled_or_ended_token_is_refused_only_to_who_knows_its_secret(hub: FakeHub) -> None:
    hub.grant("old", expires_at_ms=NOW_MS)
    hub.grant("off", disabled=True)
    for name, slug in (("old", "expired"), ("off", "disabled")):
        told = await Api(hub, name).get("/plants")
        assert (told.status, told.json["type"]) == (401, f"urn:heliograph:problem:{slug}")
        guessed = await Api(hub).get("/plants", authorization=f"Bearer hg_{name}_some-guess")
        assert guessed.json["type"] == "urn:heliograph:problem:unauthenticated"


async def test_a_token_is_good_until_its_end(hub: FakeHub) -> None:
    hub.grant("old", expires_at_ms=NOW_MS + 1)
    assert (await Api(hub, "old").get("/plants")).status == 200


async def test_a_credential_without_a_secret_opens_nothing(hub: FakeHub) -> None:
    hub.grant("")
    assert (await Api(hub).get("/plants", authorization="Bearer hg__")).status == 401


async def test_a_token_for_named_operations_opens_only_those(hub: FakeHub) -> None:
    hub.grant("feeder", operations=("send-samples", "who-am-i"))
    feeder = Api(hub, "feeder")
    assert (await feeder.post("/samples", [])).status == 200
    assert (await feeder.get("/plants")).status == 403
    assert (await feeder.get("/whoami")).json["operations"] == ["send-samples", "who-am-i"]


async def test_whoami_tells_what_the_token_opens(hub: FakeHub) -> None:
    hub.grant("some_one", plants=(2, 1), scopes=("write", "read"))
    assert (await Api(hub, "some_one").get("/whoami")).json == {
        "account": 10,
        "credential": 3,
        "scopes": ["read", "write"],
        "plants": [1, 2],
        "operations": None,
    }


def test_a_token_parses_back_also_when_the_name_has_underscores() -> None:
    secret = Secret("9f02c7" * 8)
    assert parse_token(format_token("roof_east_2", secret)) == ("roof_east_2", secret.reveal())


def test_a_credential_is_shown_as_the_token_that_opens_it() -> None:
    secret = Secret("9f02c7" * 8)
    shown = DIALECT.present("roof_east", secret)
    assert parse_token(shown["token"]) == ("roof_east", secret.reveal())


@pytest.mark.parametrize(
    ("name", "secret", "field"), [("roof east", "a-good-secret", "name"), ("roof", "under_score", "secret")]
)
def test_a_credential_that_no_token_could_carry_is_refused(name: str, secret: str, field: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        DIALECT.present(name, Secret(secret))
    assert refused.value.field == field
