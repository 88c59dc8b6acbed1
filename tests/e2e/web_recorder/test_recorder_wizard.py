"""The add-camera wizard in Chromium against a real camera process: each step fails alone, then it works both ways."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from camward.access import Device, Scope, pairing_proof
from camward.app.device import open_ground
from camward.app.settings import CameraSettings
from camward.base.secret import Secret
from camward.trust.keys import load_or_create_key, spki

from .conftest import STATIC, Clip, Shelf, serve
from .recorder_site import RecorderSite, recorder_site

pytestmark = pytest.mark.timeout(120)
NOBODY_THERE = "127.0.0.1:9"


@dataclass(frozen=True)
class RunningCamera:
    """A camera as a process of its own."""

    https: int
    rtsp: int
    code: str
    words: str
    secret: str


@pytest.fixture
async def camera(tmp_path: Path) -> AsyncIterator[RunningCamera]:
    """Unclaimed, with a moving scene, and with one client secret made at its console."""
    state = tmp_path / "camera"
    with open_ground(state, Device.CAMERA, CameraSettings) as ground:
        secret = (await ground.access.clients.add("nvr", Scope.STREAMS, by="test")).reveal()
    command = (sys.executable, "-m", "camward.cli", "camera")
    running = await asyncio.create_subprocess_exec(
        *command, "run", "--state", str(state), "--source", "test:", "--https", "127.0.0.1:0", "--rtsp", "127.0.0.1:0",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(40):
            ports = await seen(running, "camera_ready")
            await seen(running, "stream_format")
        drain = asyncio.create_task(running.stderr.read())
        asked = await asyncio.create_subprocess_exec(
            *command, "claim-code", "--state", str(state), "--json", stdout=asyncio.subprocess.PIPE
        )
        label = json.loads((await asked.communicate())[0])
        yield RunningCamera(ports["https"], ports["rtsp"], label["claim_code"], label["words"], secret)
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.terminate()
        await running.wait()
        with contextlib.suppress(UnboundLocalError):
            await drain


async def seen(process: asyncio.subprocess.Process, event: str) -> dict[str, int]:
    """Read a device's log until it tells an event."""
    async for line in process.stderr:
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if isinstance(told, dict) and told.get("event") == event:
                return told
    raise AssertionError(f"the camera ended before {event}")


@pytest.fixture
async def site(tmp_path: Path, car_park: Clip) -> AsyncIterator[RecorderSite]:
    """A recorder without a camera, whose owner's key is pinned."""
    key = load_or_create_key(tmp_path / "owner-key.pem")
    folder = tmp_path / "recorder"
    async with recorder_site(folder, car_park, cameras=0, owner_key=spki(key.public_key)) as running:
        yield running


async def go_on(page: Page, step: str) -> None:
    await page.locator(f"form[data-step='{step}'] [type=submit]").click()


def problem(page: Page, step: str):
    return page.locator(f"form[data-step='{step}'] .problem")


async def address(page: Page, text: str) -> None:
    await page.locator("#address").fill(text)
    await go_on(page, "address")


async def test_by_claim_code_each_step_with_its_own_failure(
    site: RecorderSite, camera: RunningCamera, browser: Browser
) -> None:
    page = await site.login(browser)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    await page.goto(f"{site.url}/live")
    await expect(page.get_by_role("heading", name="No camera yet")).to_be_visible()
    await page.get_by_role("link", name="Add one").click()

    await address(page, "rtsp://admin:hunter2@cam/1")
    await expect(problem(page, "address")).to_contain_text("must not carry a password")
    await address(page, f"https://{NOBODY_THERE}")
    await expect(problem(page, "address")).to_contain_text("can't be reached", ignore_case=True)
    await address(page, f"127.0.0.1:{camera.https}")
    await expect(page.locator("#found")).to_contain_text("A Camward camera at 127.0.0.1")

    await page.locator("#code").fill("too-short")
    await go_on(page, "sign-in")
    await expect(problem(page, "sign-in")).to_contain_text("no claim code")
    await page.locator("#code").fill("0000-0000-0000-0000")
    await go_on(page, "sign-in")
    await expect(page.locator("#words")).to_have_text(camera.words)
    await go_on(page, "confirm")
    await expect(problem(page, "confirm")).to_contain_text("then tick the box")
    await page.locator("#same").check()
    await go_on(page, "confirm")
    await expect(problem(page, "sign-in")).to_be_visible(timeout=20_000)
    assert site.parts.recorder.cameras.list() == {}, "nothing is saved before a picture came"

    await page.locator("#code").fill(camera.code.lower().replace("-", " "))
    await go_on(page, "sign-in")
    await go_on(page, "confirm")
    await expect(page.locator("#paired")).to_be_visible(timeout=30_000)
    await page.locator("#camera-name").fill("Gate")
    await page.locator("#keep-days").fill("12")
    await go_on(page, "save")
    await page.wait_for_url(lambda url: "/cameras?added=" in url)
    await expect(page.locator(".note--ok")).to_contain_text("Gate is saved")
    await expect(page.locator("[data-state]").first).to_have_text("Recording", timeout=20_000)
    (entry,) = site.parts.recorder.cameras.list().values()
    assert (entry.name, entry.keep_days, entry.kind) == ("Gate", 12, "camward")
    code = camera.code.replace("-", "")
    assert not [line for line in sent if code in line.upper().replace("-", "").replace(" ", "")], (
        "the code left the page"
    )
    assert [line for line in page.problems if "422" not in line] == []


