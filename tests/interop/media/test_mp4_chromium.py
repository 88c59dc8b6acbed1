"""Chromium plays our files through Media Source Extensions, fragment by fragment."""

import base64
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from camward.media.codec import codec_string
from camward.media.mp4.boxes import uuid_box
from camward.media.mp4.fragments import rebase_fragment
from camward.media.mp4.reader import Mp4File

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLAY = """async ({type, parts}) => {
  if (!MediaSource.isTypeSupported(type)) return {error: "type"};
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise(done => source.addEventListener("sourceopen", done, {once: true}));
  const buffer = source.addSourceBuffer(type);
  let failed = null;
  video.addEventListener("error", () => { failed = video.error.message; });
  for (const part of parts) {
    const bytes = Uint8Array.from(atob(part), letter => letter.charCodeAt(0));
    buffer.appendBuffer(bytes);
    await new Promise(done => buffer.addEventListener("updateend", done, {once: true}));
    if (failed) return {error: failed};
  }
  source.endOfStream();
  const end = video.buffered.end(0);
  video.currentTime = end / 2;
  await new Promise(done => video.addEventListener("seeked", done, {once: true}));
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const colours = new Set(context.getImageData(0, 0, canvas.width, canvas.height).data);
  return {error: failed, ranges: video.buffered.length, start: video.buffered.start(0), end,
          width: video.videoWidth, height: video.videoHeight, colours: colours.size};
}"""


async def play(kind: str, parts: list[bytes]) -> dict:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        try:
            page = await browser.new_page()
            return await page.evaluate(
                PLAY, {"type": kind, "parts": [base64.b64encode(part).decode() for part in parts]}
            )
        finally:
            await browser.close()


def mime(clip) -> str:
    names = [codec_string(clip.form.video, in_band=True)] + ([codec_string(clip.form.audio)] if clip.form.audio else [])
    return f'video/mp4; codecs="{",".join(names)}"'


@pytest.mark.parametrize("name", ["h264-aac", "h264-b-opus"])
async def test_a_stored_file_plays(clips, record, tmp_path: Path, name):
    clip = clips[name]
    box = uuid_box(bytes(16), b"countersignature")
    data = record(clip, tmp_path / "out.mp4", before=box).read_bytes()
    got = await play(mime(clip), [data])
    assert got["error"] is None
    assert got["ranges"] == 1 and got["start"] < 0.1 and abs(got["end"] - 3) < 0.1
    assert (got["width"], got["height"]) == (162, 122) and got["colours"] > 50


async def test_fragments_of_two_files_play_as_one_stream(clips, record, tmp_path: Path):
    clip = clips["h264-aac"]
    data = record(clip, tmp_path / "out.mp4").read_bytes()
    file = Mp4File.scan(data)
    parts, number = [file.init_segment()], 0
    for turn in range(2):
        for fragment in file.fragments:
            number += 1
            moof = data[fragment.moof.start : fragment.moof.end]
            moved = {}
            for track_id, (time, _) in fragment.times().items():
                moved[track_id] = time + turn * 3 * file.track(track_id).timescale
            moof = rebase_fragment(moof, sequence=number, decode_times=moved)
            parts.append(moof + data[fragment.moof.end : fragment.end])
    got = await play(mime(clip), parts)
    assert got["error"] is None
    assert got["ranges"] == 1 and abs(got["end"] - 6) < 0.1
