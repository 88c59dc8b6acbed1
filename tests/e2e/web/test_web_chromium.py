"""A camera in a real browser: first access, login, a live picture that changes, settings, levels, phones."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from camward.access import Role

PASSWORD = "seven quiet herons wade"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()


async def opened(chromium: Browser, **options: object) -> tuple[BrowserContext, Page, list[str]]:
    """A context, its page, and the list that fills with what the page complains of."""
    context = await chromium.new_context(ignore_https_errors=True, **options)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    return context, page, complaints


async def log_in(page: Page, url: str, name: str) -> None:
    await page.goto(f"{url}/login")
    await page.fill("#name", name)
    await page.fill("#password", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/live")


async def picture(page: Page) -> str:
    """Hash of what is on the canvas."""
    data = await page.evaluate("document.getElementById('picture').toDataURL('image/png')")
    return hashlib.sha256(data.encode()).hexdigest()


async def pictures(page: Page, count: int) -> set[str]:
    """Different pictures seen, up to `count`."""
    seen: set[str] = set()
    async with asyncio.timeout(15):
        while len(seen) < count:
            seen.add(await picture(page))
            await asyncio.sleep(0.2)
    return seen


async def test_first_access_then_a_live_picture(picturing, chromium: Browser, tmp_path: Path) -> None:
    _, page, complaints = await opened(chromium, accept_downloads=True)
    await page.goto(f"{picturing.url}/status")
    await expect(page.locator("h1").first).to_have_text("Enter the claim code")
    await page.fill("#code", "AAAA-AAAA-AAAA-AAAA")
    await page.keyboard.press("Enter")
    await expect(page.locator("#code-error")).to_contain_text("This is not the claim code")
    assert len(complaints) == 1 and "403" in complaints.pop()
    await page.fill("#code", picturing.code.lower().replace("-", " "))
    await page.keyboard.press("Enter")
    await page.fill("#name", "petra")
    await page.fill("#password", "password1234")
    await expect(page.locator("#password-verdict")).to_contain_text("most guessed")
    await page.fill("#password", PASSWORD)
    await expect(page.locator("#password-verdict")).to_contain_text("Good")
    await page.fill("#again", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#finish")).to_be_disabled()
    await page.fill("#phrase", "kept in the drawer")
    await page.fill("#phrase-again", "kept in the drawer")
    async with page.expect_download() as download:
        await page.click("#save")
    await (await download.value).save_as(tmp_path / "owner.pem")
    await page.click("#finish")
    await page.wait_for_url("**/live")
    await expect(page.locator("#state")).to_contain_text("Live", timeout=10_000)
    await expect(page.locator("#none")).to_be_hidden()
    assert len(await pictures(page, 3)) == 3
    assert complaints == []
    assert await owner_spki(tmp_path / "owner.pem") == picturing.ground.access.claim.owner_key
    kept = await page.evaluate(
        """async () => {
          const app = document.querySelector('script[src*="app.js"]').src;
          const {keptKey} = await import(app.replace('app.js', 'claim/owner_key.js'));
          const key = await keptKey();
          return [key.privateKey.extractable, btoa(String.fromCharCode(...key.spki))];
        }"""
    )
    assert kept[0] is False


async def owner_spki(pem: Path) -> bytes:
    """The public half of a saved key, as OpenSSL reads it."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "pkey", "-in", str(pem), "-passin", "pass:kept in the drawer", "-pubout", "-outform", "DER",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output


