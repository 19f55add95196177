"""The authorise page: who is let in, what is shown, and where people are sent back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heliograph.model.plants import Account
from tests.dialects.foxess.oauth_house import (
    ASK,
    CALLBACK,
    CHEAP,
    CLIENT,
    CONTACT,
    PAGE,
    PASSWORD,
    House,
    hidden,
    open_house,
    told,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COOKIE = "heliograph_sign_in"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A hub with an application and Ada."""
    async with open_house(tmp_path) as made:
        yield made


def cookie(house: House) -> str | None:
    """What the browser keeps."""
    return house.http.cookies.get(COOKIE)


# What the page is


async def test_the_page_is_guarded_and_loads_nothing(house: House) -> None:
    for page in (await house.page(), await house.sign_in(), await house.page(client_id="none")):
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script" not in page.text
        assert "src=" not in page.text
        assert 'name="viewport"' in page.text


async def test_forms_go_nowhere_but_here_and_to_the_application(house: House) -> None:
    assert "form-action 'self' https://app.example.com;" in (await house.page()).headers["content-security-policy"]
    assert "form-action 'self';" in (await house.page(client_id="x")).headers["content-security-policy"]
    await house.save_application(redirect_uris=("myapp://back",))
    page = await house.page(redirect_uri="myapp://back")
    assert "form-action 'self' myapp:;" in page.headers["content-security-policy"]


async def test_it_says_who_asks_for_what_of_whose_plants(house: House) -> None:
    page = await house.sign_in(scope="control read")
    assert "Allow Tibber?" in page.text
    assert "Ada (ada@example.com)" in page.text
    assert page.text.index("change settings of your devices") < page.text.index("see your plants")
    assert "Roof &amp; &lt;Shed&gt;" in page.text
    assert "Barn" not in page.text
    assert "app.example.com" in page.text


async def test_what_is_not_asked_for_is_not_offered_and_no_scope_means_all_that_are_registered(house: House) -> None:
    assert "change settings" not in (await house.sign_in(scope="read")).text
    page = await house.page(scope="")
    assert "change settings" in page.text
    assert "see your plants" in page.text


async def test_who_owns_everything_sees_it_named_and_the_rest_counted(house: House) -> None:
    await house.save_person(id=1, plants=None)
    assert "Barn" in (await house.sign_in()).text
    for number in range(6):
        await house.save_plant(f"Extra {number}")
    page = (await house.page()).text
    assert "and 3 more" in page
    await house.save_person(id=1, plants=())
    await house.choose(await house.page(), "leave")
    assert "no plants yet" in (await house.sign_in()).text


@pytest.mark.parametrize(
    ("lang", "accepted", "shows", "tag"),
    [
        ("", "", "Sign in", "en"),
        ("de", "fr", "Anmelden", "de"),
        ("zh_CN", "", "登录", "zh-CN"),
        ("", "xx, pl;q=0.5, pt-BR;q=0.8", "Entrar", "pt"),
        ("xx", "fr;q=0", "Sign in", "en"),
    ],
)
async def test_it_speaks_the_language_of_the_caller(
    house: House, lang: str, accepted: str, shows: str, tag: str
) -> None:
    asked = {**ASK, "lang": lang}
    page = await house.http.get(PAGE, params=asked, headers={"accept-language": accepted})
    assert f"<h1>{shows}</h1>" in page.text
    assert f'<html lang="{tag}">' in page.text


async def test_names_cannot_break_out_of_the_page(house: House) -> None:
    await house.save_application(name='<b>"x"</b>{0}')
    page = await house.choose(await house.page(), "sign-in", contact='"><i>', password="wrong-one")
    assert "<b>" not in page.text
    assert "<i>" not in page.text
    assert 'value="&quot;&gt;&lt;i&gt;"' in page.text


# Requests that are wrong


@pytest.mark.parametrize("client", ["", "nobody", CLIENT.upper()])
async def test_an_unknown_client_is_told_on_the_page(house: House, client: str) -> None:
    page = await house.page(client_id=client)
    assert page.status_code == 400
    assert "client_id" in page.text
    assert "location" not in page.headers


async def test_a_disabled_application_or_account_is_an_unknown_client(house: House) -> None:
    await house.save_application(disabled=True)
    assert (await house.page()).status_code == 400
    await house.save_application(disabled=False)
    await house.save_account(Account(id=house.account.id, name="ours", disabled=True))
    assert (await house.page()).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.com/back", f"{CALLBACK}/", CALLBACK.upper(), "https://evil.example.com/",
        f"{CALLBACK}&a=b",
        "https://app.example.com/other?from=hub", "//app.example.com/back", f"{CALLBACK}#x", "javascript:alert(1)",
    ],
)  # fmt: skip
async def test_another_address_is_never_opened(house: House, address: str) -> None:
    for asked in ({}, {"response_type": "token"}):
        page = await house.page(redirect_uri=address, **asked)
        assert page.status_code == 400
        assert "redirect_uri" in page.text
        assert "location" not in page.headers
    sent = await house.http.post(PAGE, data={**ASK, "redirect_uri": address, "step": "deny"})
    assert "location" not in sent.headers


