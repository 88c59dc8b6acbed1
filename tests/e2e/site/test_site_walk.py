"""A stranger's first minutes: `camward demo`, the printed address and code, a live picture, then its recording."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

pytestmark = pytest.mark.timeout(240)

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
PIXELS = """name => {
  const canvas = [...document.querySelectorAll("canvas")].find((one) => one.width > 100);
  if (!canvas) return "";
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let hash = 7;
  for (let i = 0; i < data.length; i += 97) hash = (hash * 31 + data[i]) | 0;
  return data.some((value, i) => i % 4 !== 3 && value > 60) ? String(hash) : "";
}"""


@dataclass
class Site:
    """A running demo and what it printed."""

    told: dict[str, Any]
    state: Path

    def __getitem__(self, device: str) -> dict[str, Any]:
        return next(item for item in self.told["devices"] if item["name"] == device)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    state, port = tmp_path / "demo", free_port()
    words = ["demo", "--state", str(state), "--port", str(port), "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "camward.cli", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        text = ""
        async with asyncio.timeout(60):
            while not text.endswith("\n}\n"):
                line = await process.stdout.readline()
                assert line, "the demo has ended"
                text += line.decode()
        yield Site(json.loads(text), state)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(15):
            await process.communicate()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield chromium
        await chromium.close()


def free_port() -> int:
    """A port with room above it for a camera's two."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            first = stack.enter_context(socket.socket())
            first.bind(("", 0))
            port = int(first.getsockname()[1])
            for other in (port + 10, port + 11):
                stack.enter_context(socket.socket()).bind(("", other))
            return port


async def claim(page: Page, device: dict[str, Any], *, pinned: bool) -> None:
    """First access, typed by hand; the owner's key is made and saved unless pairing has pinned one already."""
    await page.goto(device["url"])
    await page.fill("#code", device["claim_code"])
    await page.keyboard.press("Enter")
    await page.fill("#name", "petra")
    await page.fill("#password", PASSWORD)
    await page.fill("#again", PASSWORD)
    await page.keyboard.press("Enter")
    if not pinned:
        await page.fill("#phrase", "kept in the drawer")
        await page.fill("#phrase-again", "kept in the drawer")
        async with page.expect_download() as download:
            await page.click("#save")
        pem = Path(await (await download.value).path()).read_text()
        assert "BEGIN ENCRYPTED PRIVATE KEY" in pem
    await page.click("#finish")
    await page.wait_for_url("**/live")


async def different_pictures(page: Page, count: int) -> None:
    """Wait until so many different pictures were on the page's canvas."""
    seen: set[str] = set()
    async with asyncio.timeout(20):
        while len(seen) < count:
            if picture := await page.evaluate(PIXELS):
                seen.add(picture)
            await asyncio.sleep(0.05)


async def log_in(page: Page, url: str, name: str) -> None:
    await page.goto(f"{url}login")
    await page.fill("#name", name)
    await page.fill("#password", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/live")


async def new_page(browser: Browser, problems: list[str]) -> Page:
    context = await browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    return page


async def add_user(page: Page, url: str, name: str, level: str) -> None:
    await page.goto(f"{url}users")
    await page.click("[data-open=add-user]")
    await page.fill("#new-name", name)
    await page.fill("#new-password", PASSWORD)
    await page.select_option("#new-role", level)
    await page.click("#add-user button[type=submit]")
    await page.locator(f"[data-user={name}]").first.wait_for()


async def test_claim_live_timeline_and_levels(site: Site, browser: Browser) -> None:
    problems: list[str] = []
    recorder, camera = site["recorder"], site["camera1"]
    page = await new_page(browser, problems)
    await claim(page, recorder, pinned=False)
    await different_pictures(page, 8)

    await asyncio.sleep(6)  # something to look back at
    await page.goto(f"{recorder['url']}timeline")
    async with asyncio.timeout(20):
        while not await page.evaluate("Boolean(window.timeline?.player?.shown)"):
            await asyncio.sleep(0.05)
    end = await page.evaluate("timeline.player.shown.group.end")
    await page.evaluate("(t) => timeline.player.seek(t)", end - 4000)
    at = await page.evaluate("timeline.player.shown.group.times[timeline.player.shown.index]")
    assert abs(at - (end - 4000)) < 150
    await page.keyboard.press("k")
    await different_pictures(page, 8)

    await add_user(page, recorder["url"], "vera", "viewer")
    other = await new_page(browser, problems)
    await log_in(other, recorder["url"], "vera")
    await different_pictures(other, 3)
    for path in ("setup", "users", "journal"):
        answer = await other.goto(recorder["url"] + path)
        assert answer is not None
        assert answer.status == 403, path
    assert problems == []

    third = await new_page(browser, problems)
    await claim(third, camera, pinned=True)
    await different_pictures(third, 8)
    await add_user(third, camera["url"], "lena", "live_only")
    fourth = await new_page(browser, problems)
    await log_in(fourth, camera["url"], "lena")
    await different_pictures(fourth, 3)
    for path in ("setup", "users", "status", "journal"):
        answer = await fourth.goto(camera["url"] + path)
        assert answer is not None
        assert answer.status == 403, path
    changed = await fourth.evaluate(
        """async () => (await fetch("/api/v1/settings", {method: "PATCH", body: "{}",
             headers: {"Content-Type": "application/json"}})).status"""
    )
    assert changed == 403
    assert problems == []
