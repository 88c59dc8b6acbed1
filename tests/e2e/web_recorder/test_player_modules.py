"""The player's modules in Chromium, on files that our own writer made of real footage."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from camward.base.clock import NS

from .conftest import START, Clip, Shelf, decode_at, serve, write_file

MS = START / 1e6
OPEN = """async () => {
  const {Recording} = await import("/static/player/recording.js");
  const {Player} = await import("/static/player/player.js");
  window.told = [];
  window.make = (camera = "cam") => {
    window.player = new Player(document.getElementById("canvas"), new Recording(`/api/v1/cameras/${camera}`));
    for (const type of ["picture", "gap", "state", "failure", "unsupported"])
      player.addEventListener(type, (event) => told.push({type, at: performance.now(), ...event.detail, config: 0}));
  };
  make();
  window.pixels = () => {
    const c = document.getElementById("canvas");
    const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let text = ""; for (let i = 0; i < d.length; i += 4) text += String.fromCharCode(d[i], d[i + 1], d[i + 2]);
    return {width: c.width, height: c.height, data: btoa(text)};
  };
}"""


@pytest.fixture
def shelf(car_park: Clip) -> Shelf:
    """20 s recorded, 20 s nothing, 20 s recorded."""
    first = [unit for unit in car_park.units if unit.utc < START + 20 * NS]
    second = [unit for unit in car_park.units if unit.utc >= START + 40 * NS]
    return Shelf([write_file(car_park.form, first), write_file(car_park.form, second)])


@pytest.fixture
async def page(browser: Browser, shelf: Shelf) -> AsyncIterator[Page]:
    runner, url = await serve(shelf.app())
    try:
        page = await browser.new_page()
        await page.goto(f"{url}/page")
        await page.evaluate(OPEN)
        yield page
        assert not [line for line in await page.evaluate("told") if line["type"] == "failure"]
    finally:
        await runner.cleanup()


def difference(pixels: dict[str, object], clip: Clip, index: int) -> float:
    """Mean distance of colours, 0 to 255: decoders round colours differently, pictures differ by far more."""
    seen = base64.b64decode(str(pixels["data"]))
    true = decode_at(clip, index)
    assert len(seen) == len(true)
    return sum(abs(a - b) for a, b in zip(seen[::97], true[::97], strict=True)) / len(seen[::97])


async def told(page: Page, kind: str) -> list[dict[str, float]]:
    return [line for line in await page.evaluate("told") if line["type"] == kind]


@pytest.mark.parametrize("index", [0, 1, 7, 19, 20, 33, 199])
async def test_a_seek_shows_exactly_the_picture_of_that_time(page: Page, car_park: Clip, index: int) -> None:
    assert await page.evaluate("time => player.seek(time)", MS + index * 100 + 50)
    assert (await told(page, "picture"))[-1]["time"] == pytest.approx(MS + index * 100, abs=1)
    pixels = await page.evaluate("pixels()")
    assert (pixels["width"], pixels["height"]) == (768, 576)
    right = difference(pixels, car_park, index)
    other = min(difference(pixels, car_park, near) for near in (index - 3, index + 3) if near >= 0)
    assert right < 4 and right < other


async def test_steps_are_single_pictures_both_ways(page: Page) -> None:
    await page.evaluate("time => player.seek(time)", MS + 1850)
    for _ in range(4):
        assert await page.evaluate("player.step(1)")
    for _ in range(6):
        assert await page.evaluate("player.step(-1)")
    times = [round((line["time"] - MS) / 100) for line in await told(page, "picture")]
    assert times == [18, 19, 20, 21, 22, 21, 20, 19, 18, 17, 16]


async def test_it_plays_at_its_speed_and_every_picture(page: Page) -> None:
    await page.evaluate("time => player.seek(time)", MS + 1000)
    await page.evaluate("told.length = 0, player.play(1)")
    await asyncio.sleep(3.0)
    await page.evaluate("player.pause()")
    shown = await told(page, "picture")
    times = [round((line["time"] - MS) / 100) for line in shown]
    assert times == sorted(set(times))
    assert len(times) >= 0.8 * (times[-1] - times[0] + 1), "pictures were left out at normal speed"
    passed = (shown[-1]["at"] - shown[0]["at"]) / (shown[-1]["time"] - shown[0]["time"])
    assert 0.85 < passed < 1.25


@pytest.mark.parametrize(
    ("speed", "least", "most"), [(4, 3.0, 5.0), (16, 10.0, 19.0), (-4, -6.0, -2.5), (0.25, 0.18, 0.32)]
)
async def test_speeds(page: Page, speed: float, least: float, most: float) -> None:
    start = MS + (17_000 if speed < 0 else 500)
    await page.evaluate("time => player.seek(time)", start)
    await page.evaluate("speed => { told.length = 0; player.play(speed) }", speed)
    await asyncio.sleep(1.1)
    await page.evaluate("player.pause()")
    shown = await told(page, "picture")
    assert len(shown) >= 2
    rate = (shown[-1]["time"] - shown[0]["time"]) / (shown[-1]["at"] - shown[0]["at"])
    assert least <= rate <= most


async def test_a_gap_is_told_and_passed(page: Page) -> None:
    await page.evaluate("time => player.seek(time)", MS + 19_000)
    await page.evaluate("told.length = 0, player.play(1)")
    await page.wait_for_function(
        f"told.some(one => one.type === 'picture' && one.time >= {MS + 40_000 - 1})", timeout=15_000
    )
    await page.evaluate("player.pause()")
    (gap,) = await told(page, "gap")
    assert gap["from"] == pytest.approx(MS + 20_000, abs=2) and gap["to"] == pytest.approx(MS + 40_000, abs=2)
    after = [line for line in await told(page, "picture") if line["at"] > gap["at"]]
    assert after[0]["time"] == pytest.approx(MS + 40_000, abs=2)
    assert 900 < after[0]["at"] - gap["at"] < 2500


async def test_a_seek_into_a_gap_shows_none_and_says_when_it_goes_on(page: Page) -> None:
    assert not await page.evaluate("time => player.seek(time)", MS + 30_000)
    (gap,) = await told(page, "gap")
    assert gap["to"] == pytest.approx(MS + 40_000, abs=2)
    assert not await page.evaluate("time => player.seek(time)", MS + 90_000)
    assert (await told(page, "gap"))[-1]["to"] is None


async def test_stepping_over_the_edges(page: Page) -> None:
    await page.evaluate("time => player.seek(time)", MS + 19_950)
    assert not await page.evaluate("player.step(1)")
    assert (await told(page, "gap"))[-1]["to"] == pytest.approx(MS + 40_000, abs=2)
    await page.evaluate("time => player.seek(time)", MS)
    assert not await page.evaluate("player.step(-1)")


async def test_scrubbing_follows_the_newest_wish_and_ends_on_it(page: Page) -> None:
    await page.evaluate(
        """async start => {
          for (let i = 0; i < 40; i++) {
            player.scrub(start + i * 450);
            await new Promise(done => setTimeout(done, 12));
          }
          await player.seek(start + 39 * 450);
        }""",
        MS,
    )
    shown = await told(page, "picture")
    assert shown[-1]["time"] == pytest.approx(MS + 17_500, abs=2)
    assert len(shown) >= 5


async def test_many_seeks_at_once_end_at_the_last(page: Page, shelf: Shelf) -> None:
    await page.evaluate(
        """async start => {
          const places = [1000, 45_000, 3000, 55_000, 9000, 41_000, 15_050];
          await Promise.all(places.map(ms => player.seek(start + ms)));
        }""",
        MS,
    )
    assert (await told(page, "picture"))[-1]["time"] == pytest.approx(MS + 15_000, abs=2)
    assert len(shelf.asked) < 25, "requests chased each other"


async def test_a_snapshot_is_the_picture_at_its_own_size(page: Page) -> None:
    assert await page.evaluate("player.snapshot()") is None
    await page.evaluate("time => player.seek(time)", MS + 700)
    size = await page.evaluate(
        """async () => {
          const image = await createImageBitmap(await player.snapshot());
          return [image.width, image.height];
        }"""
    )
    assert size == [768, 576]


async def test_what_the_recorder_refuses_is_said(browser: Browser, shelf: Shelf) -> None:
    runner, url = await serve(shelf.app())
    try:
        page = await browser.new_page()
        await page.goto(f"{url}/page")
        await page.evaluate(OPEN)
        await page.evaluate("make('gone')")
        assert not await page.evaluate("time => player.seek(time)", MS)
        (failure,) = await told(page, "failure")
        assert failure["text"] == "The disk is gone look"
    finally:
        await runner.cleanup()


async def test_broken_files_are_refused_by_the_parser_and_nothing_else(page: Page, car_park: Clip) -> None:
    data = write_file(car_park.form, car_park.units[:60])
    result = await page.evaluate(
        """async text => {
          const {Mp4Parser, Mp4Error} = await import("/static/player/mp4.js");
          const whole = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
          const pieces = new Mp4Parser();
          let samples = 0;
          for (let at = 0; at < whole.length; at += 1000)
            for (const part of pieces.push(whole.slice(at, at + 1000)))
              if (part.kind === "fragment") samples += part.samples.length;
          let refused = 0, other = [];
          let seed = 1;
          const random = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
          for (let turn = 0; turn < 1500; turn++) {
            const bytes = whole.slice(0, 30_000);
            for (let i = 0; i < 1 + random(8); i++)
              bytes[random(turn % 2 ? 1400 : bytes.length)] = random(256);
            try { new Mp4Parser().push(bytes); } catch (error) {
              if (error instanceof Mp4Error) refused++;
              else other.push(String(error.stack));
            }
          }
          return {samples, refused, other: other.slice(0, 3)};
        }""",
        base64.b64encode(data).decode(),
    )
    assert result["samples"] == 60
    assert result["other"] == []
    assert result["refused"] > 20, json.dumps(result)