async def test_the_address_may_be_left_out_where_there_is_but_one(house: House) -> None:
    assert (await house.page(redirect_uri="")).status_code == 200
    assert await house.code(redirect_uri="")
    await house.save_application(redirect_uris=(CALLBACK, "https://b.example.com/"))
    assert (await house.page(redirect_uri="")).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "read all"}, "invalid_scope"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 42 + "!"}, "invalid_request"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
    ],
)
async def test_what_else_is_wrong_is_told_to_the_application(house: House, changes: dict[str, str], error: str) -> None:
    answer = await house.page(**changes)
    assert answer.status_code == 302
    found = told(answer)
    assert (found["error"], found["state"]) == (error, ASK["state"])
    assert found["error_description"]


async def test_a_parameter_that_comes_twice_is_refused_where_it_can_be_told(house: House) -> None:
    async def twice(name: str, value: str) -> tuple[int, str]:
        answer = await house.http.get(PAGE, params=[*ASK.items(), (name, value)])
        return answer.status_code, told(answer)["error"] if "location" in answer.headers else ""

    for name in ("scope", "state", "response_type"):
        assert await twice(name, ASK[name]) == (302, "invalid_request")
    for name in ("client_id", "redirect_uri"):
        assert await twice(name, ASK[name]) == (400, "")


async def test_a_body_that_cannot_be_read_gets_a_page_too(house: House) -> None:
    for body in (b'{"a": [', b'{"step": "allow", "step": "deny"}', b"&".join(b"a=1" for _ in range(60))):
        answer = await house.http.post(PAGE, content=body)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")


# Signing in


@pytest.mark.parametrize("contact", [CONTACT, " ADA@example.com ", "+49 30 12", "0049(0)3012"])
async def test_somebody_signs_in_by_any_contact(house: House, contact: str) -> None:
    await house.save_person(id=1, phone="+49 30 12")
    assert "Allow Tibber?" in (await house.sign_in(contact)).text


async def test_everybody_who_cannot_sign_in_is_told_the_same(house: House) -> None:
    await house.save_person(name="Bob", email="bob@example.com", password=None)
    await house.save_person(name="Eve", email="eve@example.com", disabled=True)
    other = await house.save_account(Account(id=0, name="theirs"))
    await house.save_person(account_id=other.id, name="Zoe", email="zoe@example.com")
    tried = [(CONTACT, "wrong-password"), (CONTACT, ""), (CONTACT, PASSWORD + "\ud800")]
    tried += [(f"{name}@example.com", PASSWORD) for name in ("bob", "eve", "zoe", "nobody")]
    for contact, password in tried:
        page = await house.sign_in(contact, password.encode("utf-8", "replace").decode())
        assert page.status_code == 403
        assert "Address or password is not right." in page.text
        assert PASSWORD not in page.text
    assert house.trail() == ["person.refused"] * len(tried)


async def test_five_wrong_guesses_end_the_guessing_for_five_minutes(house: House) -> None:
    for _ in range(5):
        assert (await house.sign_in(password="wrong-password")).status_code == 403
    held = await house.sign_in()
    assert held.status_code == 429
    assert held.headers["retry-after"] == "300"
    assert "Try again in 5 min." in held.text
    assert (await house.sign_in("bob@example.com")).status_code == 403
    house.wall.at_ms += 300_000
    assert (await house.sign_in()).status_code == 200


async def test_the_cookie_changes_on_signing_in_and_is_kept_from_scripts(house: House) -> None:
    page = await house.page()
    first = cookie(house)
    header = page.headers["set-cookie"]
    assert header == f"{COOKIE}={first}; Path=/public/auth; Max-Age=600; HttpOnly; SameSite=Lax"
    await house.choose(page, "sign-in", contact=CONTACT, password=PASSWORD)
    assert cookie(house) not in (None, first)


async def test_a_cookie_that_was_not_made_here_is_replaced(house: House) -> None:
    for planted in ("x", "x" * 44, "x" * 42 + "!"):
        page = await house.http.get(PAGE, params=ASK, headers={"cookie": f"a=b; {COOKIE}={planted}; c"})
        assert f"{COOKIE}={planted};" not in page.headers["set-cookie"]
    kept = await house.http.get(PAGE, params=ASK, headers={"cookie": f"{COOKIE}={'x' * 43}"})
    assert "x" * 43 in kept.headers["set-cookie"]


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("http, HTTPS", True), ("http", False), ("", False)])
async def test_the_cookie_is_secure_where_the_caller_came_so(house: House, proto: str, secure: bool) -> None:
    page = await house.http.get(PAGE, params=ASK, headers={"x-forwarded-proto": proto})
    assert page.headers["set-cookie"].endswith("; Secure") is secure