async def test_streams_sound_snapshot_and_keys(picturing, chromium: Browser, tmp_path: Path) -> None:
    await picturing.make_administrator()
    _, page, complaints = await opened(chromium, accept_downloads=True)
    await log_in(page, picturing.url, "petra")
    await pictures(page, 2)
    await page.keyboard.press("2")
    await expect(page.locator("[data-stream=stream2]")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#state")).to_contain_text("Live", timeout=10_000)
    assert len(await pictures(page, 2)) == 2
    assert picturing.media.streams["stream2"].readers == 1
    await page.keyboard.press("m")
    await expect(page.locator("#sound")).to_have_attribute("aria-pressed", "true")
    async with asyncio.timeout(5):
        while not await page.evaluate("camwardLive.hasSound"):
            await asyncio.sleep(0.1)
    async with page.expect_download() as download:
        await page.keyboard.press("s")
    await (await download.value).save_as(tmp_path / "snapshot.jpg")
    assert (tmp_path / "snapshot.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    await page.keyboard.press("?")
    await expect(page.locator("#keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("h")
    await page.wait_for_url("**/status")
    await expect(page.locator("tr[data-stream=stream1] [data-part=state]")).to_contain_text("Signal")
    assert complaints == []


async def test_no_signal_is_said_and_the_picture_comes_back(claimed, chromium: Browser) -> None:
    _, page, _ = await opened(chromium)
    await log_in(page, claimed.url, "petra")
    await expect(page.locator("#none")).to_contain_text("No signal")
    media = asyncio.create_task(claimed.media.run())
    try:
        await expect(page.locator("#state")).to_contain_text("Live", timeout=10_000)
        await expect(page.locator("#none")).to_be_hidden()
        assert len(await pictures(page, 2)) == 2
    finally:
        media.cancel()
        await asyncio.gather(media, return_exceptions=True)
    claimed.media.streams["stream1"].set_no_signal(since=claimed.ground.clock.utc(), reason="the cable was pulled")
    await expect(page.locator("#none")).to_contain_text("The cable was pulled.")
    await expect(page.locator("#state")).to_contain_text("No signal")


async def test_without_webcodecs_the_media_element_plays(picturing, chromium: Browser) -> None:
    await picturing.make_administrator()
    context, page, complaints = await opened(chromium)
    await context.add_init_script("delete window.VideoDecoder")
    await log_in(page, picturing.url, "petra")
    await expect(page.locator("#state")).to_contain_text("Live", timeout=10_000)
    assert len(await pictures(page, 3)) == 3
    assert await page.evaluate("camwardLive._fallback") is True
    # Longer than the group that a viewer gets at once, and than the time after which an old picture is taken away:
    # the clip has sound, and the media element stops where either of its tracks does.
    await asyncio.sleep(4)
    assert len(await pictures(page, 3)) == 3
    await expect(page.locator("#state")).to_contain_text("Live")
    assert complaints == []


async def test_a_revoked_session_loses_the_picture(picturing, chromium: Browser) -> None:
    await picturing.make_administrator()
    await picturing.add_user("mara", Role.LIVE_ONLY)
    _, page, _ = await opened(chromium)
    await log_in(page, picturing.url, "mara")
    await pictures(page, 2)
    picturing.ground.access.sessions.end_all("mara")
    await expect(page.locator("#none")).to_contain_text("You may not see this picture", timeout=10_000)


async def test_a_live_only_user_reaches_no_setup(picturing, chromium: Browser) -> None:
    await picturing.make_administrator()
    await picturing.add_user("mara", Role.LIVE_ONLY)
    _, page, _ = await opened(chromium)
    await log_in(page, picturing.url, "mara")
    assert len(await pictures(page, 2)) == 2
    assert await page.locator(".rail a.item").all_inner_texts() == ["Live"]
    assert await page.locator("form[data-settings]").count() == 0
    for path in ("/setup", "/setup/network", "/users", "/journal", "/status"):
        response = await page.goto(picturing.url + path)
        assert response is not None and response.status == 403, path
        await expect(page.locator("main")).to_contain_text("This is not allowed for you")


async def test_setup_shows_why_and_sets(claimed, chromium: Browser) -> None:
    _, page, complaints = await opened(chromium)
    await log_in(page, claimed.url, "petra")
    await page.goto(f"{claimed.url}/setup")
    await page.keyboard.press("/")
    await page.keyboard.type("plain rtsp")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/setup/network#*")
    box = page.locator(".control[data-path='network.rtsp.plain']")
    await box.get_by_text("Allowed").click()
    await expect(box.locator(".waiting")).to_contain_text("Not set yet: Refused → Allowed.")
    await expect(box.locator(".waiting")).to_contain_text("Anyone on the network path can watch")
    assert claimed.ground.settings.current.network.rtsp.plain is False
    port = page.locator(".control[data-path='network.rtsp.port']")
    await port.locator("input").fill("70000")
    await port.locator("input").press("Control+Enter")
    await expect(port.locator(".fault")).to_contain_text("65535")
    assert claimed.ground.settings.current.network.rtsp.plain is False
    await port.locator("input").fill("8554")
    async with page.expect_navigation():
        await port.locator("input").press("Control+Enter")
    assert claimed.ground.settings.current.network.rtsp.plain is True
    assert claimed.ground.settings.current.network.rtsp.port == 8554
    await expect(page.locator("#set-network-rtsp-plain-setting .facts")).to_contain_text("Allowed")
    assert [line for line in complaints if "422" not in line] == []


async def test_a_privacy_zone_is_drawn_and_masks(picturing, chromium: Browser) -> None:
    await picturing.make_administrator()
    _, page, complaints = await opened(chromium, viewport={"width": 1280, "height": 900})
    await log_in(page, picturing.url, "petra")
    await pictures(page, 2)
    await page.click("#zone-edit")
    layer = await page.locator("#zones").bounding_box()
    assert layer is not None
    await page.mouse.move(layer["x"] + layer["width"] * 0.1, layer["y"] + layer["height"] * 0.1)
    await page.mouse.down()
    await page.mouse.move(layer["x"] + layer["width"] * 0.4, layer["y"] + layer["height"] * 0.5)
    await page.mouse.up()
    await page.click("#zone-set")
    await expect(page.locator("#zone-list")).to_contain_text("30 × 40 % at 10, 10 %")
    # Brightness at points inside the zone (from its corners to its middle), and of the whole picture.
    look = """() => {
      const canvas = document.getElementById('picture');
      const context = canvas.getContext('2d');
      const at = (x, y, w, h) => context.getImageData(canvas.width * x, canvas.height * y, w, h).data;
      const inside = [[0.12, 0.13], [0.38, 0.13], [0.12, 0.47], [0.38, 0.47], [0.25, 0.3]];
      const brightest = inside.flatMap(([x, y]) => [...at(x, y, 1, 1).slice(0, 3)]);
      return [Math.max(...brightest), Math.max(...at(0.5, 0.05, 50, 10).slice(0, 3))];
    }"""
    assert (await page.evaluate(look))[0] > 100
    async with asyncio.timeout(20):
        while True:
            inside, outside = await page.evaluate(look)
            if inside < 24 and outside > 100:
                break
            await asyncio.sleep(0.1)
    assert complaints == []


async def test_users_and_client_secrets_by_hand(claimed, chromium: Browser) -> None:
    _, page, complaints = await opened(chromium)
    await log_in(page, claimed.url, "petra")
    await page.goto(f"{claimed.url}/users")
    await page.click("[data-open=add-user]")
    await page.fill("#new-name", "mara")
    await page.fill("#new-password", PASSWORD)
    async with page.expect_navigation():
        await page.click("#add-user button[type=submit]")
    await expect(page.locator("[data-user=mara] select")).to_have_value("live_only")
    await page.click("[data-open=add-client]")
    await page.fill("#client-name", "nvr")
    await page.click("#add-client button[type=submit]")
    await expect(page.locator("#made-secret")).not_to_be_empty()
    secret = await page.locator("#made-secret").inner_text()
    assert len(secret) >= 26
    async with page.expect_navigation():
        await page.click("#made-done")
    assert secret not in await page.content()
    await page.click("[data-client=nvr] [data-revoke]")
    async with page.expect_navigation():
        await page.click("#confirm-yes")
    assert claimed.ground.access.clients.list() == []
    await page.click("[data-user=petra] [data-remove]")
    await page.click("#confirm-yes")
    await expect(page.locator("#users-fault")).to_contain_text("last administrator")
    assert [line for line in complaints if "422" not in line] == []


async def test_pages_fit_a_phone(claimed, chromium: Browser) -> None:
    _, page, _ = await opened(chromium, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    await log_in(page, claimed.url, "petra")
    for path in ("/live", "/status", "/setup/network", "/setup/image-audio", "/users", "/journal", "/account"):
        await page.goto(claimed.url + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
    await page.click("#more")
    await expect(page.locator("#more-sheet")).to_contain_text("Users")
