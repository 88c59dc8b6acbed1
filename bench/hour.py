"""A recorder with an hour of one camera, 1080p25 at 4 Mbit/s (1.8 GB): made file by file, indexed with `reindex`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.clip import FOLDER, clip
from bench.device import claim, free_port
from bench.process import stopped
from camward.access import Device
from camward.base.clock import NS, Utc
from camward.media.mp4.origin import Origin
from camward.media.mp4.reader import Mp4File
from camward.media.mp4.writer import FragmentWriter
from camward.media.unit import VIDEO_CLOCK, AccessUnit, Flags, StreamFormat, Track, VideoFormat

FILES, FILE_SECONDS, GROUP = 60, 60, 50
RATE = 25


@dataclass(frozen=True, slots=True)
class Recorded:
    """The running recorder, and when its hour begins and ends, milliseconds since 1970."""

    https: int
    first_ms: int
    end_ms: int


@contextlib.contextmanager
def hour() -> Iterator[Recorded]:
    """An hour that ended a minute ago."""
    state = FOLDER / "hour"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    entry = '[cameras.entries.bench]\nname = "Bench"\nurl = "rtsp://127.0.0.1:9/cam"\nenabled = false\n'
    (state / "settings.toml").write_text(entry)
    asyncio.run(claim(state, Device.RECORDER))
    first = int(time.time()) - FILES * FILE_SECONDS - 60
    _write(first)
    command = [sys.executable, "-m", "camward.cli", "recorder"]
    subprocess.run([*command, "reindex", "--state", str(state)], check=True, capture_output=True)
    port = free_port()
    run = [*command, "run", "--state", str(state), "--https", f"127.0.0.1:{port}"]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        yield Recorded(port, first * 1000, (first + FILES * FILE_SECONDS) * 1000)
    finally:
        stopped(process)
        shutil.rmtree(state, ignore_errors=True)


def _write(first: int) -> None:
    form, samples = _clip()
    per_file = FILE_SECONDS * RATE
    for number in range(FILES):
        begin = first + number * FILE_SECONDS
        when = datetime.fromtimestamp(begin, UTC)
        folder = FOLDER / "hour" / "recordings" / "bench" / when.strftime("%Y-%m-%d/%H")
        folder.mkdir(parents=True, exist_ok=True)
        writer = FragmentWriter(form, Origin("bench", "bench-recorder", 1, number + 1, Utc(begin * NS)))
        size = duration = 0
        with (folder / f"{when:%Y%m%dT%H%M%S}.000Z-{number + 1:06}.mp4").open("wb") as file:
            file.write(writer.header())
            for start in range(0, per_file, GROUP):
                units = [_unit(samples, number * per_file + start + i, first) for i in range(GROUP)]
                following = {Track.VIDEO: units[-1].ticks + VIDEO_CLOCK // RATE}
                fragment = writer.fragment(units, next_ticks=following)
                file.writelines(fragment.chunks)
                size, duration = size + fragment.size, duration + fragment.duration
            offset, reference = writer.reference(size, duration)
            file.seek(offset)
            file.write(reference)


def _unit(samples: list[bytes], number: int, first: int) -> AccessUnit:
    ticks = number * VIDEO_CLOCK // RATE
    flags = Flags.KEY if number % GROUP == 0 else Flags.NONE
    return AccessUnit(Track.VIDEO, ticks, Utc(first * NS + number * NS // RATE), samples[number % len(samples)], flags)


def _clip() -> tuple[StreamFormat, list[bytes]]:
    movie = Mp4File.scan(clip().read_bytes())
    video = next(track for track in movie.tracks if isinstance(track.form, VideoFormat))
    assert isinstance(video.form, VideoFormat)
    return StreamFormat(video.form), [movie.read(sample) for sample in video.samples]
