"""The authorise page in a real browser, with scripts switched off: a hub that runs, and an application that waits."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from argon2 import PasswordHasher
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from heliograph.clock import WallClock
from heliograph.dialects.foxess.auth import sign
from heliograph.model.access import Application, Secret
from heliograph.store.passwords import Passwords
from tests.live import HOST, Served, provisioning, served

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: apt-get install chromium")

CLIENT, SECRET, STATE = "sunny-app", "0123-client-secret", "a b&c=/?"
CONTACT, PASSWORD = "ada@example.com", "correct horse"
PHONE = {"width": 360, "height": 640}
PERSON_PLANTS = ("Barn at the lake", "Roof")


class Target:
    """The application's own server: it keeps what people bring back, and shows what a test wants to be shown."""

    def __init__(self) -> None:
        self.came: queue.Queue[str] = queue.Queue()
        self.shown = b"<h1>Welcome back</h1>"
        target = self

        class Handler(BaseHTTPRequestHandler):
            """Answers every GET the same."""

            def do_GET(self) -> None:
                """Note the address, show the page."""
                if self.path.startswith("/back"):
                    target.came.put(self.path)
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(target.shown)))
                self.end_headers()
                self.wfile.write(target.shown)

            def log_message(self, *_: Any) -> None:  # any: as inherited
                """Say nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        self.back = f"{self.url}/back?app=sunny"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def told(self) -> dict[str, str]:
        """What the last one who came back brought."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.came.get(timeout=30)).query).items()}

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def target() -> Iterator[Target]:
    """An application that waits."""
    made = Target()
    yield made
    made.stop()


@pytest.fixture
def hub(tmp_path: Path, target: Target) -> Iterator[Served]:
    """A hub in a process of its own, with Ada, two plants and the application."""
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with provisioning(tmp_path / "hub") as setup:
        account = setup.account()
        for name in PERSON_PLANTS:
            setup.plant(account, name, "UTC")
        setup.person(account, "Ada Lovelace", email=CONTACT, password=cheap.hash(PASSWORD))
        application = Application(
            id=0, account_id=account.id, dialect="foxess", client_id=CLIENT, secret=Secret(SECRET), name="Sunny",
            redirect_uris=(target.back,), scopes=("read", "control"),
        )  # fmt: skip
        setup.hub.database.write_now(lambda rows: setup.hub.registry.put_application(rows, application))
    with served(tmp_path / "hub") as running:
        yield running


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        await made.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A phone that was never here before, with scripts switched off."""
    made = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 640})
    yield made
    await made.close()


@pytest.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page of it; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    made = await context.new_page()
    made.set_default_timeout(8000)
    made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield made
    # A page of refusal is an error for the console too.
    assert [text for text in complaints if "status of 4" not in text and "favicon" not in text] == []


def address(hub: Served, target: Target, **changes: str) -> str:
    """Where an application sends people."""
    asked = {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": target.back, "scope": "read control",
        "state": STATE,
    }  # fmt: skip
    return f"{hub.url}/public/auth/index.html?{urlencode({**asked, **changes})}"


async def sign_in(page: Page, password: str = PASSWORD) -> None:
    """Type, and press Enter."""
    await page.get_by_label("E-mail address").fill(CONTACT)
    await page.get_by_label("Password").fill(password)
    await page.get_by_label("Password").press("Enter")


async def allowed(page: Page, hub: Served, target: Target) -> str:
    """The code that an application gets from somebody who allows it."""
    await page.goto(address(hub, target))
    await sign_in(page)
    await page.get_by_role("button", name="Allow").click()
    await page.get_by_role("heading", name="Welcome back").wait_for()
    return target.told()["code"]


async def exchange(hub: Served, code: str) -> httpx.Response:
    """The document's call for tokens."""
    query = {"grant_type": "authorization_code", "client_id": CLIENT, "client_secret": SECRET, "code": code}
    async with httpx.AsyncClient(base_url=hub.url) as http:
        return await http.post("/oauth2/token", params=query)


async def plants(hub: Served, access: str) -> Any:  # any: JSON
    """A call with an access token."""
    path, timestamp = "/op/v0/plant/list", str(WallClock().now_ms())
    headers = {
        "authorization": f"Bearer {access}", "timestamp": timestamp, "signature": sign(path, access, timestamp),
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=hub.url) as http:
        return (await http.post(path, headers=headers, json={"currentPage": 1, "pageSize": 10})).json()


async def test_who_allows_is_sent_back_and_the_application_reads_their_plants(
    page: Page, hub: Served, target: Target
) -> None:
    await page.goto(address(hub, target))
    await sign_in(page)
    shown = await page.locator("main").inner_text()
    for text in ("Allow Sunny?", "Ada Lovelace", "see your plants", "change settings", *PERSON_PLANTS, target.url[7:]):
        assert text in shown
    await page.get_by_role("button", name="Allow").click()
    await page.get_by_role("heading", name="Welcome back").wait_for()
    told = target.told()
    assert (told["app"], told["state"]) == ("sunny", STATE)
    found = (await exchange(hub, told["code"])).json()
    listed = await plants(hub, found["access_token"])
    assert {plant["name"] for plant in listed["result"]["data"]} == set(PERSON_PLANTS)
    assert not await page.context.cookies()