async def test_who_signed_in_is_asked_at_once_for_ten_minutes(house: House) -> None:
    await house.sign_in()
    house.wall.at_ms += 599_999
    page = await house.page()
    assert "Allow Tibber?" in page.text
    house.wall.at_ms += 1
    assert "Sign in" in (await house.page()).text
    late = await house.choose(page, "allow")
    assert late.status_code == 403
    assert "Please sign in again." in late.text


async def test_a_session_is_worth_nothing_for_another_account_s_application(house: House) -> None:
    other = await house.save_account(Account(id=0, name="theirs"))
    await house.save_application(id=0, account_id=other.id, client_id="theirs", name="Other")
    await house.sign_in()
    assert "Allow" in (await house.page()).text
    assert "<h1>Sign in</h1>" in (await house.page(client_id="theirs")).text


# Deciding


async def test_allowing_sends_back_with_a_code_and_the_state(house: House) -> None:
    answer = await house.choose(await house.sign_in(), "allow")
    assert answer.status_code == 303
    assert told(answer).keys() == {"from", "code", "state"}
    assert told(answer)["state"] == ASK["state"]
    assert told(answer)["code"] not in str(house.hub.database.query("SELECT * FROM token"))
    assert house.trail() == ["person.signed-in", "grant.given"]
    granted = house.credential()
    assert (granted.scopes, granted.plants, granted.person_id) == (("read",), (1,), 1)


async def test_denying_says_so_and_grants_nothing(house: House) -> None:
    for opened in (house.page, house.sign_in):
        answer = await house.choose(await opened(), "deny")
        assert answer.status_code == 303
        assert told(answer) == {"from": "hub", "error": "access_denied", "state": ASK["state"]}
    assert not house.hub.registry.credentials


@pytest.mark.parametrize("step", ["allow", "deny", "leave"])
async def test_whoever_has_decided_is_signed_out(house: House, step: str) -> None:
    page = await house.sign_in()
    await house.choose(page, step)
    assert cookie(house) is None
    assert "<h1>Sign in</h1>" in (await house.page()).text


async def test_somebody_else_can_sign_in_instead(house: House) -> None:
    await house.save_person(name="Bob", email="bob@example.com")
    left = await house.choose(await house.sign_in(), "leave")
    page = await house.http.get(f"/public/auth/{left.headers['location']}")
    assert "<h1>Sign in</h1>" in page.text
    assert "Bob (bob@example.com)" in (await house.sign_in("bob@example.com")).text


@pytest.mark.parametrize("step", ["allow", "deny", "leave", "sign-in", ""])
async def test_a_form_that_was_not_made_here_does_nothing(house: House, step: str) -> None:
    page = await house.sign_in()
    kept = cookie(house)
    sent = {**hidden(page), "contact": CONTACT, "password": PASSWORD, "step": step}
    without = {name: value for name, value in sent.items() if name != "mark"}
    for forged in (without, {**sent, "mark": "0" * 64}, {**sent, "scope": "read control"}, {**sent, "state": "other"}):
        assert (await house.http.post(PAGE, data=forged)).status_code == 403
    house.http.cookies.clear()
    assert (await house.http.post(PAGE, data=sent)).status_code == 403
    for other in ("another", "a" * 43):
        house.http.cookies.set(COOKIE, other, domain="hub", path="/public/auth")
        assert (await house.http.post(PAGE, data=sent)).status_code == 403
    assert kept
    assert not house.hub.registry.credentials


async def test_a_step_that_there_is_not_is_taken_for_no(house: House) -> None:
    assert told(await house.choose(await house.sign_in(), "maybe"))["error"] == "access_denied"


async def test_nobody_allows_more_than_the_page_showed(house: House) -> None:
    await house.save_application(scopes=("read",))
    page = await house.sign_in(scope="")
    await house.save_application(scopes=("read", "control"))
    assert (await house.choose(page, "allow")).status_code == 403
    assert not house.hub.registry.credentials


async def test_who_is_disabled_or_has_a_new_password_since_signing_in_allows_nothing(house: House) -> None:
    for change, undo in (({"disabled": True}, {"disabled": False}), ({"password": CHEAP.hash("another one")}, {})):
        page = await house.sign_in()
        await house.save_person(id=1, **change)
        assert told(await house.choose(page, "allow"))["error"] == "access_denied"
        await house.save_person(id=1, **undo)
    assert not house.hub.registry.credentials