async def test_by_name_and_secret_with_its_picture(site: RecorderSite, camera: RunningCamera, browser: Browser) -> None:
    page = await site.login(browser)
    await page.goto(f"{site.url}/cameras/add")
    await address(page, f"rtsps://127.0.0.1:{camera.rtsp}/stream1")
    await page.locator("#name").fill("nvr")
    await page.locator("#secret").fill("not the secret")
    await go_on(page, "sign-in")
    await page.locator("#same").check()
    await go_on(page, "confirm")
    await expect(problem(page, "sign-in")).to_be_visible(timeout=20_000)
    await page.locator("#secret").fill(camera.secret)
    await page.locator("#stream-address").fill(f"rtsps://127.0.0.1:{camera.rtsp}/nothing")
    await go_on(page, "sign-in")
    await go_on(page, "confirm")
    await expect(page.locator(".problem:visible")).to_be_visible(timeout=30_000)
    assert site.parts.recorder.cameras.list() == {}
    await page.evaluate("document.querySelector('form:not([hidden]) [data-back=\"sign-in\"]')?.click()")
    await page.locator("#stream-address").fill(f"rtsps://127.0.0.1:{camera.rtsp}/stream1")
    await go_on(page, "sign-in")
    await go_on(page, "confirm")
    await expect(page.locator("#stream")).to_contain_text("H.264", timeout=30_000)
    await expect(page.locator("#not-drawn")).to_be_hidden()
    colours = await page.evaluate(
        """() => {
          const canvas = document.getElementById("still");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return new Set(data.filter((_, i) => i % 97 === 0)).size;
        }"""
    )
    assert colours > 20, "a real picture"
    await page.locator("[data-next]").click()
    await page.locator("#camera-name").fill("")
    await go_on(page, "save")
    await expect(problem(page, "save")).to_contain_text("name")
    await page.locator("#camera-name").fill("Yard")
    await go_on(page, "save")
    await page.wait_for_url(lambda url: "/cameras?added=" in url)
    await expect(page.locator("[data-state]").first).to_have_text("Recording", timeout=20_000)


@pytest.mark.parametrize("typed", ["ABCD-EFGH-JKMN-PQRS", "abcd efgh jkmn pqrs", "O123-I456-L789-0000"])
async def test_the_pages_proof_is_the_proof(browser: Browser, tmp_path: Path, typed: str) -> None:
    assert (STATIC / "wizard" / "proof.js").is_file()
    runner, url = await serve(Shelf([]).app())
    owner = spki(load_or_create_key(tmp_path / "key.pem").public_key)
    fingerprint, certificate = bytes(range(32)), b"\x30\x82" + bytes(500)
    try:
        page = await browser.new_page()
        await page.goto(f"{url}/page")
        made = await page.evaluate(
            """async ([typed, fingerprint, owner, certificate]) => {
              const {plainCode, pairingProof, bytesOf, fromHex} = await import("/static/wizard/proof.js");
              const parts = {ownerKey: bytesOf(owner), recorderCertificate: bytesOf(certificate)};
              return pairingProof(plainCode(typed), {fingerprint: fromHex(fingerprint), ...parts});
            }""",
            [typed, fingerprint.hex(":").upper(), *(base64.b64encode(part).decode() for part in (owner, certificate))],
        )
        wrong = await page.evaluate(
            "async () => ['', 'ABC', 'UUUU-UUUU-UUUU-UUUU', 'ABCD-EFGH-JKMN-PQRST', 'ABCD.EFGH.JKMN.PQRS']"
            ".map((await import('/static/wizard/proof.js')).plainCode)"
        )
    finally:
        await runner.cleanup()
    true = pairing_proof(Secret(typed), fingerprint=fingerprint, owner_key=owner, recorder_certificate=certificate)
    assert made == true.hex()
    assert wrong == [None] * 5
