"""The recorder's pages in Chromium: timeline, live grid, cameras, wizard, events, and what a viewer sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from camward.base.clock import NS, Utc
from camward.base.events import Event, EventKind

from .conftest import Clip
from .recorder_site import PAST, RecorderSite, recorder_site, viewer

PIXELS = """() => {
  const canvas = document.getElementById("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [...data].filter((_, i) => i % 401 === 0);
}"""


@pytest.fixture
async def site(tmp_path: Path, car_park: Clip) -> AsyncIterator[RecorderSite]:
    async with recorder_site(tmp_path, car_park) as running:
        yield running


async def past_of(site: RecorderSite, name: str) -> tuple[float, float]:
    """Where a camera's first recording begins and ends, in milliseconds."""
    now = site.parts.clock.utc()
    spans = await site.parts.recorder.spans(site.users[name], Utc(now - 400 * NS), now, stream="stream1")
    first = next(span for span in spans if span.state == "recorded")
    return first.from_utc / 1e6, first.to_utc / 1e6


async def open_timeline(site: RecorderSite, browser: Browser, at: float, *, name: str = "Loading dock") -> Page:
    page = await site.login(browser, viewport={"width": 1280, "height": 900})
    await page.goto(f"{site.url}/timeline?camera={site.users[name]}&t={at:.0f}")
    return page


async def until(page: Page, expression: str, *, timeout: int = 10_000) -> None:
    """Wait for a condition; Playwright's own way needs an eval that our pages forbid."""
    async with asyncio.timeout(timeout / 1000):
        while not await page.evaluate(f"Boolean({expression})"):
            await asyncio.sleep(0.03)


async def shown(page: Page) -> float:
    """Capture time of the picture on the canvas."""
    await until(page, "window.timeline?.player?.shown", timeout=10_000)
    return await page.evaluate("timeline.player.shown.group.times[timeline.player.shown.index]")


async def test_the_timeline_plays_what_was_recorded(site: RecorderSite, browser: Browser) -> None:
    begin, _ = await past_of(site, "Loading dock")
    page = await open_timeline(site, browser, begin + 5000)
    assert await shown(page) == pytest.approx(begin + 5000, abs=101)
    before = await page.evaluate(PIXELS)
    assert len(set(before)) > 50, "the picture is not empty"
    await page.keyboard.press("l")
    await asyncio.sleep(2.2)
    await page.keyboard.press("k")
    after = await shown(page)
    assert 1000 < after - (begin + 5000) < 3500
    assert await page.evaluate(PIXELS) != before
    await page.keyboard.press(",")
    await until(page, f"timeline.player.shown.group.times[timeline.player.shown.index] < {after - 50}")
    assert await shown(page) == pytest.approx(after - 100, abs=2)
    assert page.problems == []


async def test_a_seek_into_a_recording_shows_its_picture_at_once(site: RecorderSite, browser: Browser) -> None:
    begin, _ = await past_of(site, "Loading dock")
    page = await open_timeline(site, browser, begin + 1000)
    await shown(page)
    times = await page.evaluate(
        """async begin => {
          const took = [];
          for (const ms of [31_050, 12_050, 25_950, 3050]) {
            timeline.player.recording._groups = []; timeline.player.recording._covered = [];
            const start = performance.now();
            await timeline.player.seek(begin + ms);
            const { group, index } = timeline.player.shown;
            took.push([performance.now() - start, group.times[index] - begin - ms]);
          }
          return took;
        }""",
        begin,
    )
    assert all(-101 < late <= 0 for _, late in times)
    assert min(took for took, _ in times) < 300, times


async def test_a_gap_is_a_sentence(site: RecorderSite, browser: Browser) -> None:
    _, end = await past_of(site, "Loading dock")
    async with asyncio.timeout(20):  # until it is recorded again
        while (
            await site.parts.recorder.edge(
                site.users["Loading dock"], Utc(int(end * 1e6) + NS), Utc(2**62), last=False, stream="stream1"
            )
            is None
        ):
            await asyncio.sleep(0.2)
    page = await open_timeline(site, browser, end + 10_000)
    await expect(page.locator("#none-text")).to_be_visible()
    await expect(page.locator("#none-more")).to_contain_text("The next picture is at")
    await expect(page.locator("#mark")).to_be_hidden()
    await page.keyboard.press("]")
    assert page.problems == []


async def test_keys_marks_and_download(site: RecorderSite, browser: Browser, tmp_path: Path) -> None:
    begin, _ = await past_of(site, "Loading dock")
    page = await open_timeline(site, browser, begin + 10_000)
    await shown(page)
    await page.keyboard.press("i")
    await page.keyboard.press("ArrowRight")
    await until(page, f"timeline.time > {begin + 14_900}")
    await page.keyboard.press("o")
    await expect(page.locator("#marked-facts")).to_contain_text("5 s · ")
    await expect(page.locator("#marked-facts")).to_contain_text("kB")
    async with page.expect_download() as waiting:
        await page.locator("#download").click()
    download = await waiting.value
    path = tmp_path / download.suggested_filename
    await download.save_as(path)
    assert path.suffix == ".mp4" and path.name.startswith(site.users["Loading dock"])
    probe = await asyncio.create_subprocess_exec(
        "ffprobe", "-v", "error", "-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets",
        "-of", "csv=p=0", str(path), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await probe.communicate()
    assert 50 <= int(out) <= 90, "5 s at 10 pictures a second, cut at key pictures"
    journal = [entry for entry in site.parts.journal.read() if entry.kind == "recording_downloaded"]
    assert [entry.who for entry in journal] == ["admin"]
    await page.get_by_role("button", name="Keep").click()
    await expect(page.locator("#said")).to_contain_text("will not be deleted")
    assert len(site.parts.recorder.pins.list()) == 1
    async with page.expect_download() as waiting:
        await page.keyboard.press("s")
    assert (await waiting.value).suggested_filename.endswith(".png")
    assert page.problems == []


async def test_the_lanes_are_one_slider_with_words(site: RecorderSite, browser: Browser) -> None:
    begin, _ = await past_of(site, "Loading dock")
    page = await open_timeline(site, browser, begin + 10_000)
    await shown(page)
    slider = page.get_by_role("slider", name="Position")
    await until(page, "document.getElementById('lanes').getAttribute('aria-valuetext')?.includes('not sealed')")
    words = await slider.get_attribute("aria-valuetext")
    assert "Loading dock" in words and "recorded, not sealed" in words
    box = await page.locator(f"svg[data-camera='{site.users['Car park']}']").bounding_box()
    time = await page.evaluate("timeline.window.from + 0.3 * (timeline.window.to - timeline.window.from)")
    await page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    await until(page, f"timeline.camera.name === 'Car park' && Math.abs(timeline.time - {time}) < 1500")
    span = await page.evaluate("timeline.window.to - timeline.window.from")
    await page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 5)
    await page.mouse.wheel(0, -300)
    await until(page, f"timeline.window.to - timeline.window.from < {span} * 0.7")
    under = await page.evaluate("timeline.window.from + 0.3 * (timeline.window.to - timeline.window.from)")
    assert under == pytest.approx(time, abs=span * 0.02)
    await page.get_by_role("button", name="As a list").click()
    await expect(page.locator("#list-rows")).to_contain_text("Recorded, not sealed")
    assert page.problems == []


async def test_the_address_carries_camera_and_time(site: RecorderSite, browser: Browser) -> None:
    begin, _ = await past_of(site, "Car park")
    page = await open_timeline(site, browser, begin + 4000, name="Car park")
    await shown(page)
    await page.keyboard.press("ArrowRight")
    await page.wait_for_url(
        lambda url: f"camera={site.users['Car park']}" in url and f"t={begin + 4000:.0f}" not in url
    )
    time = await page.evaluate("timeline.time")
    await page.reload()
    assert await shown(page) == pytest.approx(time, abs=101)


async def test_without_webcodecs_the_browsers_own_player_shows_it(site: RecorderSite, browser: Browser) -> None:
    begin, _ = await past_of(site, "Loading dock")
    page = await site.login(browser)
    await page.add_init_script("delete window.VideoDecoder")
    await page.goto(f"{site.url}/timeline?camera={site.users['Loading dock']}&t={begin + 5000:.0f}")
    await until(page, "document.getElementById('video').videoWidth === 768", timeout=15_000)
    await page.keyboard.press("k")
    await until(page, f"timeline.time > {begin + 6000} && timeline.time < {begin + 20_000}", timeout=15_000)


async def test_live_pictures_change_and_states_are_told(site: RecorderSite, browser: Browser) -> None:
    page = await site.login(browser, viewport={"width": 1280, "height": 900})
    await page.goto(f"{site.url}/live")
    canvas = page.locator("#tiles canvas").first
    look = (
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.slice(0, 90000).join()"
    )
    await until(page, "grid.tiles.every(tile => tile._live.kind === 'live')", timeout=15_000)
    first = await canvas.evaluate(look)
    await asyncio.sleep(1.5)
    assert await canvas.evaluate(look) != first
    urls = await page.evaluate("grid.tiles.map(tile => tile._view.url)")
    assert all("stream=stream2" in url for url in urls)
    await page.keyboard.press("2")
    await until(page, "grid.alone?._view.url.includes('stream=stream1')")
    await page.keyboard.press("Escape")
    site.camera.reachable = False
    await expect(page.locator("[data-none-word]").first).to_contain_text("No signal since", timeout=15_000)
    await expect(page.locator("#needs li").first).to_contain_text("Not reachable", timeout=25_000)
    await page.keyboard.press("a")
    await until(page, "document.querySelectorAll('#needs li').length === 1", timeout=8000)
    assert [line for line in page.problems if "WebSocket" not in line] == []


async def test_a_viewer_of_one_camera_sees_only_that(site: RecorderSite, browser: Browser) -> None:
    mine, other = site.users["Loading dock"], site.users["Car park"]
    await viewer(site, "vera", [mine])
    page = await site.login(browser, "vera")
    await page.goto(f"{site.url}/timeline")
    assert await page.evaluate("timeline.cameras.map(one => one.name)") == ["Loading dock"]
    assert await page.locator("#download").count() == 0
    await page.goto(f"{site.url}/live")
    assert await page.locator(".tile").count() == 1
    assert await page.locator(".needs").count() == 0
    statuses = await page.evaluate(
        """async ([mine, other]) => {
          const range = "from=1000&to=2000";
          const [own, foreign] = [`/cameras/${mine}`, `/cameras/${other}`];
          const paths = [`${own}/spans?${range}`, `${foreign}/spans?${range}`, `${foreign}/media?${range}`,
            `${foreign}/export.mp4?${range}`, `${own}/export.mp4?${range}`, foreign, "/events", "/status"];
          return Promise.all(paths.map(async path => (await fetch("/api/v1" + path)).status));
        }""",
        [mine, other],
    )
    assert statuses == [200, 403, 403, 403, 403, 403, 403, 403]
    names = await page.evaluate(
        "async () => (await (await fetch('/api/v1/cameras')).json()).cameras.map(one => [one.name, one.address])"
    )
    assert names == [["Loading dock", ""]]
    refused = await page.evaluate(
        "camera => new Promise(done => { const socket = new WebSocket(`wss://${location.host}/live?camera=${camera}`);"
        " socket.onopen = () => done('open'); socket.onclose = () => done('closed'); })",
        other,
    )
    assert refused == "closed"
    for path in ("/cameras/add", f"/cameras/{mine}", "/health", "/events"):
        answer = await page.goto(f"{site.url}{path}")
        assert answer.status == 403, path


async def test_events_are_listed_filtered_and_acknowledged(site: RecorderSite, browser: Browser) -> None:
    mine = site.users["Car park"]
    for kind, subject in ((EventKind.SIGNAL_LOST, mine), (EventKind.STORAGE_FULL, "disk")):
        event = Event(kind, site.parts.clock.utc(), f"Something of {subject}", alarm=True, subject=subject)
        site.parts.events.publish(event)
    page = await site.login(browser)
    await page.goto(f"{site.url}/events")
    await expect(page.locator("#list")).to_contain_text("Disk full")
    await page.locator("#kind").select_option("signal_lost")
    await page.wait_for_url(lambda url: "kind=signal_lost" in url)
    await expect(page.locator("#list")).not_to_contain_text("Disk full")
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.locator("[data-what]").first).to_have_text("seen by admin")
    await page.goto(f"{site.url}/events?state=open")
    await expect(page.locator("#list")).not_to_contain_text("No signal")
    assert page.problems == []