async def test_who_denies_is_sent_back_too(page: Page, hub: Served, target: Target) -> None:
    await page.goto(address(hub, target))
    await sign_in(page)
    await page.get_by_role("button", name="Deny").click()
    await page.get_by_role("heading", name="Welcome back").wait_for()
    assert target.told() == {"app": "sunny", "error": "access_denied", "state": STATE}


async def test_who_does_not_sign_in_can_go_back(page: Page, hub: Served, target: Target) -> None:
    await page.goto(address(hub, target))
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("heading", name="Welcome back").wait_for()
    assert target.told()["error"] == "access_denied"


async def test_a_wrong_password_can_be_mended(page: Page, hub: Served, target: Target) -> None:
    await page.goto(address(hub, target))
    await sign_in(page, "not the one")
    assert await page.get_by_role("alert").inner_text() == "Address or password is not right."
    assert await page.get_by_label("E-mail address").input_value() == CONTACT
    assert await page.get_by_label("Password").input_value() == ""
    await sign_in(page)
    await page.get_by_role("heading", name="Allow Sunny?").wait_for()


async def test_a_wrong_address_is_not_opened(page: Page, hub: Served, target: Target) -> None:
    for changes in ({"redirect_uri": f"{target.url}/back"}, {"client_id": "nobody"}):
        answer = await page.goto(address(hub, target, **changes))
        assert answer is not None
        assert answer.status == 400
        assert "not sent" in await page.get_by_role("alert").inner_text()
        assert page.url.startswith(hub.url)
    assert target.came.empty()


async def test_another_mistake_is_told_to_the_application(page: Page, hub: Served, target: Target) -> None:
    await page.goto(address(hub, target, scope="everything"))
    assert target.told()["error"] == "invalid_scope"


async def test_a_code_that_has_expired_gives_nothing(page: Page, hub: Served, target: Target) -> None:
    code = await allowed(page, hub, target)
    hub.put_ahead(301)
    answer = await exchange(hub, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_that_is_replayed_ends_what_it_gave(page: Page, hub: Served, target: Target) -> None:
    code = await allowed(page, hub, target)
    access = (await exchange(hub, code)).json()["access_token"]
    assert (await plants(hub, access))["errno"] == 0
    answer = await exchange(hub, code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await plants(hub, access))["errno"] == 41808


async def test_going_back_to_a_form_that_was_sent_allows_nothing(page: Page, hub: Served, target: Target) -> None:
    await allowed(page, hub, target)
    await page.go_back()
    if await page.get_by_role("button", name="Allow").count():
        await page.get_by_role("button", name="Allow").click()
        assert "expired" in await page.get_by_role("alert").inner_text()
    assert target.came.empty()


async def test_another_site_can_neither_frame_the_page_nor_send_its_form(
    page: Page, hub: Served, target: Target
) -> None:
    await page.goto(address(hub, target))
    await sign_in(page)
    await page.get_by_role("heading", name="Allow Sunny?").wait_for()
    where = address(hub, target).replace("&", "&amp;")
    target.shown = f'<iframe src="{where}"></iframe>'.encode()
    stranger = await page.context.new_page()
    await stranger.goto(target.url.replace(HOST, "localhost"))
    frame = stranger.frames[-1]
    assert await frame.get_by_role("button", name="Allow").count() == 0
    fields = {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": target.back, "scope": "read control",
        "state": STATE, "mark": "0" * 64, "step": "allow",
    }  # fmt: skip
    inputs = "".join(f'<input name="{name}" value="{value.replace("&", "&amp;")}">' for name, value in fields.items())
    target.shown = (
        f'<form method="post" action="{hub.url}/public/auth/index.html">{inputs}<button>Win</button></form>'.encode()
    )
    await stranger.goto(target.url.replace(HOST, "localhost"))
    await stranger.get_by_role("button", name="Win").click()
    assert "expired" in await stranger.get_by_role("alert").inner_text()
    assert target.came.empty()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_can_be_read_and_used_on_a_phone(
    page: Page, hub: Served, target: Target, tmp_path: Path, scheme: str
) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(address(hub, target))
    for name in ("sign-in", "consent"):
        if name == "consent":
            await sign_in(page)
            await page.get_by_role("heading", name="Allow Sunny?").wait_for()
        picture = tmp_path / f"{name}-{scheme}.png"
        await page.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 5000
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        # Smaller letters in a field make a phone zoom in.
        sizes = await page.evaluate(
            "[...document.querySelectorAll('p,li,input:not([type=hidden]),button')]"
            ".map(e => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 16
        for button in await page.get_by_role("button").all():
            box = await button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
        colours = await page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
        assert (colours == "rgb(255, 255, 255)") is (scheme == "light")
