"""Both forms of signature, against fixed values, against the vendor's own functions, and every way to be wrong."""

from __future__ import annotations

import base64
import hashlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest
from alibabacloud_tea_openapi.utils import Utils
from hypothesis import given
from hypothesis import strategies as st

from heliograph.dialects.energy_expert.auth import sign_acs, sign_acs3
from heliograph.model.access import Credential, Secret
from tests import live
from tests.dialects.energy_expert.client import PATH, push, record
from tests.dialects.energy_expert.pusher import Pusher, told

if TYPE_CHECKING:
    from heliograph.clock import FixedClock
    from heliograph.hub import LocalHub

BODY = b'{"deviceType":"1","devices":[]}'
BODY_SHA256 = hashlib.sha256(BODY).hexdigest()
NONCE = "3156853299f313e23d1673dc12e1703d"
NEW_FORM = {
    "host": "energyexpertexternal.cn-hangzhou.aliyuncs.com",
    "x-acs-version": "2022-09-23",
    "x-acs-action": "PushDeviceData",
    "x-acs-date": "2021-09-08T10:40:00Z",
    "x-acs-signature-nonce": NONCE,
    "accept": "application/json",
    "content-type": "application/json; charset=utf-8",
    "x-acs-content-sha256": BODY_SHA256,
    "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11 Core/0.4 TeaDSL/2",
}
OLDER_FORM = {
    "date": "Wed, 08 Sep 2021 10:40:00 GMT",
    "host": "energyexpertexternal.cn-hangzhou.aliyuncs.com",
    "accept": "application/json",
    "x-acs-signature-nonce": NONCE,
    "x-acs-signature-method": "HMAC-SHA1",
    "x-acs-signature-version": "1.0",
    "x-acs-version": "2022-09-23",
    "x-acs-action": "PushDeviceData",
    "content-type": "application/json; charset=utf-8",
}
GOOD = push(record("2026-06-21 11:00:00", {"P": "1.5"}))


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("", "bc55442b3a7067cd407ec7818f6e28226be83cf23e2ea316481bf884c057439a"),
        ("b=1%202~&a=%C3%A4%2F", "b1c64229bc1c0dbd3fc2501952986cc416fbca77bcdac098bd1b0013958a55b3"),
        ("a=%C3%A4%2f&b=1+2%7E", "b1c64229bc1c0dbd3fc2501952986cc416fbca77bcdac098bd1b0013958a55b3"),
    ],
)
def test_the_new_form_gives_the_signature_that_the_vendors_library_gave(query: str, signature: str) -> None:
    signed = sorted(NEW_FORM)
    assert sign_acs3("POST", PATH, query, NEW_FORM, signed, BODY_SHA256, "testsecret") == signature


@pytest.mark.parametrize(
    ("query", "signature"), [("", "IBkXphUmpkq36U5ZLUfS7CYKboI="), ("b=2&a=", "FKtQhEZTmN8wRPKpEAns638gdgA=")]
)
def test_the_older_form_gives_the_signature_that_the_vendors_library_gave(query: str, signature: str) -> None:
    assert sign_acs("POST", PATH, query, OLDER_FORM, "testsecret") == signature


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
SPARE = st.dictionaries(st.from_regex(r"\A(x-acs-)?[a-z]{1,9}\Z").filter(lambda name: name not in NEW_FORM), TEXTS)


@given(spare=SPARE, secret=TEXTS.filter(bool), body=st.binary(max_size=50))
def test_the_new_form_agrees_with_the_vendors_library_for_any_headers(
    spare: dict[str, str], secret: str, body: bytes
) -> None:
    headers, digest = {**NEW_FORM, **spare}, hashlib.sha256(body).hexdigest()
    request = SimpleNamespace(method="POST", pathname=PATH, query={}, headers=headers)
    theirs = Utils.get_authorization(request, "ACS3-HMAC-SHA256", digest, "id", secret)
    signed = theirs.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert theirs.endswith("Signature=" + sign_acs3("POST", PATH, "", headers, signed, digest, secret))


@given(spare=SPARE, secret=TEXTS.filter(bool))
def test_the_older_form_agrees_with_the_vendors_library_for_any_headers(spare: dict[str, str], secret: str) -> None:
    # Blanks around a value do not survive the way through HTTP, so no client can mean them.
    headers = {**OLDER_FORM, **{name: value.strip() for name, value in spare.items() if name != "date"}}
    request = SimpleNamespace(method="POST", pathname=PATH, query={}, headers=headers)
    theirs = Utils.get_roasignature(Utils.get_string_to_sign(request), secret)
    assert sign_acs("POST", PATH, "", headers, secret) == theirs


@pytest.mark.parametrize("older", [False, True])
async def test_a_request_in_either_form_is_taken_once_and_refused_when_it_comes_again(
    pusher: Pusher, *, older: bool
) -> None:
    headers = pusher.headers(GOOD, older=older)
    assert (await pusher.send(GOOD, headers)).status_code == 200
    assert told(await pusher.send(GOOD, headers), 400)[0] == "SignatureNonceUsed"
    assert len((await pusher.history())["at"]) == 1