async def test_a_camera_is_changed_and_removed(site: RecorderSite, browser: Browser) -> None:
    camera_id = site.users["Car park"]
    page = await site.login(browser)
    await page.goto(f"{site.url}/cameras/{camera_id}")
    await page.get_by_label("Name", exact=True).first.fill("Car park west")
    await page.get_by_label("Keep for, days").fill("9")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[data-done]")).to_have_text("Saved.")
    entry = site.parts.recorder.cameras.get(camera_id)
    assert (entry.name, entry.keep_days) == ("Car park west", 9)
    await page.get_by_role("button", name="Remove this camera…").click()
    await page.get_by_role("button", name="Keep it").click()
    assert camera_id in site.parts.recorder.cameras.list()
    await page.get_by_role("button", name="Remove this camera…").click()
    await page.get_by_role("button", name="Remove", exact=True).click()
    await page.wait_for_url(f"{site.url}/cameras")
    assert camera_id not in site.parts.recorder.cameras.list()
    await page.goto(f"{site.url}/timeline")
    names = await page.evaluate("timeline.cameras.map(one => one.name)")
    assert f"{camera_id} (removed)" in names, "what it recorded can still be seen"
    assert page.problems == []


async def test_health_says_what_is_ill(site: RecorderSite, browser: Browser) -> None:
    page = await site.login(browser)
    await page.goto(f"{site.url}/health")
    await expect(page.locator("#sentence")).to_have_text("All 2 cameras are recording, and all parts are well.")
    site.camera.reachable = False
    await expect(page.locator("#sentence")).to_contain_text("2 parts need you", timeout=20_000)
    await expect(page.locator("#lines")).to_contain_text("Check its power and network")
    assert page.problems == []


async def test_the_past_is_as_long_as_it_was(site: RecorderSite) -> None:
    begin, end = await past_of(site, "Loading dock")
    assert (end - begin) / 1000 == pytest.approx(PAST, abs=0.2)