async def give(hub: LocalHub, name: str, **known: object) -> None:
    """Another key, while the hub runs."""
    wanted = Credential(id=0, account_id=1, dialect="energy_expert", name=name, secret=Secret(f"{name}-secret"))
    wanted = msgspec.structs.replace(wanted, **known)
    await hub.database.write(lambda rows: hub.registry.put_credential(rows, wanted))


async def test_a_nonce_counts_for_either_form_and_for_one_access_key(pusher: Pusher, hub: LocalHub) -> None:
    await give(hub, "second")
    assert (await pusher.send(GOOD, pusher.headers(GOOD, nonce="n-1"))).status_code == 200
    again = await pusher.send(GOOD, pusher.headers(GOOD, nonce="n-1", older=True))
    assert told(again, 400)[0] == "SignatureNonceUsed"
    other = pusher.headers(GOOD, nonce="n-1", key="second", secret="second-secret")
    assert (await pusher.send(GOOD, other)).status_code == 200


async def test_a_refused_request_does_not_use_its_nonce_up(pusher: Pusher) -> None:
    wrong = push(record("2026-06-21 11:00:00", {"P": "much"}))
    told(await pusher.send(wrong, pusher.headers(wrong, nonce="n-1")), 400)
    assert (await pusher.send(GOOD, pusher.headers(GOOD, nonce="n-1"))).status_code == 200


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("off_s", [-900, 900])
async def test_a_date_fifteen_minutes_off_is_taken_and_a_second_more_is_not(
    pusher: Pusher, clock: FixedClock, off_s: int, *, older: bool
) -> None:
    at_s = clock.at_ms / 1000 + off_s
    assert (await pusher.send(GOOD, pusher.headers(GOOD, older=older, at_s=at_s))).status_code == 200
    beyond = pusher.headers(GOOD, older=older, at_s=at_s + (1 if off_s > 0 else -1))
    assert told(await pusher.send(GOOD, beyond), 400)[0] == "InvalidTimeStamp.Expired"


async def test_header_names_may_come_in_any_case_and_order(pusher: Pusher) -> None:
    for spelt in (str.upper, str.title, str.swapcase):
        headers = pusher.headers(GOOD)
        shuffled = {spelt(name): headers[name] for name in sorted(headers, reverse=True)}
        assert (await pusher.send(GOOD, shuffled)).status_code == 200


async def test_the_signed_headers_count_in_the_order_that_their_list_has(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD)
    signed = sorted((name for name in headers if name != "authorization"), reverse=True)
    body_sha256 = headers["x-acs-content-sha256"]
    signature = sign_acs3("POST", PATH, "", headers, signed, body_sha256, live.ACCESS_SECRET)
    names = ";".join(name.title() for name in signed)
    headers["authorization"] = (
        f"ACS3-HMAC-SHA256  Credential={live.ACCESS_KEY}, SignedHeaders={names}, Signature={signature.upper()}"
    )
    assert (await pusher.send(GOOD, headers)).status_code == 200


async def test_headers_that_a_proxy_adds_do_not_matter(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD) | {"x-forwarded-for": "10.0.0.1", "via": "1.1 proxy"}
    assert (await pusher.send(GOOD, headers)).status_code == 200


async def test_few_signed_headers_are_enough_and_what_is_not_signed_may_change(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD, leave_out=("host", "content-type", "x-acs-version", "x-acs-action"))
    assert (await pusher.send(GOOD, headers | {"content-type": "text/plain"})).status_code == 200


@pytest.mark.parametrize("name", ["x-acs-date", "x-acs-signature-nonce", "x-acs-action"])
async def test_a_signed_header_that_is_missing_is_named(pusher: Pusher, name: str) -> None:
    headers = pusher.headers(GOOD)
    del headers[name]
    code, message = told(await pusher.send(GOOD, headers), 400)
    assert code == "IncompleteSignature"
    assert name in message


@pytest.mark.parametrize("name", ["x-acs-date", "x-acs-signature-nonce"])
async def test_date_and_nonce_must_be_among_the_signed_headers(pusher: Pusher, name: str) -> None:
    code, message = told(await pusher.send(GOOD, pusher.headers(GOOD, leave_out=(name,))), 400)
    assert code == "IncompleteSignature"
    assert name in message


async def test_the_older_form_needs_a_date(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD, older=True, more={"date": ""})
    assert told(await pusher.send(GOOD, headers), 400)[0] == "IncompleteSignature"


async def test_the_older_form_without_a_nonce_is_taken_once(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD, older=True, leave_out=["x-acs-signature-nonce"])
    answer = await pusher.send(GOOD, headers)
    assert answer.status_code == 200, answer.text
    assert told(await pusher.send(GOOD, headers), 400)[0] == "SignatureNonceUsed"


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("name", ["x-acs-action", "x-acs-signature-nonce", "content-type"])
async def test_a_header_that_was_changed_on_the_way_does_not_match(pusher: Pusher, name: str, *, older: bool) -> None:
    headers = pusher.headers(GOOD, older=older) | {name: "changed"}
    assert told(await pusher.send(GOOD, headers), 403)[0] == "SignatureDoesNotMatch"


async def test_a_body_or_query_that_was_changed_on_the_way_does_not_match(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD)
    assert told(await pusher.send(GOOD + b" ", headers), 403)[0] == "SignatureDoesNotMatch"
    assert told(await pusher.send(GOOD, headers, "?a=1"), 403)[0] == "SignatureDoesNotMatch"
    lying = pusher.headers(GOOD, more={"x-acs-content-sha256": hashlib.sha256(b"other").hexdigest()})
    assert told(await pusher.send(GOOD, lying), 403)[0] == "SignatureDoesNotMatch"


async def test_the_older_form_holds_a_body_to_its_digest_if_it_has_one(pusher: Pusher) -> None:
    digests = {body: base64.b64encode(hashlib.md5(body).digest()).decode() for body in (GOOD, b"x")}  # noqa: S324
    right = pusher.headers(GOOD, older=True, more={"content-md5": digests[GOOD]})
    assert (await pusher.send(GOOD, right)).status_code == 200
    wrong = pusher.headers(GOOD, older=True, more={"content-md5": digests[b"x"]})
    assert told(await pusher.send(GOOD, wrong), 403)[0] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("older", [False, True])
async def test_a_wrong_secret_and_an_unknown_key_are_told_apart(pusher: Pusher, *, older: bool) -> None:
    wrong = pusher.headers(GOOD, older=older, secret="wrong")
    assert told(await pusher.send(GOOD, wrong), 403)[0] == "SignatureDoesNotMatch"
    unknown = pusher.headers(GOOD, older=older, key="nobody")
    assert told(await pusher.send(GOOD, unknown), 404)[0] == "InvalidAccessKeyId.NotFound"


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(
    ("known", "status", "code"),
    [
        ({"disabled": True}, 403, "InvalidAccessKeyId.Inactive"),
        ({"expires_at_ms": 1}, 403, "InvalidAccessKeyId.Inactive"),
        ({"scopes": ("read",)}, 403, "Forbidden.RAM"),
        ({"operations": ("Other",)}, 403, "Forbidden.RAM"),
        ({"plants": ()}, 400, "InvalidParameter"),
    ],
)
async def test_a_key_opens_no_more_than_it_should(
    pusher: Pusher, hub: LocalHub, known: dict[str, object], status: int, code: str, *, older: bool
) -> None:
    await give(hub, "small", **known)
    headers = pusher.headers(GOOD, older=older, key="small", secret="small-secret")
    assert told(await pusher.send(GOOD, headers), status)[0] == code


async def test_disabling_the_account_closes_its_keys(pusher: Pusher, hub: LocalHub) -> None:
    account = msgspec.structs.replace(hub.registry.accounts[1], disabled=True)
    await hub.database.write(lambda rows: hub.registry.put_account(rows, account))
    assert told(await pusher.send(GOOD, pusher.headers(GOOD)), 403)[0] == "InvalidAccessKeyId.Inactive"


UNSIGNED = [
    "", "Basic dXNlcjpwYXNz", "ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential", "ACS3-HMAC-SHA256 Credential=a",
    "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=,Signature=b", "ACS3-HMAC-SHA256 ,,,==", "ACS3-HMAC-SM3 Credential=a",
    "acs", "acs nobody", "acs :", "acs a:", "acs :b",
]  # fmt: skip


@pytest.mark.parametrize("authorization", UNSIGNED)
async def test_what_is_not_signed_in_either_form_is_told_so(pusher: Pusher, authorization: str) -> None:
    headers = pusher.headers(GOOD) | {"authorization": authorization}
    assert told(await pusher.send(GOOD, headers), 400)[0] == "IncompleteSignature"


@pytest.mark.parametrize(
    "date", ["yesterday", "2026-06-21 10:00:00", "2026-06-21T10:00:00+00:00", "0000-00-00T00:00:00Z"]
)
async def test_a_date_in_another_form_is_told_so(pusher: Pusher, date: str) -> None:
    headers = pusher.headers(GOOD, more={"x-acs-date": date})
    assert told(await pusher.send(GOOD, headers), 400)[0] == "IncompleteSignature"


async def test_a_signature_that_is_no_ascii_is_one_that_does_not_match(pusher: Pusher) -> None:
    headers = pusher.headers(GOOD)
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    raw[b"authorization"] = raw[b"authorization"].rpartition(b"=")[0] + "=ß".encode()
    answer = await pusher.http.post(PATH, content=GOOD, headers=raw)
    assert told(answer, 403)[0] == "SignatureDoesNotMatch"
